"""What an object is given besides its bytes: who may read it, how it is cached, encrypted, tagged, paced.

Rule: pure, and one table: what each option may be, in words. Which request carries it is decided here too, since OSS
takes most of them only while an upload begins, and refuses them at its end.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from uploads.domain.phrase import Phrase
from uploads.oss.limits import MAX_TRAFFIC_LIMIT, MIN_TRAFFIC_LIMIT

ACLS = ("default", "private", "public-read", "public-read-write")
STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
ENCRYPTIONS = ("AES256", "KMS", "SM4")
DISPOSITIONS = ("inline", "attachment")
MAX_TAGS, MAX_TAG_NAME, MAX_TAG_VALUE = 10, 128, 256
MAX_HEADER_LETTERS = 1024
TRAFFIC_LIMIT = "x-oss-traffic-limit"

Problem = Phrase | None


def _one_of(*known: str) -> Callable[[Any], Problem]:
    return lambda value: None if value in known else Phrase("it must be one of {known}", known=", ".join(known))


def _line(value: Any) -> Problem:
    """A header's value: nothing may break out of its line."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= MAX_HEADER_LETTERS:
        return None
    return Phrase("it must be one line of at most {most} ASCII letters", most=MAX_HEADER_LETTERS)


def _flag(value: Any) -> Problem:
    return None if isinstance(value, bool) else Phrase("it must be true or false")


def _whole(low: int, high: int, unit: str) -> Callable[[Any], Problem]:
    def check(value: Any) -> Problem:
        if type(value) is int and low <= value <= high:
            return None
        return Phrase("it must be {low} to {high} {unit}", low=low, high=high, unit=unit)

    return check


def _tags(value: Any) -> Problem:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        return Phrase("it must be names and values, both text")
    if len(value) > MAX_TAGS:
        return Phrase("an object has at most {most} tags", most=MAX_TAGS)
    for name, text in value.items():
        if not 1 <= len(name) <= MAX_TAG_NAME or len(text) > MAX_TAG_VALUE:
            return Phrase(
                "a tag's name has 1 to {name} letters, its value at most {value}",
                name=MAX_TAG_NAME,
                value=MAX_TAG_VALUE,
            )
        if any(not (letter.isalnum() or letter in " +-=._:/") for letter in name + text):
            return Phrase("tags are letters, digits, spaces and + - = . _ : /")
    return None


CHECKS: dict[str, Callable[[Any], Problem]] = {
    "acl": _one_of(*ACLS),
    "storage_class": _one_of(*STORAGE_CLASSES),
    "tagging": _tags,
    "cache_control": _line,
    "content_disposition": _one_of(*DISPOSITIONS),
    "expires": _whole(0, 10 * 366 * 24 * 3600, Phrase("seconds")),
    "encryption": _one_of(*ENCRYPTIONS),
    "encryption_key_id": _line,
    "forbid_overwrite": _flag,
    "traffic_limit": _whole(MIN_TRAFFIC_LIMIT, MAX_TRAFFIC_LIMIT, "bit/s"),
}
"""Option → what is wrong with a value, in words. `expires`: seconds from the start, as the Expires header then says.
`content_disposition`: the file's name is added. `traffic_limit`: of each request."""

OPTIONS = frozenset(CHECKS)


def problem(name: str, value: Any) -> Problem:
    """What is wrong with this option; None when nothing is."""
    check = CHECKS.get(name)
    return Phrase("there is no such option") if check is None else check(value)


# Which request carries what


def object_headers(
    options: Mapping[str, Any], *, filename: str, content_type: str, metadata: Mapping[str, str], begun: datetime
) -> dict[str, str]:
    """With InitiateMultipartUpload, and with PutObject and PostObject, which begin and end at once."""
    headers = {"Content-Type": content_type}
    if options.get("cache_control"):
        headers["Cache-Control"] = options["cache_control"]
    if options.get("content_disposition"):
        headers["Content-Disposition"] = disposition(options["content_disposition"], filename)
    if options.get("expires") is not None:
        headers["Expires"] = format_datetime(begun + timedelta(seconds=options["expires"]), usegmt=True)
    if options.get("storage_class"):
        headers["x-oss-storage-class"] = options["storage_class"]
    if options.get("encryption"):
        headers["x-oss-server-side-encryption"] = options["encryption"]
    if options.get("encryption_key_id"):
        headers["x-oss-server-side-encryption-key-id"] = options["encryption_key_id"]
    if options.get("tagging"):
        headers["x-oss-tagging"] = "&".join(f"{_tag(name)}={_tag(text)}" for name, text in options["tagging"].items())
    return {**headers, **_overwriting(options), **{f"x-oss-meta-{name}": text for name, text in metadata.items()}}


def completion_headers(options: Mapping[str, Any]) -> dict[str, str]:
    """With CompleteMultipartUpload, and with PutObject and PostObject."""
    acl = {"x-oss-object-acl": options["acl"]} if options.get("acl") else {}
    return {**acl, **_overwriting(options)}


def traffic(options: Mapping[str, Any]) -> dict[str, str]:
    """With every request that carries bytes; in a URL as a parameter, in a form as a field."""
    return {TRAFFIC_LIMIT: str(options["traffic_limit"])} if options.get("traffic_limit") else {}


def fits_a_form(options: Mapping[str, Any]) -> bool:
    """PostObject knows no tags."""
    return not options.get("tagging")


def _overwriting(options: Mapping[str, Any]) -> dict[str, str]:
    return {"x-oss-forbid-overwrite": "true"} if options.get("forbid_overwrite") else {}


def _tag(text: str) -> str:
    return quote(text, safe="")


def disposition(kind: str, filename: str) -> str:
    """`inline` or `attachment` under a name of any letters (RFC 6266): those that read ASCII alone get underscores."""
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in filename)
    named = f'{kind}; filename="{plain}"'
    return named if plain == filename else f"{named}; filename*=UTF-8''{quote(filename, safe='')}"
