"""Answers of the API."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers, status
from rest_framework.response import Response

from uploads.api.fields import (
    AddressingField,
    BytesField,
    CallbackResultField,
    MethodField,
    PartMethodField,
    RecordedErrorField,
    StageField,
    StateField,
)
from uploads.domain.errors import KeyReused, NotFoundError, UploadError
from uploads.models import Upload
from uploads.services import ScopedCredentials, SignedPart, addresses
from uploads.web import problems, raised
from uploads.web.framework import FIELD_MAPPING, Renderer
from uploads.web.openapi import ResultsField


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """An upload. Sizes are in bytes; `crc64` is the object's CRC-64/XZ in decimal."""

    serializer_field_mapping = FIELD_MAPPING

    state = StateField(read_only=True)
    stage = StageField(read_only=True, help_text="What is done with a staged file before it is completed, else empty.")
    method = MethodField(read_only=True)
    size = BytesField(read_only=True, allow_null=True, help_text="Null for a stream that has not ended.")
    size_limit = BytesField(
        source="reserved",
        read_only=True,
        allow_null=True,
        help_text="Most bytes that this stream may have: what the limits left when it began. Null for no limit, and "
        "for an upload that is not a stream.",
    )
    part_size = BytesField(read_only=True, help_text="Bytes of every part but the last.")
    bytes_done = BytesField(read_only=True)
    metadata = serializers.DictField(child=serializers.CharField(), read_only=True)
    part_count = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Null for a stream that has not ended."
    )
    addresses = serializers.SerializerMethodField(
        help_text="The object's URL at each address of its bucket, while it is sent. Each part may be sent to any of "
        "them: its `url` with this in place of what is before the query. A form goes to this without the key. Empty if "
        "there is only one."
    )
    callback = CallbackResultField(read_only=True, allow_null=True, help_text="Null without a callback.")
    error = RecordedErrorField(read_only=True, allow_null=True, help_text="Why the upload failed; else null.")

    class Meta:
        model = Upload
        fields = (
            "id",
            "state",
            "stage",
            "destination",
            "bucket",
            "key",
            "upload_id",
            "method",
            "filename",
            "relative_path",
            "content_type",
            "size",
            "size_limit",
            "part_size",
            "part_count",
            "parts_done",
            "bytes_done",
            "addresses",
            "fingerprint",
            "metadata",
            "created_at",
            "updated_at",
            "expires_at",
            "completed_at",
            "etag",
            "crc64",
            "location",
            "callback",
            "error",
        )
        read_only_fields = fields

    def get_addresses(self, upload: Upload) -> list[str]:
        return addresses(upload)


SignedPartSerializer: type[serializers.Serializer[Any]] = type(
    "SignedPartSerializer",
    (serializers.Serializer,),
    {
        "__doc__": "A request that the client may send to OSS.",
        "number": serializers.IntegerField(),
        "method": PartMethodField(),
        "url": serializers.CharField(help_text="Where to send the part."),
        "headers": serializers.DictField(
            child=serializers.CharField(), required=False, help_text="For PUT: exactly these headers must be sent."
        ),
        "fields": serializers.DictField(
            child=serializers.CharField(),
            required=False,
            help_text="For POST: the form's fields. Append the field `file` last.",
        ),
        "size": BytesField(
            allow_null=True, help_text="Bytes that OSS accepts for this part; null if any size that the form allows."
        ),
        "expires_at": serializers.DateTimeField(),
    },
)
"""Made by `type`, because the body of a serializer class cannot declare a field named `fields`."""


def signed_parts(parts: Sequence[SignedPart]) -> list[dict[str, Any]]:
    """Signed parts. No serializer, and each time is written once: there may be a thousand parts that end together."""
    written = {time: _text(time) for time in {part.expires_at for part in parts}}
    return [
        {
            "number": part.number,
            "method": part.method,
            "url": part.url,
            **({"fields": part.fields} if part.method == "POST" else {"headers": part.headers}),
            "size": part.size,
            "expires_at": written[part.expires_at],
        }
        for part in parts
    ]


def _text(time: datetime) -> str:
    """As the renderer writes it."""
    text: str = Renderer.encoder_class().default(time)
    return text


class CreatedUploadSerializer(UploadSerializer):
    """A new upload; with `sign`, also its first signed parts."""

    parts = SignedPartSerializer(many=True, required=False)
    server_time = serializers.DateTimeField(required=False)

    class Meta(UploadSerializer.Meta):
        fields = read_only_fields = (*UploadSerializer.Meta.fields, "parts", "server_time")  # type: ignore[assignment]


class ProgressSerializer(serializers.Serializer[Any]):
    """What is recorded of the upload's finished parts."""

    parts_done = serializers.IntegerField()
    bytes_done = BytesField()


class SignedPartsSerializer(ProgressSerializer):
    """Signed parts in the order of the request, and the progress recorded so far."""

    parts = SignedPartSerializer(many=True)
    server_time = serializers.DateTimeField(
        help_text="The server's clock. Compare `expires_at` with this, not with the device's clock."
    )


class HeldPartSerializer(serializers.Serializer[Any]):
    """A part that is recorded, or that OSS holds."""

    number = serializers.IntegerField()
    size = BytesField(help_text="In bytes.")
    etag = serializers.CharField()
    crc64 = serializers.CharField(required=False, help_text="CRC-64/XZ in decimal, if known.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        held = {"number": instance.number, "size": instance.size, "etag": instance.etag}
        if instance.crc64 not in ("", None):
            held["crc64"] = str(instance.crc64)
        return held


class HeldPartsSerializer(serializers.Serializer[Any]):
    """The parts of an upload, by number."""

    parts = HeldPartSerializer(many=True)


class CreatedBatchSerializer(serializers.Serializer[Any]):
    """One result for each upload of the request, in the same order."""

    uploads = ResultsField(CreatedUploadSerializer, "CreatedUploadOrProblem", *raised.BEGIN, *raised.SIGN, KeyReused)


class CompletedBatchSerializer(serializers.Serializer[Any]):
    """One result for each upload of the request, in the same order."""

    uploads = ResultsField(UploadSerializer, "UploadOrProblem", *raised.COMPLETE, NotFoundError)


def batch_response(results: Iterable[dict[str, Any] | UploadError]) -> Response:
    """207 with each result by itself."""
    uploads = [problems.problem(result) if isinstance(result, UploadError) else result for result in results]
    return Response({"uploads": uploads}, status=status.HTTP_207_MULTI_STATUS)


class CredentialsSerializer(serializers.Serializer[Any]):
    """Temporary credentials: with `key` and `upload_id` for one upload, or with `prefix` for all keys below it."""

    access_key_id = serializers.CharField()
    access_key_secret = serializers.CharField()
    security_token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    endpoint = serializers.CharField(help_text="URL of the OSS endpoint, without the bucket.")
    region = serializers.CharField()
    bucket = serializers.CharField()
    key = serializers.CharField(required=False)
    upload_id = serializers.CharField(required=False)
    prefix = serializers.CharField(required=False)
    traffic_limit = serializers.IntegerField(
        allow_null=True,
        help_text="bit/s to request with each part in x-oss-traffic-limit; null: no limit. A policy cannot demand it.",
    )
    addressing = AddressingField(required=False, help_text="With `prefix`: how URLs name the bucket.")


def credentials_response(issued: ScopedCredentials) -> Response:
    """200 with temporary credentials, which no cache may store."""
    endpoint = issued.place.endpoint
    if issued.prefix:
        scope = {"prefix": issued.prefix, "addressing": endpoint.addressing}
    else:
        scope = {"key": issued.key, "upload_id": issued.upload_id}
    body = {
        "access_key_id": issued.credentials.access_key_id,
        "access_key_secret": issued.credentials.access_key_secret,
        "security_token": issued.credentials.security_token,
        "expires_at": issued.expires_at,
        "endpoint": endpoint.url,
        "region": issued.place.region,
        "bucket": issued.bucket,
        "traffic_limit": issued.traffic_limit,
        **scope,
    }
    return Response(body, headers={"Cache-Control": "no-store"})
