"""The multipart uploads that are open at OSS, for administrators."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api.fields import StateField
from uploads.domain.errors import InvalidUpload
from uploads.models import Upload
from uploads.oss.limits import MAX_KEY_BYTES, MAX_LIST_PAGE
from uploads.oss.messages import OpenUpload
from uploads.web import raised
from uploads.web.json_fields import MAX_WRONG, shown_name
from uploads.web.openapi import operation
from uploads.web.permissions import MayViewAll
from uploads.web.views import UploadsAPIView


class OpenUploadsQuerySerializer(serializers.Serializer[Any]):
    """Which page is wanted."""

    bucket = serializers.CharField(required=False, help_text="A bucket of a destination; the site's if left out.")
    prefix = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MAX_KEY_BYTES, help_text="Of the keys."
    )
    delimiter = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_KEY_BYTES,
        help_text="Keys that contain it after the prefix are summed up in `prefixes`.",
    )
    key_marker = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_KEY_BYTES,
        help_text="Keys after this one: `next_key_marker` of the page before.",
    )
    upload_id_marker = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=255,
        help_text="With `key_marker`, also uploads of that key after this id: `next_upload_id_marker` of the page "
        "before.",
    )
    max_uploads = serializers.IntegerField(
        default=MAX_LIST_PAGE, min_value=1, max_value=MAX_LIST_PAGE, help_text="Most entries in the page."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            names = map(shown_name, unknown[:MAX_WRONG])
            raise serializers.ValidationError({name: [_("Unknown parameter.")] for name in names})
        return attrs


class OpenUploadSerializer(serializers.Serializer[Any]):
    """A multipart upload that is neither completed nor aborted."""

    key = serializers.CharField()
    upload_id = serializers.CharField()
    initiated = serializers.DateTimeField()
    upload = serializers.UUIDField(allow_null=True, help_text="The id of its upload; null if there is no row.")
    state = StateField(allow_null=True)
    owner = serializers.CharField(allow_null=True, help_text="The name of its user.")


class OpenUploadsSerializer(serializers.Serializer[Any]):
    """A page. The markers are null on the last page."""

    bucket = serializers.CharField()
    uploads = OpenUploadSerializer(many=True)
    prefixes = serializers.ListField(child=serializers.CharField())
    next_key_marker = serializers.CharField(allow_null=True)
    next_upload_id_marker = serializers.CharField(allow_null=True)


class OpenUploadsView(UploadsAPIView):
    """What OSS holds of unfinished multipart uploads."""

    permission_classes = (IsAuthenticated, MayViewAll)

    @operation(
        *raised.STORAGE,
        InvalidUpload,
        operation_id="uploads_list_open",
        parameters=[OpenUploadsQuerySerializer],
        responses=OpenUploadsSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the multipart uploads that are open in a bucket, with those that have no row.

        For staff with the permission `uploads.view_upload`; 403 for others. Parameters and order are those of OSS's
        ListMultipartUploads.
        """
        query = OpenUploadsQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        found = services.list_open_uploads(services.OpenUploadsQuery(**query.validated_data))
        key_marker, upload_id_marker = found.page.next_marker or (None, None)
        return Response(
            {
                "bucket": found.bucket,
                "uploads": [_described(held, found.known.get(held.upload_id)) for held in found.page.uploads],
                "prefixes": found.page.prefixes,
                "next_key_marker": key_marker,
                "next_upload_id_marker": upload_id_marker,
            }
        )


def _described(held: OpenUpload, upload: Upload | None) -> dict[str, Any]:
    return {
        "key": held.key,
        "upload_id": held.upload_id,
        "initiated": held.initiated,
        "upload": upload.pk if upload else None,
        "state": upload.state if upload else None,
        "owner": upload.owner.get_username() if upload and upload.owner else None,
    }
