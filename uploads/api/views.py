"""The routes under /api/: each reads its request, calls one service, shapes the answer."""

import re
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from drf_spectacular.views import SpectacularAPIView
from rest_framework import exceptions, mixins, status, viewsets
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.decorators import action
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from uploads import services
from uploads.api import examples
from uploads.api import serializers as shapes
from uploads.conf import settings
from uploads.domain.errors import UploadError
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.signing import PartRequest
from uploads.web import problems
from uploads.web.parsers import BodyTooLarge, BoundedJSONParser
from uploads.web.permissions import abortable_uploads, visible_uploads
from uploads.web.throttles import ScopeThrottle

RETRY_AFTER_SECONDS = 2
MAX_CALLBACK_BYTES = 64 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, "header", description="The same request with the same key begins nothing twice."
)


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


@extend_schema_view(
    list=extend_schema(examples=[examples.UPLOADS]), retrieve=extend_schema(examples=[examples.COMPLETED])
)
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
    throttle_classes = (ScopeThrottle,)
    throttle_scopes = {
        "create": "create",
        "batch": "batch",
        "complete_batch": "batch",
        "sign": "sign",
        "parts": "sign",
        "complete": "complete",
        "credentials": "credentials",
    }

    def get_queryset(self) -> QuerySet[Upload]:
        """What the user may touch. The list is the user's own; staff may look at, and abort, a single one of others."""
        user = self.request.user
        if self.action == "retrieve":
            return visible_uploads(user)
        if self.action == "destroy":
            return abortable_uploads(user)
        return Upload.objects.for_user(user)

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        return super().paginate_queryset(queryset) if services.detect_unreported(page or ()) else page

    def retrieve(self, request: Request, *_: Any, **__: Any) -> Response:
        """The upload as it is now."""
        upload = self.get_object()
        services.detect_unreported([upload])
        return Response(self.get_serializer(upload).data)

    @extend_schema(
        request=shapes.CreateUploadSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={200: shapes.UploadSerializer, 201: shapes.CreatedUploadSerializer},
        examples=[examples.CREATE, examples.CREATED],
    )
    def create(self, request: Request) -> Response:
        """Begin an upload. With `sign: n` the answer carries the first n parts, signed.

        With `resume` an unfinished upload of the same file is given instead: ask what OSS holds of it, and go on.
        """
        asked = shapes.CreateUploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if asked.resumes and (begun := services.unfinished(request.user, asked.wanted())):
            return Response(shapes.UploadSerializer(begun).data)
        upload = services.begin(request.user, asked.wanted(), idempotency_key=_idempotency_key(request))
        return Response(_created(upload, asked.to_sign, shapes.UploadSerializer()), status=status.HTTP_201_CREATED)

    @extend_schema(
        request=shapes.CreateBatchSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={207: shapes.CreatedOrProblem},
        examples=[examples.CREATE_BATCH, examples.BATCH],
    )
    @action(detail=False, methods=["post"], url_path="batch", pagination_class=None, filter_backends=())
    def batch(self, request: Request) -> Response:
        """Begin up to 100 uploads; each is answered by itself."""
        many = shapes.CreateBatchSerializer(data=request.data)
        many.is_valid(raise_exception=True)
        asked = [shapes.CreateUploadSerializer(data=item) for item in many.validated_data["uploads"]]
        good = [each for each in asked if each.is_valid()]
        begun = services.begin_many(
            request.user, [each.wanted() for each in good], idempotency_key=_idempotency_key(request)
        )
        results = dict(zip(map(id, good), begun, strict=True))
        shape = shapes.UploadSerializer()
        return _multi(
            problems.body_of(exceptions.ValidationError(each.errors))
            if (result := results.get(id(each))) is None
            else problems.body_of(result)
            if isinstance(result, UploadError)
            else _created(result, each.to_sign, shape)
            for each in asked
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Abort. Repeatable; 409 once completed."""
        services.abort(self.get_object(), actor=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        request=shapes.SignRequestSerializer,
        responses=shapes.SignedPartsSerializer,
        examples=[examples.SIGN, examples.SIGNED],
    )
    @action(detail=True, methods=["post"], url_path="parts/sign")
    def sign(self, request: Request, **_: Any) -> Response:
        """Signed requests for up to 1,000 parts; `done` is the checkpoint of what has arrived since the last call."""
        upload = self.get_object()
        wanted = shapes.SignRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.record_parts(upload, wanted.finished())
        body = _signed(upload, wanted.requests())
        return Response({**body, "parts_done": upload.parts_done, "bytes_done": upload.bytes_done})

    @extend_schema(
        methods=["GET"],
        parameters=[
            OpenApiParameter("source", str, enum=["oss"], description="Ask OSS, and bring the record in line.")
        ],
        responses=shapes.HeldPartsSerializer,
        examples=[examples.PARTS],
    )
    @extend_schema(
        methods=["POST"],
        request=shapes.CheckpointSerializer,
        responses=shapes.ProgressSerializer,
        examples=[examples.CHECKPOINT, examples.PROGRESS],
    )
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

    @extend_schema(request=None, responses=shapes.CredentialsSerializer, examples=[examples.CREDENTIALS])
    @action(detail=True, methods=["post"])
    def credentials(self, request: Request, **_: Any) -> Response:
        """Temporary credentials, good for the parts of this upload and nothing else."""
        return _lent(services.issue_credentials(self.get_object(), request.user))

    @extend_schema(
        request=shapes.CompleteRequestSerializer,
        responses={200: shapes.UploadSerializer, 202: shapes.UploadSerializer},
        examples=[examples.COMPLETE, examples.COMPLETED],
    )
    @action(detail=True, methods=["post"])
    def complete(self, request: Request, **_: Any) -> Response:
        """Put the parts together. Idempotent; 202 with Retry-After while OSS is still at it."""
        upload = self.get_object()
        wanted = shapes.CompleteRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.record_parts(upload, wanted.finished())
        upload = services.complete(upload, wanted.told(), actor=request.user)
        body = shapes.UploadSerializer(upload).data
        if upload.state == State.COMPLETED:
            return Response(body)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})

    @extend_schema(
        request=shapes.CompleteBatchSerializer,
        responses={207: shapes.CreatedOrProblem},
        examples=[examples.COMPLETE_BATCH, examples.BATCH],
    )
    @action(detail=False, methods=["post"], url_path="batch/complete", pagination_class=None, filter_backends=())
    def complete_batch(self, request: Request) -> Response:
        """Complete up to 100 uploads; each is answered by itself."""
        asked = shapes.CompleteBatchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        items = asked.validated_data["uploads"]
        known = services.find(request.user, [item["id"] for item in items])
        there = {item["id"]: shapes.FinishedUploadSerializer.to_told(item) for item in items if item["id"] in known}
        many = [(known[identifier], told) for identifier, told in there.items()]
        ended = dict(zip(there, services.complete_many(many, actor=request.user), strict=True))
        results = (ended.get(item["id"], problems.NOT_FOUND) for item in items)
        shape = shapes.UploadSerializer()
        return _multi(
            problems.body_of(result) if isinstance(result, UploadError) else shape.to_representation(result)
            for result in results
        )


class CredentialsView(APIView):
    """Credentials for clients that start uploads by themselves."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (BoundedJSONParser,)
    throttle_classes = (ScopeThrottle,)
    throttle_scope = "credentials"

    @extend_schema(
        request=shapes.CredentialsRequestSerializer,
        responses=shapes.CredentialsSerializer,
        examples=[examples.PREFIX_CREDENTIALS],
    )
    def post(self, request: Request) -> Response:
        """Temporary credentials, good for the caller's own prefix of a destination and nothing else."""
        asked = shapes.CredentialsRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return _lent(services.issue_prefix_credentials(request.user, asked.validated_data["destination"]))


class CallbackView(APIView):
    """Where OSS reports an object that is there. Nobody logs in: the signature, a secret and OSS itself decide."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (ScopeThrottle,)
    throttle_scope = "callback"

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        # Not `request.data`: what was signed are the bytes as they came.
        plain = request._request
        if int(plain.META.get("CONTENT_LENGTH") or 0) > MAX_CALLBACK_BYTES:
            raise BodyTooLarge
        target = str(plain.META.get("RAW_URI") or plain.get_full_path())
        headers = {name.lower(): value for name, value in plain.headers.items()}
        upload = services.receive(target, headers, plain.body)
        return Response({"id": str(upload.pk), "state": upload.state})


class TokenView(ObtainAuthToken):
    """A token for clients without a session."""

    throttle_classes = (ScopeThrottle,)
    throttle_scope = "token"


class SchemaView(SpectacularAPIView):
    """OpenAPI: one text for all, in English, whatever the reader's language."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        with translation.override("en"):
            return super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        raise exceptions.ValidationError({"Idempotency-Key": [_("1 to 255 printable ASCII letters, no spaces.")]})
    return key


def _created(upload: Upload, sign: int, shape: shapes.UploadSerializer) -> dict[str, Any]:
    """A new upload, with its first parts signed; one that was begun before may be past that. A hundred share one
    shape: making its fields costs more than filling them."""
    body: dict[str, Any] = shape.to_representation(upload)
    if sign and upload.state == State.UPLOADING:
        last = min(sign, upload.part_count or sign)
        body |= _signed(upload, [PartRequest(number) for number in range(1, last + 1)])
    return body


def _signed(upload: Upload, parts: list[PartRequest]) -> dict[str, Any]:
    now = timezone.now()
    return {"parts": [shapes.signed_part(part) for part in services.sign_parts(upload, parts, now=now)],
            "server_time": now}  # fmt: skip


def _lent(lent: services.ScopedCredentials) -> Response:
    body = shapes.CredentialsSerializer.of(lent, settings.endpoint, settings.region)
    return Response(body, headers={"Cache-Control": "no-store"})


def _multi(results: Any) -> Response:
    return Response({"uploads": list(results)}, status=status.HTTP_207_MULTI_STATUS)
