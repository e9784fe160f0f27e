"""Names that clients give to files: cleaned before they are stored, shown or made part of a key.

Rule: pure. Characters that change the direction of text are removed from every name: with them `gnp.exe` can be shown
as `exe.png` (Unicode Technical Report 36, section 3.1; Unicode Standard Annex 9 lists the characters).
"""

import unicodedata

from uploads.domain.phrase import Phrase

DIRECTION_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks, embeddings, overrides and isolates of bidirectional text."""
_REMOVED_CATEGORIES = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
"""Control characters, surrogates, characters without a meaning, and line and paragraph separators."""
MAX_PATH_BYTES = 1024


def printable(text: str) -> str:
    """The text in NFC without characters that cannot be shown, or that change the direction of others."""
    valid = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    shown = "".join(c for c in valid if unicodedata.category(c) not in _REMOVED_CATEGORIES)
    return without_direction_controls(shown)


def without_direction_controls(text: str) -> str:
    """The text without characters that change the direction of others."""
    return "".join(c for c in text if c not in DIRECTION_CONTROLS)


def clean_filename(filename: str) -> str:
    """The file name as it is stored and shown; never empty."""
    return printable(filename).strip() or "file"


def clean_relative_path(path: str) -> str:
    """A path such as `holiday/day 1/beach.jpg`, as it is stored and shown; empty for an empty one.

    Backslashes, which some systems read as separators, become underscores. Raises ValueError (with a phrase) for an
    absolute path, an empty or dot segment, or too many bytes.
    """
    cleaned = printable(path).replace("\\", "_")
    if not cleaned:
        return ""
    segments = [segment.strip() for segment in cleaned.split("/")]
    if any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(Phrase("a relative path must not be absolute or have empty or dot segments"))
    joined = "/".join(segments)
    if len(joined.encode()) > MAX_PATH_BYTES:
        raise ValueError(Phrase("a relative path may have at most {most} bytes", most=MAX_PATH_BYTES))
    return joined
