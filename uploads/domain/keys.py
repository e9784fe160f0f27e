"""The names of objects: made by the server from a destination's template.

Rule: nothing that a client typed can leave its place in the template, and no key holds `*` or `?` (RAM policies
read them as wildcards), a dot segment or `//` (HTTP clients rewrite them), or a control character.
"""

import re
import string
import unicodedata
from datetime import datetime
from typing import Any
from uuid import UUID

from uploads.domain.phrase import Phrase
from uploads.oss.limits import MAX_KEY_BYTES

FIELDS = ("user_id", "date", "uuid", "filename")
UNSAFE = re.compile(r'[\x00-\x1f\x7f*?/\\:"<>|#%]+')
MAX_FILENAME_BYTES = 200
"""Leaves room for the template; the full name is kept with the upload."""


def safe_filename(filename: str) -> str:
    """One path segment that every client, shell and policy takes as it is; never empty, never dots alone.

    A name too long loses its middle, not its extension.
    """
    name = unicodedata.normalize("NFC", filename.encode("utf-8", "replace").decode())
    name = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp"))
    name = UNSAFE.sub("_", name.strip()).strip(". ")
    if len(name.encode()) > MAX_FILENAME_BYTES:
        stem, dot, extension = name.rpartition(".")
        if not dot or len(extension.encode()) > 20:
            stem, extension = name, ""
        suffix = f".{extension}" if extension else ""
        name = _shorten(stem, MAX_FILENAME_BYTES - len(suffix.encode())).rstrip(". ") + suffix
    return name or "file"


def _shorten(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")


def object_key(template: str, *, user_id: object, now: datetime, uuid: UUID, filename: str) -> str:
    """Fill the template. Raises ValueError for a key that OSS, HTTP clients or policies would trip over."""
    key = template.format(
        user_id=UNSAFE.sub("_", str(user_id)), date=now, uuid=uuid.hex, filename=safe_filename(filename)
    )
    problem = key_problem(key)
    if problem:
        raise ValueError(problem)
    return key


def static_prefix(template: str) -> str:
    """How every key of a template begins, whoever uploads; empty where it begins with a field."""
    return next((text if name is not None else template for text, name, _, _ in string.Formatter().parse(template)), "")


def own_prefix(template: str, user_id: object) -> str | None:
    """The beginning of every key that this user gets, and nobody else; None where there is no such beginning."""
    start = ""
    for text, name, _, _ in string.Formatter().parse(template):
        start += text
        if name == "user_id":
            rest = template.partition("{user_id}")[2]
            return f"{start}{UNSAFE.sub('_', str(user_id))}/" if rest.startswith("/") else None
        if name is not None:
            return None
    return None


def key_problem(key: str) -> Phrase | None:
    """What is wrong with an object's name, in words; None when nothing is."""
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
        return Phrase(
            "a key has 1 to {most} bytes of UTF-8, this one has {size}", most=MAX_KEY_BYTES, size=len(key.encode())
        )
    if key[0] in "/\\":
        return Phrase("a key does not start with / or \\")
    if any(character in key for character in "*?"):
        return Phrase("a key holds no * or ?: RAM policies read them as wildcards")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in key):
        return Phrase("a key holds no control characters")
    if any(segment in ("", ".", "..") for segment in key.split("/")[:-1]) or key.split("/")[-1] in (".", ".."):
        return Phrase("a key holds no empty or dot segments: HTTP clients rewrite them")
    return None


def template_problem(template: Any) -> str | None:
    """What is wrong with a template, in words; None when nothing is."""
    if not isinstance(template, str):
        return "it is not text"
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        return str(error)
    if unknown := sorted(names - set(FIELDS)):
        return f"it names {', '.join(unknown)}; known are {', '.join(FIELDS)}"
    if "uuid" not in names:
        return "it lacks {uuid}: two uploads of one name would replace each other"
    try:
        object_key(template, user_id=1, now=datetime(2026, 1, 15), uuid=UUID(int=0), filename="a.bin")
    except ValueError as error:
        return str(error)
    return None
