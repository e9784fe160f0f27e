"""The RAM permissions that each operation of OSS and STS requires.

Manual: the section "Permissions" on the page of each operation, for example
https://www.alibabacloud.com/help/en/oss/developer-reference/initiatemultipartupload; RAM, "AssumeRole".

Rule: the one table of actions. RAM policies and the session policies of temporary credentials are made from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Target(Enum):
    """The resource that an action is allowed on."""

    OBJECT = "object"
    """The object of the request."""
    SOURCE = "source"
    """The object that is copied."""
    BUCKET = "bucket"
    LISTING = "listing"
    """The bucket, limited to keys with a prefix by the condition oss:Prefix. Manual, "ListObjectsV2"."""
    KMS_KEY = "kms key"
    """The key in KMS that encrypts the object."""
    ROLE = "role"
    """The RAM role that is assumed."""


class When(Enum):
    """The requests that require an action."""

    ALWAYS = "always"
    TAGGED = "tagged"
    """With x-oss-tagging."""
    KMS = "kms"
    """Where KMS encrypts the object (x-oss-server-side-encryption: KMS)."""


@dataclass(frozen=True, slots=True)
class Permission:
    """An action, what it must be allowed on, and the requests that require it."""

    action: str
    target: Target = Target.OBJECT
    when: When = When.ALWAYS


_PUT, _GET = Permission("oss:PutObject"), Permission("oss:GetObject")
_TAG = Permission("oss:PutObjectTagging", when=When.TAGGED)
_DECRYPT = Permission("kms:Decrypt", Target.KMS_KEY, When.KMS)
_ENCRYPT = (Permission("kms:GenerateDataKey", Target.KMS_KEY, When.KMS), _DECRYPT)
_SOURCE = Permission("oss:GetObject", Target.SOURCE)


def _on_bucket(*actions: str) -> tuple[Permission, ...]:
    return tuple(Permission(action, Target.BUCKET) for action in actions)


OPERATIONS: Mapping[str, tuple[Permission, ...]] = {
    "InitiateMultipartUpload": (_PUT, _TAG, *_ENCRYPT),
    # Its page names no action of KMS, while the page "Server-side encryption" demands access to the key for uploads.
    "UploadPart": (_PUT, *_ENCRYPT),
    "UploadPartCopy": (_PUT, _SOURCE, *_ENCRYPT),
    "CompleteMultipartUpload": (_PUT,),
    "AbortMultipartUpload": (Permission("oss:AbortMultipartUpload"),),
    "ListParts": (Permission("oss:ListParts"),),
    "ListMultipartUploads": _on_bucket("oss:ListMultipartUploads"),
    "PutObject": (_PUT, _TAG, *_ENCRYPT),
    # A form has no field for tags.
    "PostObject": (_PUT, *_ENCRYPT),
    "CopyObject": (_PUT, _SOURCE, _TAG, *_ENCRYPT),
    "HeadObject": (_GET,),
    "GetObject": (_GET, _DECRYPT),
    "DeleteObject": (Permission("oss:DeleteObject"),),
    "GetObjectACL": (Permission("oss:GetObjectAcl"),),
    "GetObjectTagging": (Permission("oss:GetObjectTagging"),),
    "ListObjectsV2": (Permission("oss:ListObjects", Target.LISTING),),
    "GetBucketInfo": _on_bucket("oss:GetBucketInfo"),
    "GetBucketWorm": _on_bucket("oss:GetBucketWorm"),
    "GetBucketRequestPayment": _on_bucket("oss:GetBucketRequestPayment"),
    "GetBucketLocation": _on_bucket("oss:GetBucketLocation"),
    "GetBucketCors": _on_bucket("oss:GetBucketCors"),
    "PutBucketCors": _on_bucket("oss:PutBucketCors"),
    "GetBucketLifecycle": _on_bucket("oss:GetBucketLifecycle"),
    "PutBucketLifecycle": _on_bucket("oss:PutBucketLifecycle"),
    "DeleteBucketLifecycle": _on_bucket("oss:PutBucketLifecycle"),
    "GetBucketOverwriteConfig": _on_bucket("oss:GetBucketOverwriteConfig"),
    "PutBucketOverwriteConfig": _on_bucket("oss:PutBucketOverwriteConfig"),
    "DeleteBucketOverwriteConfig": _on_bucket("oss:DeleteBucketOverwriteConfig"),
    "AssumeRole": (Permission("sts:AssumeRole", Target.ROLE),),
}
"""Permissions by OSS's name of the operation: of each one that `uploads.oss` calls, and of those that it signs."""


def required(operations: Iterable[str], *, tagged: bool = False, kms: bool = False) -> list[Permission]:
    """The permissions for these operations, each once. `tagged` and `kms`: for objects with tags, or that KMS
    encrypts."""
    conditions = {When.ALWAYS, *([When.TAGGED] if tagged else []), *([When.KMS] if kms else [])}
    wanted = (permission for operation in operations for permission in OPERATIONS[operation])
    return [permission for permission in dict.fromkeys(wanted) if permission.when in conditions]


def actions(permissions: Iterable[Permission], *targets: Target) -> list[str]:
    """The actions on these targets, in order, each once."""
    return list(dict.fromkeys(permission.action for permission in permissions if permission.target in targets))
