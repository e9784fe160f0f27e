"""Reads and writes OSS's XML, which has no namespace.

The manual's examples have a namespace, OSS itself sends none, and oss2 and alibabacloud-oss-v2 fail on one.

Rule: input is not trusted. A document type is refused in every encoding, so that no entity can be declared, and the
depth is limited.
"""

from xml.etree.ElementTree import Element, ParseError, TreeBuilder, tostring
from xml.parsers import expat

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
MAX_DEPTH = 16
"""Levels of nested elements that are read; OSS needs five."""


def parse(body: bytes) -> Element:
    """The root element, without namespaces.

    Raises ParseError for a document that is not well-formed, has a document type, or nests deeper than MAX_DEPTH.
    """
    builder = TreeBuilder()
    depth = 0

    def refuse(*_: object) -> None:
        raise ParseError("it declares a document type")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise ParseError("its elements nest too deep")
        # The manual's examples carry a namespace that OSS itself never sends.
        builder.start(tag.rpartition("}")[2], attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag.rpartition("}")[2])

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as error:  # The latter two: encodings that expat cannot read.
        raise ParseError(str(error)) from error
    return builder.close()


def serialize(document: Element) -> bytes:
    """The document as UTF-8, with the declaration that OSS sends."""
    text: bytes = tostring(document, encoding="utf-8")
    return DECLARATION + text
