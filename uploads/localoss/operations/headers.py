"""The headers that are stored with an object (OSS manual: "PutObject", "InitiateMultipartUpload").

Rule: a header is checked when it is sent.
"""

from collections.abc import Mapping
from urllib.parse import unquote_plus

from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations.context import Context
from uploads.oss.limits import MAX_METADATA_BYTES

KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "expires", "content-language")
META = "x-oss-meta-"
STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
ENCRYPTIONS = ("AES256", "KMS", "SM4")
ACLS = ("default", "private", "public-read", "public-read-write")
ACL = "x-oss-object-acl"
ENCRYPTION = "x-oss-server-side-encryption"
STORAGE_CLASS = "x-oss-storage-class"
TAGGING = "x-oss-tagging"
ENCRYPTION_HEADERS = (ENCRYPTION, f"{ENCRYPTION}-key-id", "x-oss-server-side-data-encryption")
MAX_TAGS = 10


def stored_headers(headers: Mapping[str, str], context: Context) -> dict[str, str]:
    """The headers to store with an object. Without headers for them, storage class and encryption are the bucket's.
    Refusal if one is not valid."""
    chosen = {name: headers[name] for name in KEPT if headers.get(name)}
    chosen.setdefault("content-type", "application/octet-stream")
    chosen |= _metadata(headers)
    chosen |= chosen_encryption(headers, context) or context.bucket.settings.encryption
    storage_class = headers.get(STORAGE_CLASS, context.bucket.storage_class)
    if storage_class not in STORAGE_CLASSES:
        raise invalid_argument(STORAGE_CLASS, storage_class, "no such storage class exists.")
    chosen[STORAGE_CLASS] = storage_class
    if tagging := headers.get(TAGGING):
        check_tags(tagging)
        chosen[TAGGING] = tagging
    return chosen


def response_headers(stored: Mapping[str, str]) -> dict[str, str]:
    """The headers of GetObject and HeadObject. Tags are returned as their number."""
    headers = {name.title() if name in KEPT else name: value for name, value in stored.items()}
    if tagging := headers.pop(TAGGING, ""):
        headers["x-oss-tagging-count"] = str(len(tagging.split("&")))
    return headers


def without_tags(stored: Mapping[str, str]) -> dict[str, str]:
    """The stored headers without the tags."""
    return {name: value for name, value in stored.items() if name != TAGGING}


def refuse_object_headers(headers: Mapping[str, str]) -> None:
    """Refusal (InvalidArgument) for a header that UploadPart and CompleteMultipartUpload do not take, because it
    belongs to InitiateMultipartUpload. ali-oss removes these headers from the later requests.
    """
    for name in (ENCRYPTION, STORAGE_CLASS):
        if name in headers:
            raise invalid_argument(name, headers[name], f"{name} is valid only in InitiateMultipartUpload.")


def encryption(stored: Mapping[str, str]) -> dict[str, str]:
    """The encryption headers, which the responses of uploads repeat (OSS manual: "Server-side encryption")."""
    return {name: stored[name] for name in ENCRYPTION_HEADERS if name in stored}


def acl(headers: Mapping[str, str], context: Context) -> str:
    """The value of x-oss-object-acl; "default", the bucket's ACL, without one. Refusal if it is not valid, or public
    while public access is blocked. The EC is of a recorded PutObject; whether other operations have it is unknown."""
    value = headers.get(ACL, "default")
    if value not in ACLS:
        raise invalid_argument(ACL, value, "no such object access control exists.")
    if value.startswith("public") and context.blocks_public_access:
        raise Refusal("AccessDenied", message="Put public object acl is not allowed", ec="0016-00000901")
    return value


def forbids_overwrite(headers: Mapping[str, str]) -> bool:
    """The value of x-oss-forbid-overwrite. Refusal if it is not valid."""
    value = headers.get("x-oss-forbid-overwrite", "false").lower()
    if value not in ("true", "false"):
        raise invalid_argument("x-oss-forbid-overwrite", value, "The value must be true or false.")
    return value == "true"


def check_tags(tagging: str) -> None:
    """Refusal unless tags `k=v&k2=v2` are valid: at most 10, no name twice, names to 128 and values to 256 characters
    (OSS manual: "PutObjectTagging")."""
    pairs = [piece.partition("=") for piece in tagging.split("&")]
    names = [unquote_plus(name) for name, _, _ in pairs]
    values = [unquote_plus(value) for *_, value in pairs]
    if len(names) > MAX_TAGS or len(set(names)) != len(names):
        raise invalid_argument(TAGGING, tagging, "There can be at most 10 tags, and their names must be unique.")
    if any(not 1 <= len(name) <= 128 for name in names) or any(len(value) > 256 for value in values):
        raise Refusal("InvalidTag")
    if any(
        not ((character.isascii() and character.isalnum()) or character in " +-=._:/")
        for text in (*names, *values)
        for character in text
    ):
        raise Refusal("InvalidTag")


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in headers.items() if name.startswith(META) and name != META}
    if sum(len(name) - len(META) + len(value.encode()) for name, value in found.items()) > MAX_METADATA_BYTES:
        raise invalid_argument("x-oss-meta-*", "", "The metadata exceeds 8 KB.")
    return found


def chosen_encryption(headers: Mapping[str, str], context: Context) -> dict[str, str]:
    """The encryption headers of a request. Refusal if they are not valid, or if KMS is not enabled."""
    found = {name: headers[name] for name in ENCRYPTION_HEADERS if headers.get(name)}
    if found.get(ENCRYPTION, "AES256") not in ENCRYPTIONS:
        raise Refusal("InvalidEncryptionAlgorithmError")
    if len(found) > (ENCRYPTION in found) and found.get(ENCRYPTION) != "KMS":
        extra = next(name for name in found if name != ENCRYPTION)
        raise invalid_argument(extra, found[extra], f"{extra} is valid only with KMS.")
    check_kms(found or context.bucket.settings.encryption, context)
    return found


def check_kms(encryption_headers: Mapping[str, str], context: Context) -> None:
    """Refusal (KmsServiceNotEnabled) for KMS if the account does not have it (OSS manual: "PutObject")."""
    if encryption_headers.get(ENCRYPTION) == "KMS" and "kms-not-enabled" in context.account_rules:
        raise Refusal("KmsServiceNotEnabled")
