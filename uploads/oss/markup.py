"""XML as OSS speaks it: read without trust, written without a namespace.

Rule: a document type is refused before anything of it is looked at, whatever the encoding, so that entities
cannot grow or reach out; depth is bounded.
"""

from xml.etree.ElementTree import Element, ParseError, TreeBuilder, tostring
from xml.parsers import expat

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
MAX_DEPTH = 16


def parse(body: bytes) -> Element:
    """The root element. Raises ParseError for what is not well-formed, declares a type or nests without end."""
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
    """With the declaration that OSS sends."""
    text: bytes = tostring(document, encoding="utf-8")
    return DECLARATION + text
