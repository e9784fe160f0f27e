"""Request bodies that `api` and `companion` share.

Rule: serializers check the form of a value, services its meaning.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from uploads.domain.content_types import MEDIA_TYPE
from uploads.oss.limits import MAX_METADATA_BYTES, MAX_OBJECT_SIZE, MAX_PART_SIZE, MIN_PART_SIZE
from uploads.oss.storable import UNSTORABLE
from uploads.services import UploadRequest
from uploads.web.json_fields import MAX_WRONG, BoundedDictField, NumberField, TextField, shown_name
from uploads.web.option_schema import OptionsField

_METADATA_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_METADATA_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
MAX_METADATA = MAX_METADATA_BYTES // len("x-oss-meta-nv")
"""Entries of metadata: the bytes that are allowed hold no more, each with a name and a value of one character."""
_REQUEST_FIELDS = {field.name for field in dataclasses.fields(UploadRequest)}


def _is_storable(value: Any) -> bool:
    """Whether a database can store the texts in this JSON: PostgreSQL refuses NUL, and no database has surrogates."""
    if isinstance(value, dict):
        return all(map(_is_storable, [*value, *value.values()]))
    if isinstance(value, list):
        return all(map(_is_storable, value))
    return not (isinstance(value, str) and UNSTORABLE.search(value))


class ContentTypeField(TextField):
    """A media type (RFC 9110, section 8.3.1), with or without parameters."""

    default_error_messages = {"invalid_type": gettext_lazy("Enter a media type such as video/mp4.")}

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if value and not MEDIA_TYPE.fullmatch(value):
            self.fail("invalid_type")
        return value


class StrictSerializer(serializers.Serializer[Any]):
    """A JSON object of exactly these fields: a field with an unknown name is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if unknown:
            names = [shown_name(str(name)) for name in unknown[:MAX_WRONG]]
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in names})
        return super().to_internal_value(data)


class DestinationSerializer(StrictSerializer):
    """Names a destination."""

    destination = TextField(
        max_length=64, default="default", help_text="Name of a destination that the site's settings define."
    )


class UploadRequestSerializer(DestinationSerializer):
    """The file that a client wants to upload."""

    filename = TextField(max_length=1024, trim_whitespace=False, help_text="The file's own name.")
    relative_path = TextField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=1024,
        help_text="The file's path in the folder that the user chose, such as holiday/beach.jpg. It is part "
        "of the key if the destination's template contains {path}. At most 1,024 bytes in UTF-8.",
    )
    size = NumberField(
        min_value=0, max_value=MAX_OBJECT_SIZE, allow_null=True, help_text="In bytes; null for a stream."
    )
    content_type = ContentTypeField(
        required=False, allow_blank=True, max_length=255, help_text="Media type; application/octet-stream if empty."
    )
    fingerprint = TextField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=128,
        help_text="The client's own identifier of the file's content, to find an unfinished upload of it again.",
    )
    metadata = BoundedDictField(
        max_entries=MAX_METADATA,
        child=TextField(max_length=2048),
        required=False,
        help_text="Stored with the object as x-oss-meta-* headers. Names: letters, digits and hyphens. "
        "Values: printable ASCII.",
    )
    options = OptionsField(required=False)
    part_size = NumberField(
        required=False,
        allow_null=True,
        min_value=MIN_PART_SIZE,
        max_value=MAX_PART_SIZE,
        help_text="Bytes of a part that the client, or its line, wishes for. `part_size` of the destination is the "
        "most; a file that would need more than 10,000 parts gets larger ones. A file of no more bytes is one part.",
    )

    def validate_fingerprint(self, value: str | None) -> str:
        return value or ""

    def validate_options(self, value: dict[str, Any]) -> dict[str, Any]:
        if not _is_storable(value):
            raise serializers.ValidationError(_("A text contains a NUL character or half a character."))
        return value

    def validate_metadata(self, value: dict[str, str]) -> dict[str, str]:
        if len({name.lower() for name in value}) != len(value):
            raise serializers.ValidationError(_("Metadata names must be unique, ignoring case."))
        for name, text in value.items():
            if not _METADATA_NAME.fullmatch(name):
                message = _("{name!r}: use 1 to 64 letters, digits and hyphens in a metadata name.")
                raise serializers.ValidationError(message.format(name=shown_name(name)))
            if not _METADATA_VALUE.fullmatch(text):
                message = _("{name!r}: use printable ASCII characters in a metadata value; percent-encode others.")
                raise serializers.ValidationError(message.format(name=name))
        return value

    def upload_request(self, **extra: Any) -> UploadRequest:
        """The validated request as services take it. `extra` sets what a client cannot send."""
        return UploadRequest(**{n: v for n, v in self.validated_data.items() if n in _REQUEST_FIELDS}, **extra)
