"""The session policies of temporary credentials: what a browser may do with them, made from OSS's table of permissions.

Rule: pure. The lists of operations also tell what the role must allow: see `operations.ram`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from uploads.domain.destination import ISSUES_FOR_PREFIX, Destination
from uploads.oss import permissions, policy
from uploads.oss.permissions import Permission, Target

ONE_UPLOAD = ("UploadPart",)
"""Only the server begins, completes and aborts uploads."""
OWN_PREFIX = (
    "InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject", "ListParts",
    "AbortMultipartUpload", "HeadObject", "GetObject", "ListObjectsV2",
)  # fmt: skip
"""For clients that begin, resume and abort uploads by themselves."""
KMS = "KMS"
PUBLIC_ACLS = ("public-read", "public-read-write")


def upload_policy(bucket: str, key: str, options: Mapping[str, Any], region: str) -> str:
    """The session policy for the parts of one upload with these options of its object."""
    required = permissions.required(ONE_UPLOAD, kms=options.get("encryption") == KMS)
    key_id = str(options.get("encryption_key_id") or "")
    statements = _statements(required, bucket, key, policy.kms_resource(region, key_id))
    return policy.document([*statements, *_nothing_public_but(str(options.get("acl") or ""))])


def prefix_policy(destination: Destination, bucket: str, prefix: str, region: str) -> str:
    """The session policy for one prefix. Tags are allowed where the destination lets the client set them, a public ACL
    where it is the destination's."""
    kms_key = kms_resource(destination, region)
    statements = _statements(browser_permissions(destination), bucket, f"{prefix}*", kms_key)
    return policy.document([*statements, *_nothing_public_but(destination.acl)])


def browser_permissions(destination: Destination) -> list[Permission]:
    """What the credentials that this destination issues may do; nothing if it issues none."""
    if not destination.credentials:
        return []
    operations = OWN_PREFIX if issues_for_prefix(destination) else ONE_UPLOAD
    tagged = issues_for_prefix(destination) and "tagging" in destination.client_options
    return permissions.required(operations, tagged=tagged, kms=uses_kms(destination))


def issues_for_prefix(destination: Destination) -> bool:
    """Whether users get credentials for their own prefix. Staged files have none: only the server may store them."""
    return destination.credentials == ISSUES_FOR_PREFIX and not destination.stage


def uses_kms(destination: Destination) -> bool:
    """Whether KMS may encrypt objects of this destination: by the destination, or where the client chooses."""
    return destination.encryption == KMS or "encryption" in destination.client_options


def kms_resource(destination: Destination, region: str) -> str:
    """The key in KMS. All of the region's, if the destination names none: the default key has no fixed id."""
    chosen = "encryption_key_id" in destination.client_options
    return policy.kms_resource(region, "" if chosen else destination.encryption_key_id)


def _nothing_public_but(acl: str) -> list[dict[str, Any]]:
    """The statement that denies the other public ACLs. Without it an object would be public until it is checked."""
    others = [each for each in PUBLIC_ACLS if each != acl]
    return [policy.deny(["oss:PutObject"], ["*"], policy.with_acls(*others))]


def _statements(required: Sequence[Permission], bucket: str, keys: str, kms_key: str) -> list[dict[str, Any]]:
    """Statements for the objects whose keys match `keys`, which ends in `*` for a prefix."""
    objects = policy.object_resource(bucket, keys.removesuffix("*")) + ("*" if keys.endswith("*") else "")
    statements = [policy.allow(permissions.actions(required, Target.OBJECT), [objects])]
    if listed := permissions.actions(required, Target.LISTING):
        statements.append(policy.allow(listed, [policy.bucket_resource(bucket)], policy.with_prefix(keys)))
    if encrypting := permissions.actions(required, Target.KMS_KEY):
        statements.append(policy.allow(encrypting, [kms_key]))
    return statements
