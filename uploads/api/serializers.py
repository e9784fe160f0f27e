"""The shapes of requests and answers. Serializers judge form; services judge sense."""

import re
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from uploads.models import Upload
from uploads.oss.endpoint import Endpoint
from uploads.oss.limits import MAX_OBJECT_SIZE, MAX_PART_NUMBER, MAX_PART_SIZE
from uploads.oss.signing import PartRequest
from uploads.services import ClientReport, DonePart, ScopedCredentials, SignedPart, UploadRequest
from uploads.services.common import from_record
from uploads.web import problems

MAX_BATCH = 1000
"""Parts in one request."""
MAX_UPLOADS = 100
"""Uploads in one request."""

# A header value: anything else would let a name or a type break out of its line.
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;\s*[\w-]+=(\"[^\"\\\r\n]*\"|[\w.+-]+))*", re.ASCII)
_META_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_META_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_MD5 = re.compile(r"[A-Za-z0-9+/]{22}==")
_ETAG = re.compile(r'"?[0-9A-Za-z-]{1,62}"?')
_UINT64 = re.compile(r"[0-9]{1,20}")


class Uint64Field(serializers.RegexField):
    """An unsigned decimal in text, since JavaScript's numbers cannot hold it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_UINT64.pattern, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if not _UINT64.fullmatch(text) or int(text) >= 2**64:
            raise serializers.ValidationError(_("Not an unsigned 64-bit number in decimal."))
        return str(int(text))


class PartRequestSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1, max_value=MAX_PART_NUMBER)
    size = serializers.IntegerField(required=False, min_value=0, max_value=MAX_PART_SIZE)
    content_md5 = serializers.CharField(required=False, max_length=24)

    def validate_content_md5(self, value: str) -> str:
        if not _MD5.fullmatch(value):
            raise serializers.ValidationError(_("Base64 of the 16 bytes of an MD5."))
        return value

    @staticmethod
    def to_part(data: dict[str, Any]) -> PartRequest:
        return PartRequest(data["number"], data.get("size"), data.get("content_md5"))


class DonePartSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1, max_value=MAX_PART_NUMBER)
    size = serializers.IntegerField(min_value=0, max_value=MAX_PART_SIZE)
    etag = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=64, help_text="Empty where CORS hides it."
    )
    crc64 = Uint64Field(required=False, allow_null=True)

    def validate_etag(self, value: str | None) -> str:
        if value and not _ETAG.fullmatch(value):
            raise serializers.ValidationError(_("Not an ETag of OSS."))
        return (value or "").strip('"').upper()

    @staticmethod
    def to_part(data: dict[str, Any]) -> DonePart:
        return DonePart(data["number"], data["size"], data.get("etag") or "", data.get("crc64") or "")


class PartsField(serializers.ListField):
    """Many of one shape, of which there may be thousands: what is plainly right is taken at once, and only what is not
    goes the long way, which says what is wrong with it."""

    def __init__(self, child: Any, plainly: Callable[[Any], Any], **kwargs: Any) -> None:
        self._plainly = plainly
        super().__init__(child=child, **kwargs)

    def run_child_validation(self, data: Any) -> list[Any]:
        taken = [self._plainly(item) for item in data]
        if None not in taken:
            return taken
        child: Any = self.child
        return [child.to_part(item) for item in super().run_child_validation(data)]


def _is_whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _plain_done(item: Any) -> DonePart | None:
    """As browsers send it; None for anything that needs a second look."""
    if type(item) is not dict:
        return None
    number, size = item.get("number", 0), item.get("size", -1)
    etag, crc64 = item.get("etag", ""), item.get("crc64", "")
    if not (_is_whole(number, 1, MAX_PART_NUMBER) and _is_whole(size, 0, MAX_PART_SIZE)):
        return None
    if type(etag) is not str or type(crc64) is not str or (etag and not _ETAG.fullmatch(etag)):
        return None
    if "crc64" in item and not (_UINT64.fullmatch(crc64) and (crc64 == "0" or crc64[0] != "0") and int(crc64) < 2**64):
        return None
    return DonePart(number, size, etag.strip('"').upper(), crc64)


def _plain_request(item: Any) -> PartRequest | None:
    """The same for a part to be signed."""
    if type(item) is not dict or not _is_whole(item.get("number"), 1, MAX_PART_NUMBER):
        return None
    size, md5 = item.get("size"), item.get("content_md5")
    if "size" in item and not _is_whole(size, 0, MAX_PART_SIZE):
        return None
    if "content_md5" in item and not (type(md5) is str and _MD5.fullmatch(md5)):
        return None
    return PartRequest(item["number"], size, md5)


def done_parts(limit: int, *, required: bool = False) -> PartsField:
    return PartsField(DonePartSerializer(), _plain_done, max_length=limit, required=required)


class CheckpointSerializer(serializers.Serializer[Any]):
    parts = done_parts(MAX_BATCH, required=True)

    def done(self) -> list[DonePart]:
        return list(self.validated_data["parts"])


class SignRequestSerializer(serializers.Serializer[Any]):
    parts = PartsField(PartRequestSerializer(), _plain_request, max_length=MAX_BATCH, allow_empty=False)
    done = done_parts(MAX_BATCH)

    def requests(self) -> list[PartRequest]:
        return list(self.validated_data["parts"])

    def finished(self) -> list[DonePart]:
        return list(self.validated_data.get("done", []))


class CompleteRequestSerializer(serializers.Serializer[Any]):
    size = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MAX_OBJECT_SIZE,
        help_text="Bytes: a stream's, at its end.",
    )
    crc64 = Uint64Field(required=False, allow_null=True, help_text="Of the whole file, if the page computed it.")
    done = done_parts(MAX_PART_NUMBER)

    def finished(self) -> list[DonePart]:
        return list(self.validated_data.get("done", []))

    def told(self) -> ClientReport:
        return ClientReport(crc64=self.validated_data.get("crc64") or "", size=self.validated_data.get("size"))


class FinishedUploadSerializer(serializers.Serializer[Any]):
    """One of a batch, as the page saw it end."""

    id = serializers.UUIDField()
    etag = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=64)
    crc64 = Uint64Field(required=False, allow_null=True)

    validate_etag = DonePartSerializer.validate_etag

    @staticmethod
    def to_told(data: dict[str, Any]) -> ClientReport:
        return ClientReport(crc64=data.get("crc64") or "", etag=data.get("etag") or "")


class CompleteBatchSerializer(serializers.Serializer[Any]):
    uploads = serializers.ListField(child=FinishedUploadSerializer(), max_length=MAX_UPLOADS, allow_empty=False)


class CreateUploadSerializer(serializers.Serializer[Any]):
    destination = serializers.CharField(max_length=64, default="default")
    filename = serializers.CharField(max_length=1024, trim_whitespace=False)
    size = serializers.IntegerField(
        min_value=0, max_value=MAX_OBJECT_SIZE, allow_null=True, help_text="Bytes; null for a stream."
    )
    content_type = serializers.CharField(required=False, allow_blank=True, max_length=255)
    fingerprint = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=128)
    metadata = serializers.DictField(child=serializers.CharField(max_length=2048), required=False)
    options = serializers.DictField(
        required=False, help_text="What the destination leaves to the page: acl, storage_class, tagging …"
    )
    sign = serializers.IntegerField(
        required=False, min_value=0, max_value=MAX_BATCH, help_text="How many first parts to sign in the answer."
    )
    resume = serializers.BooleanField(
        default=False,
        help_text="Where an upload of this fingerprint, name and size is unfinished, give that (200) and begin none. "
        "Not in a batch.",
    )

    def validate_content_type(self, value: str) -> str:
        if value and not _CONTENT_TYPE.fullmatch(value):
            raise serializers.ValidationError(_("Not a media type such as video/mp4."))
        return value

    def wanted(self) -> UploadRequest:
        given = {name: value for name, value in self.validated_data.items() if name not in ("sign", "resume")}
        return UploadRequest(**given)

    @property
    def to_sign(self) -> int:
        """How many first parts."""
        number: int = self.validated_data.get("sign", 0)
        return number

    @property
    def resumes(self) -> bool:
        return bool(self.validated_data["resume"])

    def validate_fingerprint(self, value: str | None) -> str:
        return value or ""

    def validate_metadata(self, value: dict[str, str]) -> dict[str, str]:
        if len({name.lower() for name in value}) != len(value):
            raise serializers.ValidationError(_("Names differ by more than their letters' case."))
        for name, text in value.items():
            if not _META_NAME.fullmatch(name):
                wrong = _("{name!r}: names are letters, digits and hyphens.")
                raise serializers.ValidationError(wrong.format(name=name))
            if not _META_VALUE.fullmatch(text):
                wrong = _("{name!r}: values are printable ASCII; percent-encode the rest.")
                raise serializers.ValidationError(wrong.format(name=name))
        return value


class CreateBatchSerializer(serializers.Serializer[Any]):
    """Each is read by itself, so that one that is wrong does not spoil the others."""

    uploads = serializers.ListField(child=serializers.DictField(), max_length=MAX_UPLOADS, allow_empty=False)


def signed_part(part: SignedPart) -> dict[str, Any]:
    """A signed request as the contract shows it. Plain, since there may be a thousand in one answer."""
    how = {"fields": part.fields} if part.method == "POST" else {"headers": part.headers}
    return {"number": part.number, "method": part.method, "url": part.url, **how, "expires_at": part.expires_at}


SignedPartSerializer = inline_serializer(
    "SignedPart",
    {
        "number": serializers.IntegerField(),
        "method": serializers.CharField(help_text="PUT or POST."),
        "url": serializers.CharField(help_text="PUT: presigned. POST: where the form goes."),
        "headers": serializers.DictField(
            child=serializers.CharField(), required=False, help_text="PUT: exactly what must be sent."
        ),
        "fields": serializers.DictField(
            child=serializers.CharField(), required=False, help_text="POST: the form's fields; `file` is appended last."
        ),
        "expires_at": serializers.DateTimeField(),
    },
    many=True,
)
"""Inline, because a field named `fields` cannot be declared."""


class SignedPartsSerializer(serializers.Serializer[Any]):
    parts = SignedPartSerializer
    server_time = serializers.DateTimeField(help_text="Count a URL's life from here, not from the device's clock.")
    parts_done = serializers.IntegerField()
    bytes_done = serializers.IntegerField()


class ProgressSerializer(serializers.Serializer[Any]):
    parts_done = serializers.IntegerField()
    bytes_done = serializers.IntegerField()


class HeldPartSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    size = serializers.IntegerField()
    etag = serializers.CharField()
    crc64 = serializers.CharField(required=False)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        held = {"number": instance.number, "size": instance.size, "etag": instance.etag}
        if instance.crc64 not in ("", None):
            held["crc64"] = str(instance.crc64)
        return held


class HeldPartsSerializer(serializers.Serializer[Any]):
    parts = HeldPartSerializer(many=True)


class RecordedErrorField(serializers.JSONField):
    """Why an upload failed, as it was recorded, in the reader's language."""

    def to_representation(self, value: Any) -> Any:
        return {"code": value.get("code"), **problems.said(from_record(value))}


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """The upload, as the contract shows it."""

    part_count = serializers.IntegerField(read_only=True, allow_null=True)
    callback = serializers.JSONField(read_only=True, allow_null=True)
    error = RecordedErrorField(read_only=True, allow_null=True)

    class Meta:
        model = Upload
        fields = (
            "id",
            "state",
            "destination",
            "bucket",
            "key",
            "upload_id",
            "method",
            "filename",
            "content_type",
            "size",
            "part_size",
            "part_count",
            "parts_done",
            "bytes_done",
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


class CreatedUploadSerializer(UploadSerializer):
    """A new upload; with `sign`, also the first signed parts."""

    parts = SignedPartSerializer
    server_time = serializers.DateTimeField(required=False)

    class Meta(UploadSerializer.Meta):
        fields = read_only_fields = (*UploadSerializer.Meta.fields, "parts", "server_time")  # type: ignore[assignment]


class CreatedOrProblem(serializers.Serializer[Any]):
    """In the order of the request: each an upload, or a problem (it has a `code`)."""

    uploads = serializers.ListField(child=serializers.DictField())


class CredentialsRequestSerializer(serializers.Serializer[Any]):
    destination = serializers.CharField(max_length=64, default="default")


class CompanionURLSerializer(serializers.Serializer[Any]):
    companion_url = serializers.URLField(help_text="For Uppy's companionEndpoint (6) or endpoint (5).")
    expires_at = serializers.DateTimeField()


class CredentialsSerializer(serializers.Serializer[Any]):
    """Temporary; `key` and `upload_id` for one upload, `prefix` for a client of its own."""

    access_key_id = serializers.CharField()
    access_key_secret = serializers.CharField()
    security_token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    endpoint = serializers.CharField()
    region = serializers.CharField()
    bucket = serializers.CharField()
    key = serializers.CharField(required=False)
    upload_id = serializers.CharField(required=False)
    prefix = serializers.CharField(required=False)
    addressing = serializers.CharField(
        required=False, help_text="With a prefix: how the bucket is reached at the endpoint; virtual, path or cname."
    )

    @staticmethod
    def of(lent: ScopedCredentials, endpoint: Endpoint, region: str) -> dict[str, Any]:
        mine = {"prefix": lent.prefix, "addressing": endpoint.addressing}
        where = mine if lent.prefix else {"key": lent.key, "upload_id": lent.upload_id}
        return {
            "access_key_id": lent.credentials.access_key_id,
            "access_key_secret": lent.credentials.access_key_secret,
            "security_token": lent.credentials.security_token,
            "expires_at": lent.expires_at,
            "endpoint": endpoint.url,
            "region": region,
            "bucket": lent.bucket,
            **where,
        }
