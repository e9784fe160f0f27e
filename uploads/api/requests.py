"""Request bodies of the API. Rule: serializers check the form of a value, services its meaning."""

import re
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from uploads.api.part_fields import DonePartSerializer, Uint64Field, done_parts, requested_parts
from uploads.oss.limits import MAX_KEY_BYTES, MAX_OBJECT_SIZE, MAX_PART_NUMBER
from uploads.oss.responses import callback_result
from uploads.oss.signing import PartRequest
from uploads.services import ClientReport, DonePart
from uploads.web.requests import DestinationSerializer, UploadRequestSerializer

MAX_BATCH = 1000
"""Parts in one request."""
MAX_UPLOADS = 100
"""Uploads in one request."""
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    "header",
    description="1 to 255 printable ASCII characters without spaces. The same request with the same key begins "
    "one upload only; another request with it is refused (422).",
)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(request: Request) -> str:
    """The request's Idempotency-Key; empty if it has none. Raises ValidationError for a malformed one."""
    key = request.headers.get("Idempotency-Key", "")
    if key and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise exceptions.ValidationError(
            {"Idempotency-Key": [_("Enter 1 to 255 printable ASCII characters without spaces.")]}
        )
    return key


class CreateUploadSerializer(UploadRequestSerializer):
    """An upload to begin."""

    sign = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_BATCH,
        help_text="Number of parts, counted from the first, to sign in the answer.",
    )
    resume = serializers.BooleanField(
        default=False,
        help_text="If the user has an unfinished upload with this destination, fingerprint, filename, size and "
        "metadata, return it (200) instead of beginning another. Ignored in a batch.",
    )

    @property
    def to_sign(self) -> int:
        """Number of parts to sign in the answer."""
        number: int = self.validated_data.get("sign", 0)
        return number

    @property
    def resumes(self) -> bool:
        """Whether an unfinished upload of the same file is wanted instead of a new one."""
        return bool(self.validated_data["resume"])


class CreateBatchSerializer(serializers.Serializer[Any]):
    """Uploads to begin. Each is validated separately, so that an invalid one does not affect the others."""

    uploads = serializers.ListField(
        child=serializers.DictField(),
        max_length=MAX_UPLOADS,
        allow_empty=False,
        help_text="Each as in the request that begins one upload, without `resume`.",
    )


class CheckpointSerializer(serializers.Serializer[Any]):
    """Parts that have been sent to OSS."""

    parts = done_parts(MAX_BATCH, required=True)

    def done(self) -> list[DonePart]:
        return list(self.validated_data["parts"])


class SignRequestSerializer(serializers.Serializer[Any]):
    """Parts to sign. `done` is the checkpoint of the parts sent since the last call."""

    parts = requested_parts(MAX_BATCH)
    done = done_parts(MAX_BATCH)

    def requested(self) -> list[PartRequest]:
        return list(self.validated_data["parts"])

    def finished(self) -> list[DonePart]:
        return list(self.validated_data.get("done", []))


class CallbackReportSerializer(serializers.Serializer[Any]):
    """OSS's response to a form or PutObject with a callback: the only place where OSS tells how the callback ended."""

    status = serializers.IntegerField(min_value=200, max_value=299, help_text="203 if the callback failed.")
    body = serializers.CharField(
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


class CompleteRequestSerializer(serializers.Serializer[Any]):
    """What the client knows of the file at the end of its upload."""

    size = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MAX_OBJECT_SIZE,
        help_text="In bytes. Required for a stream; ignored for other uploads.",
    )
    crc64 = Uint64Field(
        required=False, allow_null=True, help_text="CRC-64/XZ of the whole file, in decimal, if the client computed it."
    )
    done = done_parts(MAX_PART_NUMBER)
    callback = CallbackReportSerializer(required=False, allow_null=True)

    def finished(self) -> list[DonePart]:
        return list(self.validated_data.get("done", []))

    def report(self) -> ClientReport:
        data = self.validated_data
        callback = CallbackReportSerializer.to_result(data.get("callback"))
        return ClientReport(crc64=data.get("crc64") or "", size=data.get("size"), callback=callback)


class FinishedUploadSerializer(serializers.Serializer[Any]):
    """One upload of a batch to complete, and what the client knows of its file."""

    id = serializers.UUIDField()
    etag = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=64, help_text="From OSS's answer."
    )
    crc64 = Uint64Field(required=False, allow_null=True, help_text="CRC-64/XZ of the file, in decimal.")
    callback = CallbackReportSerializer(required=False, allow_null=True)

    validate_etag = DonePartSerializer.validate_etag

    @staticmethod
    def to_report(data: dict[str, Any]) -> ClientReport:
        callback = CallbackReportSerializer.to_result(data.get("callback"))
        return ClientReport(crc64=data.get("crc64") or "", etag=data.get("etag") or "", callback=callback)


class CompleteBatchSerializer(serializers.Serializer[Any]):
    """Uploads to complete."""

    uploads = serializers.ListField(child=FinishedUploadSerializer(), max_length=MAX_UPLOADS, allow_empty=False)


class CredentialsRequestSerializer(DestinationSerializer):
    """The destination for which credentials are wanted."""


class RegisterSerializer(DestinationSerializer):
    """An object that the client stored by itself."""

    key = serializers.CharField(max_length=MAX_KEY_BYTES, trim_whitespace=False)
