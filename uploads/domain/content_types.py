"""The content type of a file: by its name, the same on every machine, and what one says.

Rule: pure. Nothing is read from the system's tables (`/etc/mime.types`), which differ.
"""

import mimetypes
import re

OF_WEB_PAGES = {
    ".avif": "image/avif",
    ".js": "text/javascript",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
"""What browsers need and some versions of Python lack."""
UNKNOWN = "application/octet-stream"
SHOWN = ("image/", "video/", "audio/", "application/pdf", "text/plain")
"""Types that a browser shows without running what is in them; SVG is excepted, and all XML.

A type that ends with `+xml` is an XML document, which can hold scripts: https://mimesniff.spec.whatwg.org/#xml-mime-type
"""
MAX_LENGTH = 255
"""Characters of a content type in a row. That of an object may be longer, and is cut there."""
_WORD = r"[\w!#$%&'*+.^`|~-]+"
MEDIA_TYPE = re.compile(
    r"([\w!#$&^.+-]+/[\w!#$&^.+-]+)[ \t]*"
    rf"(;[ \t]*({_WORD}=(\"[\x20\x21\x23-\x5b\x5d-\x7e]*\"|{_WORD}(,{_WORD})*)[ \t]*)?)*",
    re.ASCII,
)
"""One media type (RFC 9110, section 8.3.1), in its first group, with or without parameters.

It becomes a header's value: no other character may end a header's line and start another header. Of several types that
are separated by commas browsers take the last one, behind a parameter too. Recorders of browsers write
`codecs=vp9,opus`: what follows such a comma has no slash, so it is no type.
"""


def bare_type(content_type: str) -> str | None:
    """The type without its parameters, in lower case; None for what is not one media type, or may have been cut."""
    found = MEDIA_TYPE.fullmatch(content_type.strip(" \t"))
    return found[1].lower() if found and len(content_type) < MAX_LENGTH else None


def is_shown(content_type: str) -> bool:
    """Whether a browser may open an object of this type instead of saving it."""
    bare = bare_type(content_type)
    return (
        bare is not None and bare.startswith(SHOWN) and not bare.startswith("image/svg") and not bare.endswith("+xml")
    )


def _table() -> mimetypes.MimeTypes:
    table = mimetypes.MimeTypes()
    for suffix, name in OF_WEB_PAGES.items():
        table.add_type(name, suffix)
    return table


TABLE = _table()


def content_type_of(name: str, given: str | None = None) -> str:
    """The content type of a file with this name. `given` is for names that say nothing."""
    guessed, compression = TABLE.guess_type(name)
    if compression:  # Sent as the archive that it is: nothing says that the reader wants it decompressed.
        return "application/gzip" if compression == "gzip" else UNKNOWN
    return guessed or given or UNKNOWN
