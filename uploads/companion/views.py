"""Companion's S3 routes, for Uppy's `companionEndpoint` (6) and `endpoint` (5).

Rule: these uploads have the same destinations, owners, limits and history as any other; only the shapes are Uppy's.
Uppy does not send a file's size, so they begin as streams, and the list of parts at OSS gives the size. It does not
send the size of a part either: a URL takes any size, and the next one is signed only while the parts at OSS are not
larger than the destination allows.

The routes and shapes are those of @uppy/companion, src/server/controllers/s3.js.
"""

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.companion import capability, requests, responses
from uploads.domain.errors import NotFoundError, NotOffered
from uploads.domain.phrase import Phrase
from uploads.models import Upload
from uploads.oss.signing import PartRequest
from uploads.services import destination_rules
from uploads.web import raised
from uploads.web.openapi import operation
from uploads.web.redaction import hide_capability
from uploads.web.requests import DestinationSerializer
from uploads.web.views import UploadsAPIView


class CompanionURLView(UploadsAPIView):
    """Companion URLs."""

    throttle_scope = "credentials"
    schema_tag = "companion"

    @operation(
        *raised.PERMIT,
        operation_id="uploads_create_companion_url",
        request=DestinationSerializer,
        responses={200: responses.CompanionURLSerializer},
    )
    def post(self, request: Request) -> Response:
        """Issue a Companion URL: whoever has it can upload to this destination as this user, for 24 hours.

        400 for an unknown destination, 403 if the user may not upload to it.
        """
        body = DestinationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        place = destination_rules.get_destination(body.validated_data["destination"])
        destination_rules.permit(place, request.user)
        token, expires_at = capability.issue(request.user, place.name)
        url = request.build_absolute_uri(f"{request.path}{token}/")
        return Response({"companion_url": url, "expires_at": expires_at}, headers={"Cache-Control": "no-store"})

    @operation(operation_id="uploads_revoke_companion_urls", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke all Companion URLs that the caller was issued until now. A change of the password does the same."""
        capability.revoke(request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CompanionView(UploadsAPIView):
    """The base of Companion's routes. The token in the path takes the place of a login."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "sign"
    schema_tag = "companion"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        hide_capability(request)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        found = capability.read(kwargs.pop("token"))
        self.kwargs.pop("token", None)
        if found is None:
            raise NotFoundError(Phrase("This Companion URL has expired. Request a new one with POST /api/uppy/."))
        self.capability = found
        request.user = found.user  # type: ignore[assignment]  # DRF knows of one kind of user.
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """A problem as elsewhere, with `message` for Uppy 5, which shows nothing else of it."""
        answer = super().handle_exception(exc)
        if isinstance(answer.data, dict):
            answer.data["message"] = answer.data.get("detail", "")
        return answer

    def begin(self, data: Any, metadata: Any, *, in_one: bool) -> Upload:
        """Begin an upload of the file that `data` names. Metadata that the destination does not allow is ignored."""
        place = destination_rules.get_destination(self.capability.destination)
        allowed = metadata if "metadata" in place.client_options else None
        return services.begin(self.capability.user, requests.upload_request(place.name, data, allowed, in_one=in_one))

    def upload(self, upload_id: str) -> Upload:
        """The user's upload in this destination by OSS's upload id and `key` in the query. Raises Http404."""
        own = Upload.objects.for_user(self.capability.user).filter(destination=self.capability.destination)
        return get_object_or_404(own, upload_id=upload_id, key=self.request.query_params.get("key", ""))


class ParamsView(CompanionView):
    @operation(NotOffered, operation_id="uploads_companion_params", responses={})
    def get(self, request: Request) -> Response:
        """Refused: Uppy asks for a form with GET, and a GET, which any link can cause, must not begin an upload."""
        raise NotOffered(
            Phrase("This backend takes every file in parts. Set shouldUseMultipart: true, as uppyOptions() does.")
        )


class UnknownRouteView(CompanionView):
    """Without this view Django would log the path of an unknown route, with the capability in it."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFoundError(Phrase("There is no such route."))


class MultipartView(CompanionView):
    @operation(
        *raised.BEGIN,
        operation_id="uploads_companion_create",
        request=responses.CompanionFileSerializer,
        responses={200: responses.CompanionUploadSerializer},
    )
    def post(self, request: Request) -> Response:
        """Begin a multipart upload."""
        data = request.data if isinstance(request.data, dict) else {}
        upload = self.begin(data, requests.sent_metadata(data), in_one=False)
        return Response({"key": upload.key, "uploadId": upload.upload_id, "bucket": upload.bucket})


class UploadView(CompanionView):
    @operation(
        *raised.COMPLETE,
        operation_id="uploads_companion_list_parts",
        parameters=[responses.KEY],
        responses=responses.CompanionPartSerializer(many=True),
    )
    def get(self, request: Request, upload_id: str) -> Response:
        """The parts that OSS holds; sizes in bytes."""
        held = services.synchronize_parts(self.upload(upload_id))
        return Response([{"PartNumber": p.number, "ETag": f'"{p.etag}"', "Size": p.size} for p in held])

    @operation(
        *raised.ABORT,
        operation_id="uploads_companion_abort",
        parameters=[responses.KEY],
        responses={200: responses.NO_CONTENT},
    )
    def delete(self, request: Request, upload_id: str) -> Response:
        """Abort the upload."""
        services.abort(self.upload(upload_id), actor=self.capability.user)
        return Response({})


class PartView(CompanionView):
    @operation(
        *raised.SIGN,
        operation_id="uploads_companion_sign_part",
        parameters=[responses.KEY, responses.TYPE],
        responses=responses.CompanionSignedPartSerializer,
    )
    def get(self, request: Request, upload_id: str, number: int) -> Response:
        """A presigned URL for one part; `expires` in seconds."""
        query = requests.PartQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = PartRequest(number, content_type=query.validated_data.get("type") or None)
        upload = self.upload(upload_id)
        (part,) = services.sign_parts(upload, [wanted], user=self.capability.user, bind_sizes=False)
        return Response({"url": part.url, "headers": part.headers, "expires": _seconds_left(part, upload)})


class BatchView(CompanionView):
    @operation(
        *raised.SIGN,
        operation_id="uploads_companion_sign_parts",
        parameters=[responses.KEY, responses.PART_NUMBERS],
        responses=responses.CompanionSignedPartsSerializer,
    )
    def get(self, request: Request, upload_id: str) -> Response:
        """Presigned URLs for several parts, as older versions of Uppy request them."""
        numbers = requests.part_numbers(request.query_params.get("partNumbers", ""))
        wanted = [PartRequest(number) for number in numbers]
        signed = services.sign_parts(self.upload(upload_id), wanted, user=self.capability.user, bind_sizes=False)
        return Response({"presignedUrls": {str(part.number): part.url for part in signed}})


class CompleteView(CompanionView):
    throttle_scope = "complete"

    @operation(
        *raised.COMPLETE,
        operation_id="uploads_companion_complete",
        parameters=[responses.KEY],
        request=responses.CompanionSentPartsSerializer,
        responses={200: responses.CompanionCompletedSerializer},
    )
    def post(self, request: Request, upload_id: str) -> Response:
        """Complete the upload with the parts that Uppy has sent; OSS must hold exactly these."""
        report = services.ClientReport(parts=requests.listed_parts(request.data))
        upload = services.complete(self.upload(upload_id), report, actor=self.capability.user)
        return Response({"location": upload.location, "key": upload.key, "bucket": upload.bucket})


def _seconds_left(part: services.SignedPart, upload: Upload) -> int:
    return int((part.expires_at - services.oss_now(upload)).total_seconds())
