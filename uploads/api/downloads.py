"""Links to the objects of completed uploads."""

from typing import Any

from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import examples
from uploads.domain.errors import InvalidUpload, NotFoundError, NotOffered, WrongState
from uploads.models import Upload
from uploads.web import raised
from uploads.web.openapi import operation


class DownloadQuerySerializer(serializers.Serializer[Any]):
    """How the object is read."""

    inline = serializers.BooleanField(
        default=False, help_text="The browser opens the object instead of saving it, where its type is harmless."
    )


class DownloadLinkSerializer(serializers.Serializer[Any]):
    """A presigned URL of OSS. Whoever has it can read the object until it expires."""

    url = serializers.CharField()
    expires_at = serializers.DateTimeField()


class DownloadActions(viewsets.GenericViewSet[Upload]):
    """The action that gives a link to the object of one upload."""

    @operation(
        *raised.STORAGE,
        InvalidUpload,
        NotFoundError,
        NotOffered,
        WrongState,
        operation_id="uploads_download",
        parameters=[DownloadQuerySerializer],
        responses=DownloadLinkSerializer,
        examples=[examples.DOWNLOAD],
    )
    @action(detail=True, methods=["get"])
    def download(self, request: Request, **_: Any) -> Response:
        """A presigned URL of the object of a completed upload.

        409 if the destination has no `download_expires`, or the upload is not completed. Staff need the permissions to
        view and to download the uploads of others, and the log of administrators says that they did.
        """
        query = DownloadQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        upload = self.get_object()
        link = services.download_link(upload, inline=query.validated_data["inline"])
        if upload.owner_id != request.user.pk:
            services.record_download(upload, request.user)
        body = {"url": link.url, "expires_at": link.expires_at}
        return Response(body, headers={"Cache-Control": "no-store"})
