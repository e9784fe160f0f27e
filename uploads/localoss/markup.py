"""XML of requests and responses.

Rule: requests are parsed by `uploads.oss.markup` (no document type, limited depth). Responses have no namespace,
because oss2 and alibabacloud-oss-v2 do not find their elements with one, and hold only characters that XML 1.0 allows.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias
from xml.etree.ElementTree import Element, ParseError

from uploads.localoss.errors import Refusal
from uploads.oss import markup

Content: TypeAlias = str | int | Iterable["Node"]
Node: TypeAlias = tuple[str, Content]

DECLARATION = markup.DECLARATION.decode()

_UNREPRESENTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CONTROL = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,9}));|[\x00-\x08\x0b\x0c\x0e-\x1f]")
_PRIVATE = range(0xF0000, 0xFFF00, 32)
"""First characters of blocks of 32 for private use (Unicode, plane 15)."""
_UTF_16 = (b"\xfe\xff", b"\xff\xfe", b"<\x00", b"\x00<")
"""The first bytes of documents in UTF-16, where bytes are no characters."""


def escape(text: str) -> str:
    """Text content, escaped. A character that XML 1.0 cannot hold, such as \\x01, becomes U+FFFD."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _UNREPRESENTABLE.sub("\ufffd", text)


def render(node: Node) -> str:
    """One element with its content."""
    tag, content = node
    if isinstance(content, int):
        return f"<{tag}>{content}</{tag}>"
    inner = escape(content) if isinstance(content, str) else "".join(map(render, content))
    return f"<{tag}>{inner}</{tag}>"


def document(tag: str, content: Content) -> bytes:
    """A document with its XML declaration."""
    return (DECLARATION + render((tag, content))).encode()


def without_controls(body: bytes) -> tuple[bytes, dict[int, int]]:
    """The document with other characters in place of the control characters that XML 1.0 does not allow, raw or as
    references, and the table by which `str.translate` restores them.

    OSS reads them in the keys of DeleteMultipleObjects: oss2 sends them raw, the Go SDK V1 as `&#x01;`
    (`oss/utils.go`, `EscapeXml`). A document without any is returned unchanged.
    """
    if not _CONTROL.search(body) or body[:2] in _UTF_16:
        return body, {}
    written = {_number(found) for found in _CONTROL.finditer(body)} | set(map(ord, body.decode(errors="ignore")))
    base = next(first for first in _PRIVATE if written.isdisjoint(range(first, first + 32)))

    def replaced(found: re.Match[bytes]) -> bytes:
        number = _number(found)
        return chr(base + number).encode() if _UNREPRESENTABLE.match(chr(number)) and number < 32 else found[0]

    return _CONTROL.sub(replaced, body), {base + number: number for number in range(32)}


def _number(found: re.Match[bytes]) -> int:
    """The code point of a control character or of a reference to any character; at most that of U+10FFFF."""
    if not (digits := found[1] or found[2]):
        return found[0][0]
    return min(int(digits, 16 if found[1] else 10), 0x10FFFF)


def parse(body: bytes, root: str, ec: str = "") -> Element:
    """The root element. Refusal (MalformedXML, with `ec`) if the body is no such document."""
    try:
        element = markup.parse(body)
    # Expat passes on the errors of the declared encoding's codec: ValueError, LookupError.
    except (ParseError, ValueError, LookupError) as error:
        raise Refusal("MalformedXML", ec=ec) from error
    if element.tag != root:
        raise Refusal("MalformedXML", ec=ec)
    return element
