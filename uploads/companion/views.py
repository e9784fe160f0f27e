"""Companion's S3 routes, for Uppy's `companionEndpoint` (6) and `endpoint` (5).

Rule: an upload here is an upload like any other: same destinations, owner, limits, history; only the shapes are Uppy's.
Uppy does not say how large a file is before it has sent it, so these begin as streams, and OSS's own list of parts
tells their size.
"""

from dataclasses import replace
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from uploads import services
from uploads.api import serializers as shapes
from uploads.companion import capability
from uploads.domain.errors import InvalidUpload, NotFoundError
from uploads.domain.phrase import Phrase
from uploads.models import Upload
from uploads.oss.limits import MAX_PART_NUMBER
from uploads.oss.signing import PartRequest
from uploads.services import destination_rules
from uploads.web.parsers import BoundedJSONParser
from uploads.web.throttles import ScopeThrottle

MAX_BATCH = 1000


class CompanionURLView(APIView):
    """Where Uppy is to go."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (BoundedJSONParser,)
    throttle_classes = (ScopeThrottle,)
    throttle_scope = "credentials"

    @extend_schema(request=shapes.CredentialsRequestSerializer, responses=shapes.CompanionURLSerializer)
    def post(self, request: Request) -> Response:
        """A base address with the right to upload to this destination in its path."""
        asked = shapes.CredentialsRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        place = destination_rules.destination(asked.validated_data["destination"])
        destination_rules.permit(place, request.user)
        token, end = capability.issue(request.user, place.name)
        url = request.build_absolute_uri(f"{reverse('uppy')}{token}/")
        return Response({"companion_url": url, "expires_at": end}, headers={"Cache-Control": "no-store"})


class CompanionView(APIView):
    """What all of Uppy's routes share: the capability in the path is the login."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (BoundedJSONParser,)
    throttle_classes = (ScopeThrottle,)
    throttle_scope = "sign"
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        found = capability.read(kwargs.pop("token"))
        self.kwargs.pop("token", None)
        if found is None:
            raise NotFoundError(Phrase("This address is not good any more: ask POST /api/uppy/ for a new one."))
        self.capability = found
        request.user = found.user  # type: ignore[assignment]  # DRF knows of one kind of user.
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """A problem as elsewhere; `message` is what Uppy 5 shows of it."""
        answer = super().handle_exception(exc)
        if isinstance(answer.data, dict):
            answer.data["message"] = answer.data.get("detail", "")
        return answer

    def begin(self, filename: Any, kind: Any, metadata: Any, *, in_one: bool) -> Upload:
        asked = shapes.CreateUploadSerializer(
            data={
                "destination": self.capability.destination,
                "filename": filename,
                "size": None,
                "content_type": kind or "",
            }
        )
        asked.is_valid(raise_exception=True)
        place = destination_rules.destination(self.capability.destination)
        # Uppy sends what it knows of the file (name, type) as metadata, asked or not.
        kept = metadata if isinstance(metadata, dict) and "metadata" in place.client_options else {}
        checked = {
            str(name): str(value) for name, value in kept.items() if name not in ("name", "type", "relativePath")
        }
        shapes.CreateUploadSerializer().validate_metadata(checked)
        wanted = asked.wanted()
        return services.begin(self.capability.user, replace(wanted, metadata=checked, in_one=in_one))

    def upload(self, upload_id: str) -> Upload:
        """The user's own, of this destination."""
        mine = Upload.objects.for_user(self.capability.user).filter(destination=self.capability.destination)
        found = mine.filter(upload_id=upload_id, key=self.request.query_params.get("key", "")).first()
        if found is None:
            raise NotFoundError(Phrase("There is no such upload, or it is not yours."))
        return found


class ParamsView(CompanionView):
    def get(self, request: Request) -> Response:
        """One form for a file that goes in one request."""
        given = request.query_params
        metadata = {name[9:-1]: value for name, value in given.items() if name.startswith("metadata[")}
        upload = self.begin(given.get("filename"), given.get("type"), metadata, in_one=True)
        (part,) = services.sign_parts(upload, [PartRequest(1)])
        return Response({"method": part.method, "url": part.url, "fields": part.fields, "expires": _seconds_left(part)})


class MultipartView(CompanionView):
    def post(self, request: Request) -> Response:
        data = request.data if isinstance(request.data, dict) else {}
        upload = self.begin(data.get("filename"), data.get("type"), data.get("metadata"), in_one=False)
        return Response({"key": upload.key, "uploadId": upload.upload_id, "bucket": upload.bucket})


class UploadView(CompanionView):
    def get(self, request: Request, upload_id: str) -> Response:
        """The parts that OSS holds."""
        held = services.synchronize_parts(self.upload(upload_id))
        return Response([{"PartNumber": p.number, "ETag": f'"{p.etag}"', "Size": p.size} for p in held])

    def delete(self, request: Request, upload_id: str) -> Response:
        services.abort(self.upload(upload_id), actor=self.capability.user)
        return Response({})


class PartView(CompanionView):
    def get(self, request: Request, upload_id: str, number: int) -> Response:
        """`type`: Uppy 5 sends a file of one part with its type, and what is sent is signed."""
        kind = shapes.CreateUploadSerializer().validate_content_type(request.query_params.get("type", ""))
        asked = PartRequest(number, content_type=kind or None)
        (part,) = services.sign_parts(self.upload(upload_id), [asked])
        return Response({"url": part.url, "headers": part.headers, "expires": _seconds_left(part)})


class BatchView(CompanionView):
    def get(self, request: Request, upload_id: str) -> Response:
        """Older Uppys ask for several at once."""
        texts = [text for text in request.query_params.get("partNumbers", "").split(",") if text]
        if not texts or len(texts) > MAX_BATCH or not all(_is_number(text) for text in texts):
            raise exceptions.ValidationError({"partNumbers": [_("Up to 1,000 part numbers, separated by commas.")]})
        signed = services.sign_parts(self.upload(upload_id), [PartRequest(int(text)) for text in texts])
        return Response({"presignedUrls": {str(part.number): part.url for part in signed}})


class CompleteView(CompanionView):
    throttle_scope = "complete"

    def post(self, request: Request, upload_id: str) -> Response:
        """With the parts that Uppy has sent; OSS's own list must hold them all."""
        parts = _parts(request.data)
        upload = services.complete(
            self.upload(upload_id), services.ClientReport(parts=parts), actor=self.capability.user
        )
        return Response({"location": upload.location, "key": upload.key, "bucket": upload.bucket})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MAX_PART_NUMBER


def _parts(data: Any) -> dict[int, str]:
    """`{parts: [{PartNumber, ETag}]}` as number → ETag without quotes."""
    listed = data.get("parts") if isinstance(data, dict) else None
    wrong = InvalidUpload(
        Phrase("parts: a list of {PartNumber, ETag}."), errors={"parts": [Phrase("A list of {PartNumber, ETag}.")]}
    )
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_PART_NUMBER:
        raise wrong
    parts: dict[int, str] = {}
    for item in listed:
        number, etag = (item.get("PartNumber"), item.get("ETag")) if isinstance(item, dict) else (None, None)
        if type(number) is not int or not 1 <= number <= MAX_PART_NUMBER or not isinstance(etag, str):
            raise wrong
        parts[number] = etag.strip('"').upper()
    return parts


def _seconds_left(part: services.SignedPart) -> int:
    return int((part.expires_at - timezone.now()).total_seconds())
