"""Request bodies of the API. Rule: serializers check the form of a value, services its meaning."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from uploads import services
from uploads.api.part_fields import DonePartSerializer, Uint64Field, done_parts, requested_parts
from uploads.oss.limits import MAX_KEY_BYTES, MAX_OBJECT_SIZE, MAX_PART_NUMBER
from uploads.oss.responses import callback_result
from uploads.oss.signing import PartRequest
from uploads.services import ClientReport, DonePart, IdempotencyKey
from uploads.web.json_fields import BoundedListField, FlagField, NumberField, TextField
from uploads.web.requests import DestinationSerializer, StrictSerializer, UploadRequestSerializer

MAX_BATCH = 1000
"""Parts in one request."""
MAX_UPLOADS = 100
"""Uploads in one request."""
MAX_SIGNED = 1000
"""Signed parts in one answer. One takes about half a kilobyte."""
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    "header",
    description="1 to 255 printable ASCII characters without spaces. The same request with the same key begins "
    "one upload only; a request with another body and this key is refused (422), and so is a repeated one if the "
    "upload was aborted in between (409).",
)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(request: Request) -> IdempotencyKey | None:
    """The request's Idempotency-Key, with a hash of its whole body; None if it has none.

    Raises ValidationError for a malformed key.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise exceptions.ValidationError(
            {"Idempotency-Key": [_("Enter 1 to 255 printable ASCII characters without spaces.")]}
        )
    canonical = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return IdempotencyKey(key, hashlib.sha256(canonical.encode()).hexdigest())


class ItemsField(BoundedListField):
    """1 to 100 items, each of which the view gives to `serializer` by itself."""

    def __init__(self, serializer: type[serializers.Serializer[Any]], **kwargs: Any) -> None:
        child = serializers.JSONField(allow_null=True)
        super().__init__(child=child, max_length=MAX_UPLOADS, allow_empty=False, **kwargs)
        extend_schema_field(serializer(many=True))(self)  # type: ignore[type-var]


class CreateUploadSerializer(UploadRequestSerializer):
    """An upload to begin."""

    sign = NumberField(
        required=False,
        min_value=0,
        max_value=MAX_BATCH,
        help_text="Number of parts, counted from the first, to sign in the answer.",
    )
    resume = FlagField(
        default=False,
        help_text="If the user has an unfinished upload with this destination, fingerprint, filename, size and "
        "metadata, return it (200) instead of beginning another. Ignored in a batch.",
    )
    crc64 = Uint64Field(
        required=False,
        help_text="CRC-64/XZ of the whole file, in decimal. The object must have it, whoever completes the upload: a "
        "callback, or the sweep if the client is gone. Not for a stream.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["size"] is None and attrs.get("crc64"):
            raise serializers.ValidationError({"crc64": _("Leave this out for a stream.")})
        return attrs

    @property
    def to_sign(self) -> int:
        """Number of parts to sign in the answer."""
        number: int = self.validated_data.get("sign", 0)
        return number

    @property
    def resumes(self) -> bool:
        """Whether an unfinished upload of the same file is wanted instead of a new one."""
        return bool(self.validated_data["resume"])


class CreateBatchSerializer(StrictSerializer):
    """Uploads to begin. Each is validated separately, so that an invalid one does not affect the others."""

    uploads = ItemsField(
        CreateUploadSerializer,
        help_text="Each as in the request that begins one upload, without `resume`. At most 1,000 parts are signed.",
    )

    @staticmethod
    def require_few_parts(items: Sequence[CreateUploadSerializer]) -> None:
        """Raises ValidationError if these uploads ask for too many signed parts in one answer."""
        wanted = 0
        for item in items:
            has = services.part_count(item.upload_request()) if item.to_sign else 0
            wanted += item.to_sign if has is None else min(item.to_sign, has)
        if wanted > MAX_SIGNED:
            message = _("At most {most} parts can be signed in one answer; these uploads ask for {wanted}.")
            raise exceptions.ValidationError({"uploads": [message.format(most=MAX_SIGNED, wanted=wanted)]})


class CheckpointSerializer(StrictSerializer):
    """Parts that have been sent to OSS."""

    parts = done_parts(MAX_BATCH, required=True)

    def done(self) -> list[DonePart]:
        return list(self.validated_data["parts"])


class SignRequestSerializer(StrictSerializer):
    """Parts to sign. `done` is the checkpoint of the parts sent since the last call."""

    parts = requested_parts(MAX_BATCH)
    done = done_parts(MAX_BATCH)
    refused = FlagField(
        default=False,
        help_text="OSS refused (403) what was signed before. The server renews its credentials if they are temporary.",
    )
    crc64 = Uint64Field(
        required=False,
        help_text="CRC-64/XZ of the whole file, in decimal, as in the request that begins an upload. It replaces that.",
    )

    @property
    def is_refused(self) -> bool:
        """Whether OSS refused what was signed before."""
        return bool(self.validated_data["refused"])

    @property
    def file_crc64(self) -> str:
        """What the object must have; empty if the client does not say so."""
        return str(self.validated_data.get("crc64", ""))

    def requested(self) -> list[PartRequest]:
        return list(self.validated_data["parts"])

    def finished(self) -> list[DonePart]:
        return list(self.validated_data.get("done", []))


class CallbackReportSerializer(StrictSerializer):
    """OSS's response to a form or PutObject with a callback: the only place where OSS tells how the callback ended."""

    status = NumberField(min_value=200, max_value=299, help_text="203 if the callback failed.")
    body = TextField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=4096,
        help_text="The application's answer, or OSS's error document.",
    )

    @staticmethod
    def to_result(data: dict[str, Any] | None) -> dict[str, Any] | None:
        if data is None:
            return None
        return callback_result(data["status"], {}, data.get("body", "").encode())


class CompleteRequestSerializer(StrictSerializer):
    """What the client knows of the file at the end of its upload."""

    size = NumberField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MAX_OBJECT_SIZE,
        help_text="In bytes. Required for a stream; ignored for other uploads.",
    )
    crc64 = Uint64Field(
        required=False, allow_null=True, help_text="CRC-64/XZ of the whole file, in decimal, if the client computed it."
    )
    keep = FlagField(
        required=False,
        help_text="Complete an interrupted stream with what has arrived: the parts before the first one that is "
        "missing or damaged. OSS's list decides; `size` is ignored, and `crc64` must be left out. 409 if nothing can "
        "be kept, 400 for an upload that is not a stream.",
    )
    done = done_parts(MAX_PART_NUMBER)
    callback = CallbackReportSerializer(required=False, allow_null=True)

    def finished(self) -> list[DonePart]:
        return list(self.validated_data.get("done", []))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("keep") and attrs.get("crc64"):
            raise serializers.ValidationError({"crc64": _("Leave this out with keep: it is not known what is kept.")})
        return attrs

    def report(self) -> ClientReport:
        data = self.validated_data
        callback = CallbackReportSerializer.to_result(data.get("callback"))
        keep = data.get("keep", False)
        size = None if keep else data.get("size")
        return ClientReport(crc64=data.get("crc64") or "", size=size, callback=callback, keep=keep)


class FinishedUploadSerializer(StrictSerializer):
    """One upload of a batch to complete, and what the client knows of its file."""

    id = serializers.UUIDField()
    etag = TextField(required=False, allow_blank=True, allow_null=True, max_length=64, help_text="From OSS's answer.")
    crc64 = Uint64Field(required=False, allow_null=True, help_text="CRC-64/XZ of the file, in decimal.")
    callback = CallbackReportSerializer(required=False, allow_null=True)

    validate_etag = DonePartSerializer.validate_etag

    @staticmethod
    def to_report(data: dict[str, Any]) -> ClientReport:
        callback = CallbackReportSerializer.to_result(data.get("callback"))
        return ClientReport(crc64=data.get("crc64") or "", etag=data.get("etag") or "", callback=callback)


class CompleteBatchSerializer(StrictSerializer):
    """Uploads to complete. Each is validated separately, so that an invalid one does not affect the others."""

    uploads = ItemsField(
        FinishedUploadSerializer,
        help_text="Each with the `id` of the upload, and optionally `etag` and `crc64`.",
    )


class CredentialsRequestSerializer(DestinationSerializer):
    """The destination for which credentials are wanted."""


class RegisterSerializer(DestinationSerializer):
    """An object that the client stored by itself."""

    key = TextField(max_length=MAX_KEY_BYTES, trim_whitespace=False)
