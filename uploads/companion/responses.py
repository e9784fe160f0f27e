"""The shapes that Uppy sends and expects, as the API's description shows them.

The views fill these in by hand: they are Companion's own (@uppy/companion, src/server/controllers/s3.js).
"""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from uploads.oss.limits import MAX_PART_NUMBER

KEY = OpenApiParameter("key", str, "query", required=True, description="The upload's key, from the first answer.")
TYPE = OpenApiParameter(
    "type", str, "query", description="The content type to send; it becomes a part of the signature."
)
PART_NUMBERS = OpenApiParameter(
    "partNumbers", str, "query", required=True, description="1 to 1,000 numbers, separated by commas."
)
NO_CONTENT: dict[str, Any] = {"type": "object", "description": "Always empty."}


class CompanionURLSerializer(serializers.Serializer[Any]):
    """A Companion URL."""

    companion_url = serializers.URLField(help_text="For Uppy's companionEndpoint (6) or endpoint (5).")
    expires_at = serializers.DateTimeField()


class CompanionFileSerializer(serializers.Serializer[Any]):
    """A file to upload. Uppy does not send its size."""

    filename = serializers.CharField()
    type = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)


class CompanionUploadSerializer(serializers.Serializer[Any]):
    """A multipart upload that has begun."""

    key = serializers.CharField()
    uploadId = serializers.CharField()
    bucket = serializers.CharField()


class CompanionPartSerializer(serializers.Serializer[Any]):
    """A part that OSS holds."""

    PartNumber = serializers.IntegerField()
    ETag = serializers.CharField()
    Size = serializers.IntegerField(help_text="In bytes.")


class CompanionSignedPartSerializer(serializers.Serializer[Any]):
    """A presigned URL for one part."""

    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    expires = serializers.IntegerField(help_text="In seconds.")


class CompanionSignedPartsSerializer(serializers.Serializer[Any]):
    """Presigned URLs, by the number of the part."""

    presignedUrls = serializers.DictField(child=serializers.CharField())


class CompanionSentPartSerializer(serializers.Serializer[Any]):
    """A part that Uppy has sent."""

    PartNumber = serializers.IntegerField(min_value=1, max_value=MAX_PART_NUMBER)
    ETag = serializers.CharField()


class CompanionSentPartsSerializer(serializers.Serializer[Any]):
    """All parts of the upload."""

    parts = CompanionSentPartSerializer(many=True)


class CompanionCompletedSerializer(serializers.Serializer[Any]):
    """The object."""

    location = serializers.CharField()
    key = serializers.CharField()
    bucket = serializers.CharField()
