"""XML, both ways, for a server: nothing from outside may break an answer or the parser.

Rule: a document type is refused before anything of it is looked at, whatever the encoding; sizes and depth are
bounded; no namespace goes out (the SDKs stumble over one) and one coming in is ignored.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from uploads.localoss.errors import Refusal

Content: TypeAlias = str | int | Iterable["Node"]
Node: TypeAlias = tuple[str, Content]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
MAX_DEPTH = 16

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


class _Doctype(Exception):
    """The document declares a type."""


class _TooDeep(Exception):
    """Elements within elements without end."""


def parse(body: bytes, root: str, ec: str = "") -> Element:
    """The document with this root, or MalformedXML."""
    builder, depth = TreeBuilder(), 0

    def refuse(*_: object) -> None:
        raise _Doctype

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _TooDeep
        builder.start(tag.rpartition(":")[2], {})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag.rpartition(":")[2])

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, _Doctype, _TooDeep, ValueError, LookupError) as error:
        raise Refusal("MalformedXML", ec=ec) from error
    element = builder.close()
    if element.tag != root:
        raise Refusal("MalformedXML", ec=ec)
    return element
