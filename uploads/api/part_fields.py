"""Parts in request bodies, up to 10,000 in one request.

Rule: a fast check accepts what is certainly valid; everything else goes through a serializer, which alone decides what
is invalid and says why. A test holds the two to the same result.
"""

import re
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from uploads.oss.limits import MAX_PART_NUMBER, MAX_PART_SIZE
from uploads.oss.signing import PartRequest
from uploads.services import DonePart
from uploads.web.json_fields import BoundedListField, NumberField, TextField
from uploads.web.requests import StrictSerializer

_MD5 = re.compile(r"[A-Za-z0-9+/]{22}==")
_ETAG = re.compile(r'"?[0-9A-Za-z-]{1,62}"?')
_DONE_PART_FIELDS = {"number", "size", "etag", "crc64"}
_PART_REQUEST_FIELDS = {"number", "size", "content_md5"}
_UINT64 = re.compile(r"[0-9]{1,20}")


class Uint64Field(serializers.RegexField):
    """An unsigned 64-bit integer as a decimal string, because JavaScript's numbers are exact only up to 2**53."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_UINT64.pattern, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError(_("Enter an unsigned 64-bit integer in decimal."))
        text: str = super().to_internal_value(data)
        if not _UINT64.fullmatch(text) or int(text) >= 2**64:
            raise serializers.ValidationError(_("Enter an unsigned 64-bit integer in decimal."))
        return str(int(text))


class PartRequestSerializer(StrictSerializer):
    """A part to be signed."""

    number = NumberField(min_value=1, max_value=MAX_PART_NUMBER)
    size = NumberField(
        required=False,
        min_value=0,
        max_value=MAX_PART_SIZE,
        help_text="In bytes; must be the size that was planned. For a part of a stream, its size, if it is shorter.",
    )
    content_md5 = TextField(
        required=False, max_length=24, help_text="Base64 of the part's MD5; OSS then refuses other bytes."
    )

    def validate_content_md5(self, value: str) -> str:
        if not _MD5.fullmatch(value):
            raise serializers.ValidationError(_("Enter the 16 bytes of an MD5 in Base64."))
        return value

    @staticmethod
    def to_part(data: dict[str, Any]) -> PartRequest:
        return PartRequest(data["number"], data.get("size"), data.get("content_md5"))


class DonePartSerializer(StrictSerializer):
    """A part that has been sent to OSS."""

    number = NumberField(min_value=1, max_value=MAX_PART_NUMBER)
    size = NumberField(min_value=0, max_value=MAX_PART_SIZE, help_text="In bytes.")
    etag = TextField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=64,
        help_text="From OSS's answer; empty if the bucket's CORS rules do not expose it.",
    )
    crc64 = Uint64Field(required=False, allow_null=True, help_text="CRC-64/XZ of the part, in decimal.")

    def validate_etag(self, value: str | None) -> str:
        if value and not _ETAG.fullmatch(value):
            raise serializers.ValidationError(_("Enter an ETag as OSS returned it."))
        return (value or "").strip('"').upper()

    @staticmethod
    def to_part(data: dict[str, Any]) -> DonePart:
        return DonePart(data["number"], data["size"], data.get("etag") or "", data.get("crc64") or "")


class PartsField(BoundedListField):
    """A list of parts. `fast` returns the part for an item that is certainly valid, else None."""

    def __init__(self, child: Any, fast: Callable[[Any], Any], **kwargs: Any) -> None:
        self._fast = fast
        super().__init__(child=child, **kwargs)

    def validate_item(self, item: Any) -> Any:
        part = self._fast(item)
        if part is not None:
            return part
        child: Any = self.child
        return child.to_part(child.run_validation(item))


def done_parts(limit: int, *, required: bool = False) -> PartsField:
    """A field for at most `limit` finished parts."""
    return PartsField(DonePartSerializer(), fast_done_part, max_length=limit, required=required)


def requested_parts(limit: int) -> PartsField:
    """A field for 1 to `limit` parts to be signed."""
    return PartsField(PartRequestSerializer(), fast_part_request, max_length=limit, allow_empty=False)


def fast_done_part(item: Any) -> DonePart | None:
    """The part, if it is in the form that browsers send; None if a serializer must decide."""
    if type(item) is not dict or not item.keys() <= _DONE_PART_FIELDS:
        return None
    number, size = item.get("number", 0), item.get("size", -1)
    etag, crc64 = item.get("etag", ""), item.get("crc64", "")
    if not (_is_integer(number, 1, MAX_PART_NUMBER) and _is_integer(size, 0, MAX_PART_SIZE)):
        return None
    if type(etag) is not str or type(crc64) is not str or (etag and not _ETAG.fullmatch(etag)):
        return None
    if "crc64" in item and not (_UINT64.fullmatch(crc64) and (crc64 == "0" or crc64[0] != "0") and int(crc64) < 2**64):
        return None
    return DonePart(number, size, etag.strip('"').upper(), crc64)


def fast_part_request(item: Any) -> PartRequest | None:
    """The same for a part to be signed."""
    if type(item) is not dict or not item.keys() <= _PART_REQUEST_FIELDS:
        return None
    if not _is_integer(item.get("number"), 1, MAX_PART_NUMBER):
        return None
    size, md5 = item.get("size"), item.get("content_md5")
    if "size" in item and not _is_integer(size, 0, MAX_PART_SIZE):
        return None
    if "content_md5" in item and not (type(md5) is str and _MD5.fullmatch(md5)):
        return None
    return PartRequest(item["number"], size, md5)


def _is_integer(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high
