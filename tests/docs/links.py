"""Links and anchors of Markdown pages, as GitHub and the site resolve them."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

FENCE = re.compile(r"^ *(```+|~~~+).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
LINK = re.compile(r"(?<!\\)\]\(<?([^\s<>)]+)>?(?: \"[^\"]*\")?\)")
SOURCE = re.compile(r"<(?:img|source|a)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"")
AUTOLINK = re.compile(r"<(https?://[^>\s]+)>")
BARE = re.compile(r"(?<![\w(<\"=/])https?://[^\s<>()\"]*[^\s<>()\".,;:]")
"""An address in the text, of which the site makes a link."""
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def prose(text: str) -> str:
    """The page without code."""
    return CODE.sub("", FENCE.sub("", text))


def targets(text: str) -> Iterator[str]:
    """Where the links and pictures of a page lead, as they are written."""
    plain = prose(text)
    for pattern in (LINK, SOURCE, AUTOLINK, BARE):
        yield from pattern.findall(plain)


def anchors(text: str) -> set[str]:
    """The anchors of the page's headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        slug = slugify(heading)
        number = 0
        while slug in found:
            number += 1
            slug = f"{slugify(heading)}-{number}"
        found.add(slug)
    return found


def slugify(heading: str) -> str:
    """GitHub's anchor of a heading: what is linked is kept, signs are dropped, spaces become hyphens."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def is_external(target: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*:", target))


def is_well_formed(target: str) -> bool:
    """Whether an address of another site is one that browsers open: https or mailto, a host with a domain, no spaces.

    The addresses in instructions for this machine have http.
    """
    parts = urlsplit(target)
    if parts.scheme == "mailto":
        return bool(re.fullmatch(r"[^@\s]+@[\w.-]+\.\w+", parts.path))
    host = parts.hostname or ""
    if parts.scheme == "http":
        return host in ("localhost", "127.0.0.1")
    return parts.scheme == "https" and "." in host.strip(".") and parts.username is None
