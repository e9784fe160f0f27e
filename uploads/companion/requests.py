"""What Uppy sends: query parameters and bodies."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from uploads.oss.limits import MAX_PART_NUMBER
from uploads.services import UploadRequest
from uploads.web.requests import ContentTypeField, UploadRequestSerializer

MAX_BATCH = 1000
"""Parts to sign in one request."""
_UPPY_METADATA = ("name", "type", "relativePath")
"""Uppy sends these of every file as metadata; they are not the page's own."""


class PartQuerySerializer(serializers.Serializer[Any]):
    """Uppy 5 sends a file of one part with its content type, which is then part of the signature."""

    type = ContentTypeField(required=False, allow_blank=True, max_length=255)


def upload_request(destination: str, data: Mapping[str, Any], metadata: Any, *, in_one: bool) -> UploadRequest:
    """The file that Uppy wants to upload. Its size is unknown: Uppy does not send it.

    `metadata`: names and values, or None. Raises ValidationError.
    """
    own = metadata or {}
    serializer = UploadRequestSerializer(
        data={
            "destination": destination,
            "filename": data.get("filename"),
            "relative_path": _relative_path(own),
            "size": None,
            "content_type": "" if data.get("type") is None else data["type"],
            "metadata": {str(name): str(value) for name, value in own.items() if name not in _UPPY_METADATA},
        }
    )
    serializer.is_valid(raise_exception=True)
    return serializer.upload_request(in_one=in_one)


def sent_metadata(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The metadata of the file, names and values. Raises ValidationError for anything else."""
    metadata = data.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        message = serializers.DictField.default_error_messages["not_a_dict"]
        raise ValidationError({"metadata": [message.format(input_type=type(metadata).__name__)]})
    return metadata


def _relative_path(metadata: Mapping[Any, Any]) -> str:
    """Uppy sends it as metadata: a text, or "null" for a file that was chosen alone."""
    path = metadata.get("relativePath")
    return path if isinstance(path, str) and path != "null" else ""


def part_numbers(text: str) -> list[int]:
    """The numbers in `partNumbers=1,2,3`. Raises ValidationError."""
    numbers = [number for number in text.split(",") if number]
    if not 1 <= len(numbers) <= MAX_BATCH or not all(_is_part_number(number) for number in numbers):
        raise ValidationError({"partNumbers": [_("Enter 1 to 1,000 part numbers, separated by commas.")]})
    return [int(number) for number in numbers]


def listed_parts(data: Any) -> dict[int, str]:
    """Number → ETag, without quotes, of `{"parts": [{"PartNumber", "ETag"}]}`. Raises ValidationError."""
    items = data.get("parts") if isinstance(data, dict) else None
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_PART_NUMBER:
        raise _malformed_parts()
    parts: dict[int, str] = {}
    for item in items:
        number, etag = (item.get("PartNumber"), item.get("ETag")) if isinstance(item, dict) else (None, None)
        if type(number) is not int or not 1 <= number <= MAX_PART_NUMBER or not isinstance(etag, str):
            raise _malformed_parts()
        parts[number] = etag.strip('"').upper()
    return parts


def _malformed_parts() -> ValidationError:
    return ValidationError({"parts": [_("Enter a list of parts, each with PartNumber and ETag.")]})


def _is_part_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MAX_PART_NUMBER
