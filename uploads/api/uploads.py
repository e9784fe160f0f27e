"""One upload: begin, look at, complete, abort; and the list of the user's own."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import examples, requests, responses
from uploads.api.batches import BatchActions
from uploads.api.credentials import CredentialActions
from uploads.api.diagnosis import DiagnosisActions
from uploads.api.downloads import DownloadActions
from uploads.api.folders import FolderActions
from uploads.api.pagination import UploadPagination
from uploads.api.parts import PartActions, created_upload
from uploads.domain.errors import InvalidUpload, KeyReused, NotFoundError
from uploads.domain.states import State
from uploads.models import Upload
from uploads.web import raised
from uploads.web.openapi import operation
from uploads.web.permissions import abortable_uploads, downloadable_uploads, may_delete, visible_uploads
from uploads.web.views import UploadsAPIView

RETRY_AFTER_SECONDS = 2


class UploadFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter has no type information.
    state = filters.ChoiceFilter(choices=[(state.value, state.value) for state in State])
    destination = filters.CharFilter(help_text="The name of a destination.")
    fingerprint = filters.CharFilter(help_text="As the client gave it when it created the upload.")

    class Meta:
        model = Upload
        fields = ("state", "destination", "fingerprint")


class UploadViewSet(
    UploadsAPIView,
    PartActions,
    BatchActions,
    CredentialActions,
    DiagnosisActions,
    DownloadActions,
    FolderActions,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
):
    """Uploads of the user. For others they do not exist (404)."""

    queryset = Upload.objects.all()
    serializer_class = responses.UploadSerializer
    pagination_class = UploadPagination
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = UploadFilter
    lookup_value_converter = "uuid"
    throttle_scopes = {
        "create": "create",
        "batch": "batch",
        "complete_batch": "batch",
        "sign": "sign",
        "parts": "sign",
        "complete": "complete",
        "credentials": "credentials",
        "register": "complete",
        "diagnose": "diagnose",
        "folder": "batch",
    }

    def get_queryset(self) -> QuerySet[Upload]:
        """The user's own uploads. Staff with the permissions may also look at, download and abort one of others."""
        user = self.request.user
        if self.action == "retrieve":
            return visible_uploads(user)
        if self.action == "download":
            return downloadable_uploads(user)
        if self.action == "destroy":
            return abortable_uploads(user)
        return Upload.objects.for_user(user)

    @operation(InvalidUpload, NotFoundError, operation_id="uploads_list", examples=[examples.UPLOADS])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the user's own uploads, newest first. 404 for a `page` that was not made here."""
        return super().list(request, *args, **kwargs)

    @operation(operation_id="uploads_retrieve", examples=[examples.COMPLETED])
    def retrieve(self, request: Request, *_: Any, **__: Any) -> Response:
        """The upload in its current state."""
        upload = self.get_object()
        services.detect_unreported(upload)
        return Response(self.get_serializer(upload).data)

    @operation(
        *raised.BEGIN,
        *raised.SIGN,
        KeyReused,
        operation_id="uploads_create",
        request=requests.CreateUploadSerializer,
        parameters=[requests.IDEMPOTENCY_KEY],
        responses={200: responses.UploadSerializer, 201: responses.CreatedUploadSerializer},
        examples=[examples.CREATE, examples.CREATED],
    )
    def create(self, request: Request) -> Response:
        """Begin an upload (201). With `sign: n` the answer also has the first n parts, signed.

        With `resume`, an unfinished upload of the same file is returned instead, if there is one (200); list its parts
        at OSS to learn which are missing. 400, 403 or 413 if the destination does not allow the file; 422 if the
        Idempotency-Key was used for another request.
        """
        body = requests.CreateUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.upload_request()
        if body.resumes and (unfinished := services.unfinished(request.user, wanted)):
            services.record_checksum(unfinished, wanted.crc64)
            return Response(responses.UploadSerializer(unfinished).data)
        upload = services.begin(request.user, wanted, idempotency_key=requests.idempotency_key(request))
        created = created_upload(upload, body.to_sign, responses.UploadSerializer(), request.user)
        return Response(created, status=status.HTTP_201_CREATED)

    @operation(*raised.ABORT, operation_id="uploads_destroy", responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Abort the upload and delete its parts at OSS. May be repeated.

        A completed upload is deleted, with its object, if the destination has `allow_delete`; otherwise the answer is
        409 with the code `deletion_not_allowed`. The upload stays, with the state `deleted`.
        """
        upload = self.get_object()
        services.abort_or_delete(upload, actor=request.user, may_delete=may_delete(request.user, upload))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @operation(
        *raised.COMPLETE,
        operation_id="uploads_complete",
        request=requests.CompleteRequestSerializer,
        responses={200: responses.UploadSerializer, 202: responses.UploadSerializer},
        examples=[examples.COMPLETE, examples.COMPLETED],
    )
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, **_: Any) -> Response:
        """Complete the upload: OSS joins the parts that it holds into the object.

        200 once the upload is completed; 202 with Retry-After, in seconds, while OSS has not answered, or while a
        staged file is checked and copied (`stage`): repeat the call. May be repeated at any time. 409 if parts are
        missing or have a wrong size, with their numbers in `errors.parts`, or if the object is not the file that was
        sent; 410 if OSS no longer has the upload; 422 if a staged file is rejected.

        With `keep`, an interrupted stream is completed with its unbroken beginning, and `size` becomes that.
        """
        upload = self.get_object()
        body = requests.CompleteRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.record_parts(upload, body.finished())
        upload = services.complete(upload, body.report(), actor=request.user)
        answer = responses.UploadSerializer(upload).data
        if upload.state == State.COMPLETED:
            return Response(answer)
        return Response(answer, status=status.HTTP_202_ACCEPTED, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
