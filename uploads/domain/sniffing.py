"""The media type of a file by its first bytes, and whether it is one that a destination accepts.

The patterns are those of the WHATWG MIME Sniffing Standard (https://mimesniff.spec.whatwg.org/), by which browsers
decide what a file is, with a few formats that people upload often. A library would guess more types, but not as
browsers do, and it is the browser that would run a page which claims to be an image.

Rule: pure.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from uploads.domain.phrase import Phrase

HEAD_BYTES = 1445
"""Bytes that the standard reads at most."""

_ZIP = ("application/zip", "application/x-zip-compressed", "application/java-archive", "application/epub+zip",
        "application/vnd.openxmlformats-officedocument.*", "application/vnd.oasis.opendocument.*",
        "application/vnd.ms-*.macroenabled.*", "application/vnd.android.package-archive", "application/x-zip",
        "application/vnd.google-earth.kmz", "model/3mf", "model/vnd.usdz+zip")  # fmt: skip
_OLE = ("application/msword", "application/vnd.ms-*", "application/vnd.visio", "application/x-ole-storage",
        "application/x-msi")  # fmt: skip
_GZIP = (
    "application/gzip",
    "application/x-gzip",
    "application/x-gtar",
    "application/x-compressed-tar",
    "application/x-tgz",
)
_MP4 = ("video/mp4", "audio/mp4", "video/quicktime", "audio/x-m4a", "video/x-m4v", "application/mp4", "video/3gpp",
        "video/3gpp2", "audio/3gpp", "audio/aac", "audio/m4a")  # fmt: skip
_HEIF = ("image/heic", "image/heif", "image/avif", "image/heic-sequence", "image/heif-sequence", "image/avif-sequence")
_OGG = ("application/ogg", "audio/ogg", "video/ogg", "audio/opus", "audio/vorbis")
_WEBM = ("video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska")
_TIFF = ("image/tiff", "image/x-adobe-dng", "image/x-canon-cr2", "image/x-nikon-nef", "image/x-sony-arw", "image/dng")
_XML = ("text/xml", "application/xml", "*/*+xml")
_EXECUTABLE = ("application/x-msdownload", "application/vnd.microsoft.portable-executable", "application/x-dosexec",
               "application/x-msdos-program")  # fmt: skip

_PATTERNS: tuple[tuple[re.Pattern[bytes], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern, re.DOTALL), types)
    for pattern, types in (
        (rb"\x89PNG\r\n\x1a\n", ("image/png", "image/apng")),
        (rb"\xff\xd8\xff", ("image/jpeg", "image/jpg", "image/pjpeg")),
        (rb"GIF8[79]a", ("image/gif",)),
        (rb"RIFF.{4}WEBP", ("image/webp",)),
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", ("image/bmp", "image/x-ms-bmp", "image/x-bmp")),
        (rb"\x00\x00[\x01\x02]\x00[\x01-\xff]\x00", ("image/x-icon", "image/vnd.microsoft.icon")),
        (rb"II\x2a\x00|MM\x00\x2a", _TIFF),
        (rb"8BPS\x00\x01", ("image/vnd.adobe.photoshop", "application/x-photoshop", "image/x-photoshop")),
        (rb".{4}ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis)", _HEIF),
        (rb".{4}ftyp|.{4}(moov|mdat|wide|free)", _MP4),
        (rb"\x1aE\xdf\xa3", _WEBM),
        (rb"OggS\x00", _OGG),
        (rb"RIFF.{4}AVI ", ("video/x-msvideo", "video/avi", "video/msvideo", "video/vnd.avi")),
        (rb"RIFF.{4}WAVE", ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")),
        (rb"FLV\x01", ("video/x-flv",)),
        (rb"\x00\x00\x01[\xb3\xba]", ("video/mpeg", "video/mp2p")),
        (rb"fLaC", ("audio/flac", "audio/x-flac")),
        (rb"ID3", ("audio/mpeg", "audio/mp3", "audio/aac", "audio/x-aiff", "audio/flac", "audio/wav", "audio/x-wav")),
        (rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", ("audio/mpeg", "audio/mp3")),
        (rb"\xff[\xf0\xf1\xf8\xf9]", ("audio/aac", "audio/aacp", "audio/x-aac")),
        (rb"FORM.{4}AIF[FC]", ("audio/aiff", "audio/x-aiff")),
        (rb"MThd\x00\x00\x00\x06", ("audio/midi", "audio/mid", "audio/x-midi")),
        (rb"%PDF-", ("application/pdf", "application/illustrator", "application/postscript")),
        (rb"%!PS-Adobe-", ("application/postscript", "image/x-eps", "application/eps")),
        (rb"PK(\x03\x04|\x05\x06|\x07\x08)", _ZIP),
        (rb"Rar!\x1a\x07", ("application/vnd.rar", "application/x-rar-compressed", "application/x-rar")),
        (rb"7z\xbc\xaf\x27\x1c", ("application/x-7z-compressed",)),
        (rb"\x1f\x8b", _GZIP),
        (rb"BZh[1-9]1AY", ("application/x-bzip2", "application/x-bzip", "application/bzip2")),
        (rb"\xfd7zXZ\x00", ("application/x-xz",)),
        (rb"\x28\xb5\x2f\xfd", ("application/zstd", "application/x-zstd")),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
        (rb"wOFF", ("font/woff", "application/font-woff")),
        (rb"wOF2", ("font/woff2",)),
        (rb"OTTO\x00", ("font/otf", "application/vnd.ms-opentype", "application/x-font-otf")),
        (rb"MZ.{58}", _EXECUTABLE),
        (rb"\x7fELF", ("application/x-executable", "application/x-elf", "application/x-sharedlib")),
    )
)  # fmt: skip

_MARKUP: tuple[tuple[re.Pattern[bytes], tuple[str, ...]], ...] = (
    (re.compile(rb"<svg[\s>]|<\?xml[^>]*>\s*(<!--.*?-->\s*|<!DOCTYPE svg.*?>\s*)*<svg[\s>]", re.I | re.S),
     ("image/svg+xml", *_XML)),
    (re.compile(rb"<\?xml", re.I), (*_XML, "application/xhtml+xml", "image/svg+xml")),
    (re.compile(rb"<(!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P)[\s>]", re.I),
     ("text/html", "application/xhtml+xml")),
    (re.compile(rb"<!--"), ("text/html", "application/xhtml+xml", "image/svg+xml", *_XML)),
)  # fmt: skip
_LEADING = b"\xef\xbb\xbf\t\n\x0c\r "

_RELIABLE = frozenset(types[0] for _, types in _PATTERNS) - {"audio/mpeg", "audio/aac", "video/mpeg"}
"""Types whose files always begin with their pattern."""


def sniffed(head: bytes) -> Sequence[str]:
    """The types that a file with these first bytes may have, as patterns; empty if they show none."""
    text = head[:HEAD_BYTES].lstrip(_LEADING)
    for table, content in ((_PATTERNS, head), (_MARKUP, text)):
        for pattern, types in table:
            if pattern.match(content):
                return types
    return ()


def content_problem(head: bytes, declared: str, accepted: Sequence[str]) -> Phrase | None:
    """Why a file with these first bytes is not of a type in `accepted` (patterns such as `video/*`); None if it is.

    `declared` is the type that the client named. A file whose bytes show a type must show an accepted one. A file whose
    bytes show none must not have been declared as a type that its bytes would show.
    """
    if not accepted or not head:
        return None
    declared = declared.partition(";")[0].strip().lower()
    found = sniffed(head)
    if not found:
        return Phrase("The content is not {type}.", type=declared) if declared in _RELIABLE else None
    if any(fnmatchcase(declared, kind) for kind in found) and _matches(declared, accepted):
        return None
    if _matches(found[0], accepted):
        return None
    return Phrase("The content is {found}, not {type}.", found=found[0], type=declared)


def _matches(kind: str, accepted: Sequence[str]) -> bool:
    return any(fnmatchcase(kind, pattern.lower()) for pattern in accepted)
