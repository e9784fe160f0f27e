"""The content type of a file by its name, the same on every machine.

Rule: pure. Nothing is read from the system's tables (`/etc/mime.types`), which differ.
"""

import mimetypes

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


def is_shown(content_type: str) -> bool:
    """Whether a browser may open an object of this type instead of saving it."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare.startswith(SHOWN) and not bare.startswith("image/svg") and not bare.endswith("+xml")


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
