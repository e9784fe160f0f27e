"""OSS's XML, both ways: frozen values in, bytes out, and back.

Rule: no I/O and no namespace (OSS sends none, and the SDKs stumble over one). Names are OSS's own.
Keys in answers are decoded when `EncodingType` says url.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, SubElement

from uploads.oss import markup
from uploads.oss.errors import Malformed


def multipart_etag(part_etags: Iterable[str]) -> str:
    """What OSS names an object made of these parts: MD5 of the part ETags' text, and how many.

    Upper-case hex, without quotes. (S3 hashes the binary digests instead.) Recorded from OSS:
    `tests/vectors/multipart_etag.json`.
    """
    plain = [bare(etag).upper() for etag in part_etags]
    return f"{hashlib.md5(''.join(plain).encode(), usedforsecurity=False).hexdigest().upper()}-{len(plain)}"


def part_count(etag: str) -> int:
    """Of how many parts OSS made the object that it names so; 1 for one that was sent in one request."""
    _, dash, count = bare(etag).rpartition("-")
    return int(count) if dash else 1


def bare(etag: str) -> str:
    """An ETag without the quotes that it travels in."""
    return etag.strip().strip('"')


@dataclass(frozen=True, slots=True)
class Part:
    """A part as OSS lists it. `etag` without quotes; `crc64` None where OSS does not tell."""

    number: int
    etag: str
    size: int = 0
    crc64: int | None = None


@dataclass(frozen=True, slots=True)
class PartPage:
    """One page of ListParts; `next_marker` None on the last."""

    parts: tuple[Part, ...]
    next_marker: int | None


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """One page of ListObjectsV2; `next_token` empty on the last."""

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    next_token: str


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that OSS holds open."""

    key: str
    upload_id: str
    initiated: datetime


@dataclass(frozen=True, slots=True)
class UploadPage:
    """One page of ListMultipartUploads; `next_marker` (key, upload id) None on the last."""

    uploads: tuple[OpenUpload, ...]
    prefixes: tuple[str, ...]
    next_marker: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Completed:
    """What CompleteMultipartUpload, or a HeadObject after it, tells of the object."""

    etag: str
    crc64: int | None = None
    location: str = ""
    size: int | None = None
    content_type: str = ""
    request_id: str = ""
    modified: datetime | None = None
    callback: Mapping[str, Any] | None = None
    """How the upload callback went, if one was asked for: {ok, body} or {ok, message, code, request_id}."""


@dataclass(frozen=True, slots=True)
class CorsRule:
    """One rule of a bucket's CORS; the first that matches decides."""

    allowed_origins: tuple[str, ...]
    allowed_methods: tuple[str, ...]
    allowed_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class CorsConfiguration:
    """All CORS rules of a bucket. A put replaces the whole."""

    rules: tuple[CorsRule, ...] = field(default=())
    response_vary: bool = False


def parse(body: bytes, root: str) -> Element:
    """The document, if it is well-formed XML with this root. Raises Malformed."""
    try:
        document = markup.parse(body)
    except ParseError as error:
        raise Malformed(f"The XML is not well-formed: {error}.") from error
    if document.tag != root:
        raise Malformed(f"Expected <{root}>, got <{document.tag}>.")
    return document


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _number(element: Element, path: str) -> int:
    text = _text(element, path)
    try:
        return int(text)
    except ValueError as error:
        raise Malformed(f"<{path}> should be a number, got {text!r}.") from error


def parse_initiate(body: bytes) -> str:
    """InitiateMultipartUploadResult → the upload id."""
    upload_id = _text(parse(body, "InitiateMultipartUploadResult"), "UploadId")
    if not upload_id:
        raise Malformed("The answer to InitiateMultipartUpload holds no UploadId.")
    return upload_id


def parse_parts(body: bytes) -> PartPage:
    """ListPartsResult → the parts of one page."""
    document = parse(body, "ListPartsResult")
    parts = tuple(
        Part(
            number=_number(part, "PartNumber"),
            etag=bare(_text(part, "ETag")),
            size=_number(part, "Size"),
            crc64=int(crc) if (crc := _text(part, "HashCrc64ecma")).isdigit() else None,
        )
        for part in document.iterfind("Part")
    )
    truncated = _text(document, "IsTruncated") == "true"
    return PartPage(parts, _number(document, "NextPartNumberMarker") if truncated else None)


def parse_uploads(body: bytes) -> UploadPage:
    root = parse(body, "ListMultipartUploadsResult")
    decode = unquote if (root.findtext("EncodingType") or "") == "url" else str
    uploads = tuple(
        OpenUpload(
            decode(_text(entry, "Key")),
            _text(entry, "UploadId"),
            datetime.fromisoformat(_text(entry, "Initiated")).astimezone(UTC),
        )
        for entry in root.iterfind("Upload")
    )
    prefixes = tuple(decode(entry.text or "") for entry in root.iterfind("CommonPrefixes/Prefix"))
    more = (root.findtext("IsTruncated") or "").strip() == "true"
    marker = (decode(root.findtext("NextKeyMarker") or ""), root.findtext("NextUploadIdMarker") or "")
    return UploadPage(uploads, prefixes, marker if more else None)


def parse_objects(body: bytes) -> ObjectPage:
    root = parse(body, "ListBucketResult")
    decode = unquote if (root.findtext("EncodingType") or "") == "url" else str
    keys = tuple(decode(entry.text or "") for entry in root.iterfind("Contents/Key"))
    prefixes = tuple(decode(entry.text or "") for entry in root.iterfind("CommonPrefixes/Prefix"))
    more = (root.findtext("IsTruncated") or "").strip() == "true"
    return ObjectPage(keys, prefixes, (root.findtext("NextContinuationToken") or "") if more else "")


def build_complete(parts: Sequence[Part]) -> bytes:
    """Parts, already in ascending order → CompleteMultipartUpload."""
    document = Element("CompleteMultipartUpload")
    for part in parts:
        element = SubElement(document, "Part")
        SubElement(element, "PartNumber").text = str(part.number)
        SubElement(element, "ETag").text = f'"{part.etag}"'
    return markup.serialize(document)


def parse_complete(body: bytes) -> tuple[str, str]:
    """CompleteMultipartUploadResult → (etag without quotes, location)."""
    document = parse(body, "CompleteMultipartUploadResult")
    encoded = _text(document, "EncodingType") == "url"
    location = _text(document, "Location")
    return bare(_text(document, "ETag")), unquote(location) if encoded else location


def build_cors(configuration: CorsConfiguration) -> bytes:
    """CORSConfiguration → XML."""
    document = Element("CORSConfiguration")
    for rule in configuration.rules:
        element = SubElement(document, "CORSRule")
        for tag, values in (
            ("AllowedOrigin", rule.allowed_origins),
            ("AllowedMethod", rule.allowed_methods),
            ("AllowedHeader", rule.allowed_headers),
            ("ExposeHeader", rule.expose_headers),
        ):
            for value in values:
                SubElement(element, tag).text = value
        if rule.max_age_seconds is not None:
            SubElement(element, "MaxAgeSeconds").text = str(rule.max_age_seconds)
    SubElement(document, "ResponseVary").text = "true" if configuration.response_vary else "false"
    return markup.serialize(document)


def parse_cors(body: bytes) -> CorsConfiguration:
    """XML → CORSConfiguration."""
    document = parse(body, "CORSConfiguration")
    rules = tuple(
        CorsRule(
            allowed_origins=_all(rule, "AllowedOrigin"),
            allowed_methods=_all(rule, "AllowedMethod"),
            allowed_headers=_all(rule, "AllowedHeader"),
            expose_headers=_all(rule, "ExposeHeader"),
            max_age_seconds=_number(rule, "MaxAgeSeconds") if _text(rule, "MaxAgeSeconds") else None,
        )
        for rule in document.iterfind("CORSRule")
    )
    return CorsConfiguration(rules, _text(document, "ResponseVary") == "true")


def _all(element: Element, tag: str) -> tuple[str, ...]:
    return tuple((child.text or "").strip() for child in element.iterfind(tag))
