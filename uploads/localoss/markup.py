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
