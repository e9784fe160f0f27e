"""PostObject: one file in an HTML form, restricted by a signed policy.

Manual, "PostObject": https://www.alibabacloud.com/help/doc-detail/31988.htm

Rule: pure, and for building only. The signature covers the base64 text of the policy and nothing else, so the policy
must name every field. `tests/vectors/post_object_forms.json` holds forms that ali-oss made.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta

from uploads.oss import signing
from uploads.oss.signing import Scope, SigningContext

LENGTH = "content-length-range"
"""The condition on the size of the file: its fewest and its most bytes."""


def signed_fields(
    context: SigningContext, bucket: str, fields: Mapping[str, str], sizes: tuple[int, int], expires: int
) -> dict[str, str]:
    """The fields of a form with a V4 signature, without the file, which must come last.

    `fields` are the form's own fields; the policy binds each to its value. `sizes` are the fewest and the most bytes
    of the file. The form expires `expires` seconds after `context.now`.
    """
    proof = context.proof()
    end = (context.now + timedelta(seconds=expires)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    bound = [["eq", f"${name}", value] for name, value in {**proof, **fields}.items()]
    policy = encode(end, [{"bucket": bucket}, *bound, [LENGTH, *sizes]])
    signed = signature(context.credentials.access_key_secret, context.scope, policy)
    return {**fields, **proof, "policy": policy, "x-oss-signature": signed}


def encode(expiration: str, conditions: Sequence[object]) -> str:
    """The policy as JSON in base64. `expiration` is UTC, as 2026-01-15T09:30:00.000Z."""
    document = {"expiration": expiration, "conditions": list(conditions)}
    return base64.b64encode(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()).decode()


def signature(access_key_secret: str, scope: Scope, policy: str) -> str:
    """The V4 signature (lower-case hex) over the base64 policy."""
    return signing.signature(signing.signing_key(access_key_secret, scope), policy)
