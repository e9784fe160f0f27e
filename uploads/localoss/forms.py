"""Reading multipart/form-data: fields, then one file (OSS manual: "PostObject").

Rule: fields have a size limit and are kept in memory. The file is read in chunks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header  # type: ignore[import-untyped]

from uploads.localoss.body import Body
from uploads.localoss.errors import Refusal
from uploads.oss.limits import MAX_PART_SIZE

MAX_FIELD_BYTES = 2 * 1024 * 1024
MAX_FIELDS_BYTES = 8 * 1024 * 1024
MAX_FIELDS = 1000

_Events = Iterator[Any]
"""For each part of the form a MultipartSegment, its bytes, then None. The library has no types."""


@dataclass(slots=True)
class Form:
    """A form up to its file. `fields` have lower-case names. Fields after the file are ignored, as OSS ignores them."""

    fields: dict[str, str]
    filename: str
    content_type: str
    _events: _Events

    def chunks(self) -> Iterator[bytes]:
        """The file in chunks. Refusal (MalformedPOSTRequest) if the form does not end."""
        for event in self._events:
            if event is None:
                break
            if isinstance(event, bytes | bytearray):
                yield bytes(event)
        for _ in self._events:
            pass


def read(body: Body, content_type: str) -> Form:
    """Read a form up to the beginning of its file. Refusal if it is malformed, too large or has no file."""
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        raise Refusal("MalformedPOSTRequest")
    events = _events(body, boundary)
    fields: dict[str, str] = {}
    left = MAX_FIELDS_BYTES
    for event in events:
        if not isinstance(event, MultipartSegment):
            continue
        if event.name == "file":
            return Form(fields, event.filename or "", event.content_type or "", events)
        value = _value(events, left)
        left -= len(value)
        fields[event.name.lower()] = _text(value)
    raise Refusal("IncorrectNumberOfFilesInPOSTRequest")


def _events(body: Body, boundary: str) -> _Events:
    try:
        with PushMultipartParser(boundary, max_segment_count=MAX_FIELDS) as parser:
            for chunk in body.chunks(MAX_PART_SIZE + 2 * MAX_FIELDS_BYTES):
                if not parser.closed:
                    yield from parser.parse(bytes(chunk))
    except MultipartError as error:
        raise Refusal("MalformedPOSTRequest") from error


def _value(events: _Events, left: int) -> bytes:
    received = bytearray()
    for event in events:
        if event is None:
            break
        if isinstance(event, bytes | bytearray):
            received += event
        if len(received) > MAX_FIELD_BYTES:
            raise Refusal("FieldItemTooLong")
        if len(received) > left:
            raise Refusal("MalformedPOSTRequest")
    return bytes(received)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Refusal("MalformedPOSTRequest") from error
