"""PostObject: one file in one HTML form, held to a signed policy.

Rule: pure, and for both sides: who hands out forms builds and signs; who receives them parses and judges. The policy
is signed as the base64 text that travels; nothing else of the form is.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from uploads.oss import signing
from uploads.oss.signing import ALGORITHM, Credentials, Scope

LENGTH = "content-length-range"


# Handing out


def signed_fields(
    credentials: Credentials,
    region: str,
    now: datetime,
    expires: int,
    bucket: str,
    fields: Mapping[str, str],
    sizes: tuple[int, int],
) -> dict[str, str]:
    """The fields of a form, all but the file, which comes last: `fields`, each bound to its value, and the V4
    signature. `expires`: seconds from now; `sizes`: fewest and most bytes."""
    scope = Scope.at(now, region)
    proof = {
        "x-oss-signature-version": ALGORITHM,
        "x-oss-credential": f"{credentials.access_key_id}/{scope}",
        "x-oss-date": signing.timestamp(now),
    }
    if credentials.security_token:
        proof["x-oss-security-token"] = credentials.security_token
    end = (now + timedelta(seconds=expires)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    bound = [["eq", f"${name}", value] for name, value in {**proof, **fields}.items()]
    policy = encode(end, [{"bucket": bucket}, *bound, [LENGTH, *sizes]])
    return {
        **fields,
        **proof,
        "policy": policy,
        "x-oss-signature": signature(credentials.access_key_secret, scope, policy),
    }


def encode(expiration: str, conditions: Sequence[object]) -> str:
    """The policy as it travels."""
    document = {"expiration": expiration, "conditions": list(conditions)}
    return base64.b64encode(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()).decode()


def signature(access_key_secret: str, scope: Scope, policy: str) -> str:
    """V4 over the base64 policy."""
    return signing.signature(signing.signing_key(access_key_secret, scope), policy)
