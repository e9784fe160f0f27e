"""Folders: which files of a folder have been uploaded, and aborting those that are unfinished."""

from typing import Any

from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api.fields import BytesField
from uploads.api.pagination import FolderPagination
from uploads.domain.errors import InvalidUpload, NotFoundError
from uploads.domain.states import State
from uploads.models import Upload
from uploads.web.openapi import operation
from uploads.web.requests import DestinationSerializer


class FolderSerializer(DestinationSerializer):
    """A folder of a destination."""

    folder = serializers.CharField(
        max_length=1024,
        trim_whitespace=False,
        help_text="The first segment of `relative_path`.",
    )


class AbortFolderSerializer(FolderSerializer):
    """A folder, and which of its unfinished uploads are aborted."""

    single = serializers.BooleanField(
        default=False, help_text="Only those of one request, which another page cannot resume."
    )


class FolderPageSerializer(FolderSerializer):
    """A folder, and which page of its files."""

    page = serializers.CharField(required=False, help_text="From `next` of the page before.")


class FolderFileSerializer(serializers.ModelSerializer[Upload]):
    """A file of a folder that has been uploaded."""

    size = BytesField(read_only=True, allow_null=True)

    class Meta:
        model = Upload
        fields = ("id", "relative_path", "size", "fingerprint")
        read_only_fields = fields


class FolderFilesSerializer(serializers.Serializer[Any]):
    """A page of the uploaded files of a folder, newest first."""

    next = serializers.CharField(allow_null=True, help_text="The URL of the next page; null on the last one.")
    unfinished = serializers.IntegerField(help_text="Number of unfinished uploads of the folder's files.")
    results = FolderFileSerializer(many=True)


class AbortedFolderSerializer(serializers.Serializer[Any]):
    """Numbers of uploads."""

    aborted = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="OSS did not answer, or the upload has ended. The sweep repeats it.")
    left = serializers.IntegerField(help_text="Unfinished uploads that a further call may abort.")


class FolderActions(viewsets.GenericViewSet[Upload]):
    """What concerns all files of a folder."""

    @operation(
        InvalidUpload,
        NotFoundError,
        operation_id="uploads_list_folder",
        methods=["GET"],
        parameters=[FolderPageSerializer],
        responses=FolderFilesSerializer,
    )
    @operation(
        InvalidUpload,
        operation_id="uploads_abort_folder",
        methods=["DELETE"],
        parameters=[AbortFolderSerializer],
        responses={200: AbortedFolderSerializer},
    )
    @action(detail=False, methods=["get", "delete"], pagination_class=None, filter_backends=())
    def folder(self, request: Request) -> Response:
        """The user's completed uploads of a folder's files, or abort the unfinished ones.

        A page that was interrupted skips what this lists when the folder is chosen again. Files that were created
        longer ago than `upload_expires` of the destination are left out. DELETE aborts up to 100 uploads in one call,
        and completed files stay. 404 for a `page` that was not made here.
        """
        serializer = FolderPageSerializer if request.method == "GET" else AbortFolderSerializer
        query = serializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        destination, folder = query.validated_data["destination"], query.validated_data["folder"]
        if request.method == "DELETE":
            done = services.abort_folder(request.user, destination, folder, single=query.validated_data["single"])
            return Response({"aborted": done.aborted, "refused": done.refused, "left": done.left})
        found = services.folder_uploads(request.user, destination, folder, State.COMPLETED)
        pages, fields = FolderPagination(), FolderFileSerializer.Meta.fields
        page = pages.paginate_queryset(found.only(*fields, "created_at"), request, view=self) or []
        files = [upload for upload in page if services.is_in_folder(upload, folder)]
        unfinished = services.folder_uploads(request.user, destination, folder, State.UPLOADING)
        return Response(
            {
                "next": pages.get_next_link(),
                "unfinished": unfinished.count(),
                "results": FolderFileSerializer(files, many=True).data,
            }
        )
