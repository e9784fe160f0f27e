"""OSS's XML messages: frozen values to bytes, and bytes to frozen values.

Manual, the page of each operation, for instance "Multipart upload":
https://help.aliyun.com/en/oss/developer-reference/multipart-upload-2/

Rule: pure. Names are OSS's. Keys in responses are percent-decoded where EncodingType is url.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, SubElement

from uploads.oss import markup
from uploads.oss.errors import Malformed


def multipart_etag(part_etags: Iterable[str]) -> str:
    """The ETag that OSS gives to an object made of these parts: the MD5 of the joined part ETags, and their number.

    Upper-case hex, without quotes. S3 hashes the binary digests instead. The manual does not say it;
    `tests/vectors/multipart_etag.json` is recorded from OSS.
    """
    plain = [bare(etag).upper() for etag in part_etags]
    return f"{hashlib.md5(''.join(plain).encode(), usedforsecurity=False).hexdigest().upper()}-{len(plain)}"


def part_count(etag: str) -> int:
    """The number of parts of the object with this ETag; 1 for an object that was sent in one request."""
    _, dash, count = bare(etag).rpartition("-")
    return int(count) if dash else 1


def bare(etag: str) -> str:
    """An ETag without the quotes that it has in messages."""
    return etag.strip().strip('"')


@dataclass(frozen=True, slots=True)
class Part:
    """A part as OSS lists it. `etag` has no quotes, `size` is in bytes, `crc64` is None where OSS does not give it."""

    number: int
    etag: str
    size: int = 0
    crc64: int | None = None
    last_modified: datetime | None = field(default=None, compare=False)
    """In UTC; None where OSS does not give it."""


@dataclass(frozen=True, slots=True)
class PartPage:
    """One page of ListParts. `next_marker` is None on the last page."""

    parts: tuple[Part, ...]
    next_marker: int | None


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing describes it. `etag` has no quotes, `size` is in bytes, `modified` in UTC."""

    key: str
    etag: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """One page of ListObjectsV2. `next_token` is empty on the last page."""

    objects: tuple[ListedObject, ...]
    prefixes: tuple[str, ...]
    next_token: str

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(each.key for each in self.objects)


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that is neither completed nor aborted. `initiated` is in UTC."""

    key: str
    upload_id: str
    initiated: datetime


@dataclass(frozen=True, slots=True)
class UploadPage:
    """One page of ListMultipartUploads. `next_marker` is a key and an upload id, or None on the last page."""

    uploads: tuple[OpenUpload, ...]
    prefixes: tuple[str, ...]
    next_marker: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Completed:
    """An object as CompleteMultipartUpload, PutObject or HeadObject describes it. `size` is in bytes."""

    etag: str
    crc64: int | None = None
    location: str = ""
    size: int | None = None
    content_type: str = ""
    request_id: str = ""
    modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """What HeadObject says of the object, with names in lower case; empty in other answers."""
    callback: Mapping[str, Any] | None = None
    """The result of the upload callback, if one was asked for (`responses.callback_result`)."""


@dataclass(frozen=True, slots=True)
class CorsRule:
    """One rule of a CORS configuration. OSS applies the first rule that matches."""

    allowed_origins: tuple[str, ...]
    allowed_methods: tuple[str, ...]
    allowed_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class CorsConfiguration:
    """All CORS rules of a bucket. `response_vary` makes OSS send `Vary: Origin` in every response."""

    rules: tuple[CorsRule, ...] = field(default=())
    response_vary: bool = False


def parse(body: bytes, root: str) -> Element:
    """The root element of an XML document. Raises Malformed if it is not well-formed or has another root."""
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


def _time(element: Element, path: str) -> datetime:
    text = _text(element, path)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise Malformed(f"<{path}> should be a time, got {text!r}.") from error


def _all(element: Element, path: str) -> tuple[str, ...]:
    """As they are: a key may start or end with white space."""
    return tuple(child.text or "" for child in element.iterfind(path))


def _stripped(element: Element, path: str) -> tuple[str, ...]:
    return tuple(text.strip() for text in _all(element, path))


def _decoder(document: Element) -> Callable[[str], str]:
    """Decodes the keys of this document."""
    return unquote if _text(document, "EncodingType") == "url" else str


def _is_truncated(document: Element) -> bool:
    """Whether more pages follow."""
    return _text(document, "IsTruncated") == "true"


def parse_initiate(body: bytes) -> str:
    """The upload id in InitiateMultipartUploadResult. Raises Malformed."""
    upload_id = _text(parse(body, "InitiateMultipartUploadResult"), "UploadId")
    if not upload_id:
        raise Malformed("The response to InitiateMultipartUpload has no UploadId.")
    return upload_id


def parse_parts(body: bytes) -> PartPage:
    """The page in ListPartsResult. Raises Malformed."""
    document = parse(body, "ListPartsResult")
    parts = tuple(
        Part(
            number=_number(part, "PartNumber"),
            etag=bare(_text(part, "ETag")),
            size=_number(part, "Size"),
            crc64=int(crc) if (crc := _text(part, "HashCrc64ecma")).isdigit() else None,
            last_modified=_time(part, "LastModified") if _text(part, "LastModified") else None,
        )
        for part in document.iterfind("Part")
    )
    return PartPage(parts, _number(document, "NextPartNumberMarker") if _is_truncated(document) else None)


def parse_uploads(body: bytes) -> UploadPage:
    """The page in ListMultipartUploadsResult. Raises Malformed."""
    document = parse(body, "ListMultipartUploadsResult")
    decode = _decoder(document)
    uploads = tuple(
        OpenUpload(decode(_text(entry, "Key")), _text(entry, "UploadId"), _time(entry, "Initiated"))
        for entry in document.iterfind("Upload")
    )
    prefixes = tuple(map(decode, _all(document, "CommonPrefixes/Prefix")))
    marker = (decode(document.findtext("NextKeyMarker") or ""), document.findtext("NextUploadIdMarker") or "")
    return UploadPage(uploads, prefixes, marker if _is_truncated(document) else None)


def parse_objects(body: bytes) -> ObjectPage:
    """The page in ListBucketResult, which answers ListObjectsV2. Raises Malformed."""
    document = parse(body, "ListBucketResult")
    decode = _decoder(document)
    objects = tuple(
        ListedObject(
            key=decode(entry.findtext("Key") or ""),  # As it is: a key may start or end with white space.
            etag=bare(_text(entry, "ETag")),
            size=_number(entry, "Size"),
            modified=_time(entry, "LastModified"),
        )
        for entry in document.iterfind("Contents")
    )
    prefixes = tuple(map(decode, _all(document, "CommonPrefixes/Prefix")))
    token = document.findtext("NextContinuationToken") or ""
    return ObjectPage(objects, prefixes, token if _is_truncated(document) else "")


def parse_tagging(body: bytes) -> dict[str, str]:
    """The tags in Tagging, by name. Raises Malformed."""
    document = parse(body, "Tagging")
    return {tag.findtext("Key") or "": tag.findtext("Value") or "" for tag in document.iterfind("TagSet/Tag")}


def build_complete(parts: Sequence[Part]) -> bytes:
    """The body of CompleteMultipartUpload. `parts` must be in ascending order; their numbers may have gaps."""
    document = Element("CompleteMultipartUpload")
    for part in parts:
        element = SubElement(document, "Part")
        SubElement(element, "PartNumber").text = str(part.number)
        SubElement(element, "ETag").text = f'"{part.etag}"'
    return markup.serialize(document)


def parse_complete(body: bytes) -> tuple[str, str]:
    """The ETag without quotes and the location in CompleteMultipartUploadResult. Raises Malformed."""
    document = parse(body, "CompleteMultipartUploadResult")
    return bare(_text(document, "ETag")), _decoder(document)(_text(document, "Location"))


def build_cors(configuration: CorsConfiguration) -> bytes:
    """The body of PutBucketCors."""
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
    """The CORS configuration in this XML. Raises Malformed."""
    document = parse(body, "CORSConfiguration")
    rules = tuple(
        CorsRule(
            allowed_origins=_stripped(rule, "AllowedOrigin"),
            allowed_methods=_stripped(rule, "AllowedMethod"),
            allowed_headers=_stripped(rule, "AllowedHeader"),
            expose_headers=_stripped(rule, "ExposeHeader"),
            max_age_seconds=_number(rule, "MaxAgeSeconds") if _text(rule, "MaxAgeSeconds") else None,
        )
        for rule in document.iterfind("CORSRule")
    )
    return CorsConfiguration(rules, _text(document, "ResponseVary") == "true")
