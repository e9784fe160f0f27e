"""Object keys: made by the server from a destination's template.

Rule: nothing that a client sends can leave its place in the template. No key contains `*` or `?` (RAM policies treat
them as wildcards), a dot segment or `//` (HTTP clients rewrite them), a control character, or a character that changes
the direction of text.

OSS's manual: https://www.alibabacloud.com/help/en/oss/user-guide/object-naming-conventions
"""

import hashlib
import re
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Any
from uuid import UUID

from uploads.domain.names import DIRECTION_CONTROLS, printable
from uploads.domain.phrase import Phrase
from uploads.oss.limits import MAX_KEY_BYTES

FIELDS = ("user_id", "date", "uuid", "filename", "path")
UNSAFE = re.compile(r'[\x00-\x1f\x7f*?/\\:"<>|#%]+')
HASHED = re.compile(r"~[0-9a-f]{32}\Z")
VALUE = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
VALUE_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
MAX_FILENAME_BYTES = 200
"""Leaves room for the rest of the key. The row keeps the full name."""


NO_VALUES: Mapping[str, str] = MappingProxyType({})


def key_value(given: object) -> str | None:
    """A value of the site's own (a tenant, say) as a part of a key; None for one that is not allowed.

    It must be a whole number, or 1 to 64 of A-Z, a-z, 0-9, `-` and `_`, with single dots between them. So it
    holds no slash and is no dot segment: nobody's keys begin with the prefix of somebody else.
    """
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else given
    return text if isinstance(text, str) and VALUE.fullmatch(text) else None


def safe_filename(filename: str) -> str:
    """The file name as one path segment that clients, shells and RAM policies do not change; never empty or only dots.

    It has no `$` either: see `is_form_template`. A name that is too long is cut before its extension.
    """
    name = UNSAFE.sub("_", printable(filename).strip()).replace("$", "_").strip(". ")
    if len(name.encode()) > MAX_FILENAME_BYTES:
        stem, dot, extension = name.rpartition(".")
        if not dot or len(extension.encode()) > 20:
            stem, extension = name, ""
        suffix = f".{extension}" if extension else ""
        name = _shorten(stem, MAX_FILENAME_BYTES - len(suffix.encode())).rstrip(". ") + suffix
    return name or "file"


def user_segment(user_id: object) -> str:
    """A user's primary key as a part of a key, which no other user's key has.

    A text with characters that keys do not have ends with half of its SHA-256: `a/b` and `a:b` would be the same `a_b`.
    So does a text that looks like one of these, for users may choose their primary keys. The `~` keeps these rare: many
    sites have keys such as `user-` and a UUID in hexadecimal.
    """
    text = str(user_id)
    safe = UNSAFE.sub("_", text)
    if safe == text and not HASHED.search(text):
        return text
    return f"{safe}~{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def safe_path(relative_path: str, filename: str) -> str:
    """The path of a file of a folder with each segment as `safe_filename` returns it; the name of a file chosen alone.

    `relative_path`: as `clean_relative_path` returns it. Of a long path no folder is left out: the key may then be too
    long, and `object_key` raises.
    """
    *folders, name = relative_path.split("/") if relative_path else [filename]
    return "/".join(safe_filename(segment) for segment in (*folders, name))


def _shorten(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class FileName:
    """How the client names a file. `relative_path`: its path in the folder that was chosen, or empty."""

    filename: str
    relative_path: str = ""


def object_key(
    template: str, *, user_id: object, now: datetime, uuid: UUID, file: FileName, values: Mapping[str, str] = NO_VALUES
) -> str:
    """The key that the template gives. `values`: those of fields of the site's own, as `key_value` returns them.

    Raises ValueError (with a phrase) for a key that `key_problem` rejects.
    """
    fields = {"user_id": user_segment(user_id), "date": now, "uuid": uuid.hex}
    names = {"filename": safe_filename(file.filename), "path": safe_path(file.relative_path, file.filename)}
    key = template.format_map({**values, **fields, **names})
    problem = key_problem(key)
    if problem:
        raise ValueError(problem)
    return key


def key_fields(template: str, key: str) -> dict[str, str] | None:
    """What stands for the fields of a template in one of its keys; None for a key that the template does not give.

    Also None where a client could have chosen what stands for {user_id}: after a file name or a path.
    """
    pattern, seen = "", set[str]()
    for text, name, form, _ in string.Formatter().parse(template):
        pattern += re.escape(text)
        if name == "user_id" and seen & {"filename", "path"}:
            return None
        if name in seen:
            pattern += f"(?P={name})"
        elif name is not None:
            pattern += f"(?P<{name}>{_pattern(name, form or '')})"
            seen.add(name)
    found = re.fullmatch(pattern, key)
    return found.groupdict() if found else None


def _pattern(name: str, form: str) -> str:
    if name == "uuid":
        return "[0-9a-f]{32}"
    if name == "date" and form:
        return "[^/]+?".join(re.escape(text) for text in re.split("%.", form))
    return ".+" if name == "path" else "[^/]+?"


def has_path(template: str) -> bool:
    """Whether the keys of a template contain the path of a file of a folder."""
    return any(name == "path" for _, name, _, _ in string.Formatter().parse(template))


def static_prefix(template: str) -> str:
    """The prefix of every key of a template; empty if the template begins with a field."""
    return next((text if name is not None else template for text, name, _, _ in string.Formatter().parse(template)), "")


def own_prefix(template: str, user_id: object, values: Mapping[str, str] = NO_VALUES) -> str | None:
    """The prefix of all keys of this user and of no other user's; None if the template has no such prefix.

    A field of `values` must fill a whole segment: of `{tenant}-{user_id}/` two users could have the same prefix.
    """
    fields = list(string.Formatter().parse(template))
    start = ""
    for (text, name, form, conversion), (after, *_) in pairwise([*fields, ("", None, None, None)]):
        start += text
        ends_segment = after.startswith("/") and not form and not conversion
        if name == "user_id":
            return f"{start}{user_segment(user_id)}/" if ends_segment else None
        if name is None or name not in values or not ends_segment or not (start == "" or start.endswith("/")):
            return None
        start += values[name]
    return None


def key_problem(key: str) -> Phrase | None:
    """Why an object key is not allowed; None if it is."""
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
        return Phrase(
            "an object key must have 1 to {most} bytes in UTF-8, not {size}", most=MAX_KEY_BYTES, size=len(key.encode())
        )
    if key[0] in "/\\":
        return Phrase("an object key must not start with / or \\")
    if any(character in key for character in "*?"):
        return Phrase("an object key must not contain * or ?, which RAM policies treat as wildcards")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in key):
        return Phrase("an object key must not contain control characters")
    if DIRECTION_CONTROLS & set(key):
        return Phrase("an object key must not contain characters that change the direction of text")
    if any(segment in ("", ".", "..") for segment in key.split("/")[:-1]) or key.split("/")[-1] in (".", ".."):
        return Phrase("an object key must not contain empty or dot segments, which HTTP clients rewrite")
    return None


def is_form_template(key: str) -> bool:
    """Whether OSS may take the key of a form for a template: it replaces `${filename}` by what the form calls its file.

    No name makes such a key. Rows of earlier versions have one, a `$` before a name in the site's template makes one,
    and so do primary keys of users, whose prefixes must not change.
    """
    return "${" in key


def template_problem(template: Any, own: Collection[str] = ()) -> str | None:
    """Why a template is not allowed; None if it is. `own`: the names of fields of the site's own."""
    if not isinstance(template, str):
        return "it must be a string"
    try:
        fields = [field for field in string.Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        return str(error)
    names = {str(name) for _, name, _, _ in fields}
    if unknown := sorted(names - {*FIELDS, *own}):
        return f"unknown field {', '.join(unknown)}; use {', '.join([*FIELDS, *own])}"
    if changed := sorted(str(name) for _, name, form, conversion in fields if name in own and (form or conversion)):
        return f"{', '.join(changed)} must stand as it is, without a format"
    if "uuid" not in names:
        return "it must contain {uuid}, or uploads of one name would overwrite each other"
    try:
        values, now = dict.fromkeys(own, "value"), datetime(2026, 1, 15)
        file = FileName("a.bin", "folder/a.bin")
        key = object_key(template, user_id=1, now=now, uuid=UUID(int=0), file=file, values=values)
    except ValueError as error:
        return str(error)
    return None if UUID(int=0).hex in key else "{uuid} must not be shortened: it tells whose object it is"
