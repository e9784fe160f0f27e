"""RAM policies, built as JSON text: the session policies of temporary credentials.

Manual: RAM, "Policy structure and syntax"; OSS, "RAM policies" for actions and resources.

Rule: pure, and for building only. The local OSS server reads and evaluates policies.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class PolicyError(ValueError):
    """A policy that is not valid, or that cannot be expressed. The message gives the reason."""


def allow(
    actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One statement with the effect Allow, ready for JSON. `condition` maps operators to keys and values."""
    limited = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources), **limited}


def deny(actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any]) -> dict[str, Any]:
    """One statement with the effect Deny, for requests that meet the condition, ready for JSON."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": list(resources), "Condition": condition}


def document(statements: Iterable[Mapping[str, Any]]) -> str:
    """A whole policy as compact JSON, because AssumeRole accepts 2,048 characters (`sts.MAX_POLICY_CHARACTERS`)."""
    return json.dumps({"Version": "1", "Statement": list(statements)}, separators=(",", ":"), ensure_ascii=False)


def bucket_resource(bucket: str) -> str:
    """The resource name of one bucket, in any region and account."""
    return f"acs:oss:*:*:{bucket}"


def object_resource(bucket: str, key: str) -> str:
    """The resource name of one object, in any region and account.

    Raises PolicyError for a key with `*` or `?`: these are wildcards in a resource and cannot be escaped.
    """
    if "*" in key or "?" in key:
        raise PolicyError("A key with * or ? cannot be named in a policy.")
    return f"acs:oss:*:*:{bucket}/{key}"


def kms_resource(region: str, key_id: str = "") -> str:
    """The resource name of a key in KMS, in any account; of all keys of the region without an id.

    Manual, KMS, "Authorization information": https://www.alibabacloud.com/help/en/kms/key-management-service/
    security-and-compliance/authorization-information
    """
    return f"acs:kms:{region}:*:key/{key_id or '*'}"


def with_acls(*acls: str) -> dict[str, Any]:
    """The condition of requests that set one of these object ACLs.

    Manual, OSS, "Authorization syntax and elements": the condition key oss:x-oss-object-acl.
    """
    return {"StringEquals": {"oss:x-oss-object-acl": list(acls)}}


def with_prefix(*patterns: str) -> dict[str, Any]:
    """The condition that limits a listing to keys that match one of these patterns, such as `uploads/*`."""
    return {"StringLike": {"oss:Prefix": list(patterns)}}
