"""The headers that are kept with an object: read at PutObject and Initiate, returned by Get and Head.

Rule: what OSS refuses is refused when it is sent, not when it is read.
"""

from collections.abc import Mapping
from urllib.parse import unquote_plus

from uploads.localoss.errors import Refusal, invalid_argument
from uploads.oss.limits import MAX_METADATA_BYTES

KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "expires", "content-language")
META = "x-oss-meta-"
STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
ENCRYPTIONS = ("AES256", "KMS", "SM4")
ACLS = ("default", "private", "public-read", "public-read-write")
ENCRYPTION = "x-oss-server-side-encryption"
STORAGE_CLASS = "x-oss-storage-class"
TAGGING = "x-oss-tagging"
ENCRYPTION_HEADERS = (ENCRYPTION, f"{ENCRYPTION}-key-id", "x-oss-server-side-data-encryption")
MAX_TAGS = 10


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """What to store, checked."""
    chosen = {name: headers[name] for name in KEPT if headers.get(name)}
    chosen.setdefault("content-type", "application/octet-stream")
    chosen |= _metadata(headers) | _encryption(headers)
    storage_class = headers.get(STORAGE_CLASS, "Standard")
    if storage_class not in STORAGE_CLASSES:
        raise invalid_argument(STORAGE_CLASS, storage_class, "no such storage class exists.")
    chosen[STORAGE_CLASS] = storage_class
    if tagging := headers.get(TAGGING):
        check_tags(tagging)
        chosen[TAGGING] = tagging
    return chosen


def shown(stored: Mapping[str, str]) -> dict[str, str]:
    """What Get and Head return of it: tags as their count alone."""
    headers = {name.title() if name in KEPT else name: value for name, value in stored.items()}
    if tagging := headers.pop(TAGGING, ""):
        headers["x-oss-tagging-count"] = str(len(tagging.split("&")))
    return headers


def without_tags(stored: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in stored.items() if name != TAGGING}


def fixed_at_initiate(headers: Mapping[str, str]) -> None:
    """What belongs to the object as a whole is refused with a part and at the end of a multipart upload."""
    for name in (ENCRYPTION, STORAGE_CLASS):
        if name in headers:
            raise invalid_argument(name, headers[name], f"{name} is not a valid header here: it goes with initiate.")


def encryption(stored: Mapping[str, str]) -> dict[str, str]:
    """What Initiate, UploadPart, Complete and PutObject echo."""
    return {name: stored[name] for name in ENCRYPTION_HEADERS if name in stored}


def acl(headers: Mapping[str, str]) -> str:
    """x-oss-object-acl, checked; absent means that the bucket decides."""
    value = headers.get("x-oss-object-acl", "default")
    if value not in ACLS:
        raise invalid_argument("x-oss-object-acl", value, "no such object access control exists.")
    return value


def forbids_overwrite(headers: Mapping[str, str]) -> bool:
    value = headers.get("x-oss-forbid-overwrite", "false").lower()
    if value not in ("true", "false"):
        raise invalid_argument("x-oss-forbid-overwrite", value, "The value must be true or false.")
    return value == "true"


def check_tags(tagging: str) -> None:
    """`k=v&k2=v2`: at most 10, no name twice, within the lengths."""
    pairs = [piece.partition("=") for piece in tagging.split("&")]
    names = [unquote_plus(name) for name, _, _ in pairs]
    values = [unquote_plus(value) for *_, value in pairs]
    if len(names) > MAX_TAGS or len(set(names)) != len(names):
        raise invalid_argument(TAGGING, tagging, "At most 10 tags, each name once.")
    if any(not 1 <= len(name) <= 128 for name in names) or any(len(value) > 256 for value in values):
        raise Refusal("InvalidTag")
    if any(not (letter.isalnum() or letter in " +-=._:/") for text in (*names, *values) for letter in text):
        raise Refusal("InvalidTag")


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in headers.items() if name.startswith(META) and name != META}
    if sum(len(name) - len(META) + len(value.encode()) for name, value in found.items()) > MAX_METADATA_BYTES:
        raise invalid_argument("x-oss-meta-*", "", "The metadata exceeds 8 KB.")
    return found


def _encryption(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name: headers[name] for name in ENCRYPTION_HEADERS if headers.get(name)}
    if found.get(ENCRYPTION, "AES256") not in ENCRYPTIONS:
        raise Refusal("InvalidEncryptionAlgorithmError")
    if len(found) > (ENCRYPTION in found) and found.get(ENCRYPTION) != "KMS":
        extra = next(name for name in found if name != ENCRYPTION)
        raise invalid_argument(extra, found[extra], f"{extra} goes with KMS only.")
    return found
