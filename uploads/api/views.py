"""The routes under /api/uploads/: each reads its request, calls one service, shapes the answer."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import serializers as shapes
from uploads.api.parsers import BoundedJSONParser
from uploads.api.permissions import abortable_uploads, visible_uploads
from uploads.models import Upload
from uploads.oss.signing import PartRequest
from uploads.states import State

RETRY_AFTER_SECONDS = 2


class UploadPages(CursorPagination):
    """Newest first; a cursor stays right while uploads come and go."""

    page_size = 50
    cursor_query_param = "page"
    ordering = ("-created_at", "-id")


class UploadFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter ships no types.
    state = filters.ChoiceFilter(choices=[(state.value, state.value) for state in State])
    destination = filters.CharFilter()
    fingerprint = filters.CharFilter()

    class Meta:
        model = Upload
        fields = ("state", "destination", "fingerprint")


class UploadViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Upload]):
    """Uploads: begin, sign, checkpoint, complete, abort."""

    queryset = Upload.objects.all()
    serializer_class = shapes.UploadSerializer
    permission_classes = (IsAuthenticated,)
    parser_classes = (BoundedJSONParser,)
    pagination_class = UploadPages
    filter_backends = (filters.DjangoFilterBackend,)
    filterset_class = UploadFilter
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Upload]:
        """What the user may touch. The list is the user's own; staff may look at, and abort, a single one of others."""
        user = self.request.user
        if self.action == "retrieve":
            return visible_uploads(user)
        if self.action == "destroy":
            return abortable_uploads(user)
        return Upload.objects.for_user(user)

    @extend_schema(request=shapes.CreateUploadSerializer, responses={201: shapes.CreatedUploadSerializer})
    def create(self, request: Request) -> Response:
        """Begin an upload. With `sign: n` the answer carries the first n parts, signed."""
        wanted = self._read(shapes.CreateUploadSerializer(data=request.data))
        sign = wanted.pop("sign", 0)
        upload = services.begin(request.user, **wanted)
        body = shapes.UploadSerializer(upload).data
        if sign:
            numbers = range(1, min(sign, upload.part_count) + 1)
            body |= self._signed(upload, [PartRequest(number) for number in numbers])
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Abort. Repeatable; 409 once completed."""
        services.abort(self.get_object(), actor=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=shapes.SignRequestSerializer, responses=shapes.SignedPartsSerializer)
    @action(detail=True, methods=["post"], url_path="parts/sign")
    def sign(self, request: Request, **_: Any) -> Response:
        """Presigned URLs for up to 1,000 parts; `done` is the checkpoint of what has arrived since the last call."""
        upload = self.get_object()
        wanted = shapes.SignRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.record_parts(upload, wanted.finished())
        body = self._signed(upload, wanted.requests())
        return Response({**body, "parts_done": upload.parts_done, "bytes_done": upload.bytes_done})

    @extend_schema(
        methods=["GET"],
        parameters=[
            OpenApiParameter("source", str, enum=["oss"], description="Ask OSS, and bring the record in line.")
        ],
        responses=shapes.HeldPartsSerializer,
    )
    @extend_schema(methods=["POST"], request=shapes.CheckpointSerializer, responses=shapes.ProgressSerializer)
    @action(detail=True, methods=["get", "post"], url_path="parts", pagination_class=None, filter_backends=())
    def parts(self, request: Request, **_: Any) -> Response:
        """GET: the parts recorded, or with `source=oss` those that OSS really holds. POST: the checkpoint."""
        upload = self.get_object()
        if request.method == "POST":
            checkpoint = shapes.CheckpointSerializer(data=request.data)
            checkpoint.is_valid(raise_exception=True)
            services.record_parts(upload, checkpoint.done())
            return Response({"parts_done": upload.parts_done, "bytes_done": upload.bytes_done})
        if request.query_params.get("source") == "oss":
            return Response(shapes.HeldPartsSerializer({"parts": services.synchronize_parts(upload)}).data)
        return Response(shapes.HeldPartsSerializer({"parts": upload.parts.all()}).data)

    @extend_schema(
        request=shapes.CompleteRequestSerializer,
        responses={200: shapes.UploadSerializer, 202: shapes.UploadSerializer},
    )
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, **_: Any) -> Response:
        """Put the parts together. Idempotent; 202 with Retry-After while OSS is still at it."""
        upload = self.get_object()
        wanted = shapes.CompleteRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.record_parts(upload, wanted.finished())
        crc64 = wanted.validated_data.get("crc64") or ""
        upload = services.complete(upload, crc64=crc64, actor=request.user)
        body = shapes.UploadSerializer(upload).data
        if upload.state == State.COMPLETED:
            return Response(body)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})

    @staticmethod
    def _read(serializer: Any) -> dict[str, Any]:
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    @staticmethod
    def _signed(upload: Upload, parts: list[PartRequest]) -> dict[str, Any]:
        now = timezone.now()
        signed = services.sign_parts(upload, parts, now=now)
        return {
            "parts": [
                {
                    "number": part.number,
                    "method": part.method,
                    "url": part.url,
                    "headers": part.headers,
                    "expires_at": part.expires_at,
                }
                for part in signed
            ],
            "server_time": now,
        }
