"""XML, both ways, for a server: nothing from outside may break an answer or the parser.

Rule: what comes in is read by the client's own reader (`uploads.oss.markup`: no document type, bounded depth); what
goes out has no namespace (the SDKs stumble over one) and holds only what XML can.
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
    """Text as it stands between tags. What XML 1.0 cannot hold (a key's \\x01) becomes U+FFFD."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return _UNREPRESENTABLE.sub("\ufffd", text)


def render(node: Node) -> str:
    """One element and what is in it."""
    tag, content = node
    if isinstance(content, int):
        return f"<{tag}>{content}</{tag}>"
    inner = escape(content) if isinstance(content, str) else "".join(map(render, content))
    return f"<{tag}>{inner}</{tag}>"


def document(tag: str, content: Content) -> bytes:
    """A whole document."""
    return (DECLARATION + render((tag, content))).encode()


def parse(body: bytes, root: str, ec: str = "") -> Element:
    """The document with this root, or MalformedXML."""
    try:
        element = markup.parse(body)
    # Expat hands on what the codec of a declared encoding has to say: ValueError, LookupError.
    except (ParseError, ValueError, LookupError) as error:
        raise Refusal("MalformedXML", ec=ec) from error
    if element.tag != root:
        raise Refusal("MalformedXML", ec=ec)
    return element
