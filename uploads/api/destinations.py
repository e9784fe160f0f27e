"""What the user may upload to a destination, so that a page can say it and refuse a file before it is sent."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import examples
from uploads.api.fields import BytesField
from uploads.web import raised
from uploads.web.openapi import operation
from uploads.web.views import UploadsAPIView


class AllowanceSerializer(serializers.Serializer[Any]):
    """What the caller may upload. Null: no limit."""

    name = serializers.CharField()
    max_size = BytesField(allow_null=True, help_text="Of one file.")
    content_types = serializers.ListField(
        child=serializers.CharField(), help_text="Patterns such as `video/*`; empty: every type."
    )
    uploads_left = serializers.IntegerField(
        min_value=0, allow_null=True, help_text="Unfinished uploads that the caller may still have."
    )
    max_bytes_per_day = BytesField(allow_null=True, help_text="Bytes that the caller may upload in 24 hours.")
    bytes_left = BytesField(allow_null=True, help_text="What is left of them now.")
    downloads = serializers.BooleanField(help_text="Whether completed uploads have download links.")


class DestinationView(UploadsAPIView):
    """One destination, as the caller may use it."""

    schema_tag = "destinations"

    @operation(
        *raised.PERMIT,
        operation_id="uploads_destination",
        responses=AllowanceSerializer,
        examples=[examples.DESTINATION],
    )
    def get(self, request: Request, name: str) -> Response:
        """The limits of a destination and what is left of the caller's quota there.

        Nothing is said of keys, buckets and options. 400 if there is no such destination, 403 if the caller may not
        upload to it, as for a request to create an upload.
        """
        allowed = services.allowance(request.user, name)
        destination = allowed.destination
        return Response(
            {
                "name": destination.name,
                "max_size": destination.max_size,
                "content_types": list(destination.content_types),
                "uploads_left": allowed.uploads_left,
                "max_bytes_per_day": destination.max_bytes_per_user_per_day,
                "bytes_left": allowed.bytes_left,
                "downloads": destination.download_expires is not None,
            }
        )
