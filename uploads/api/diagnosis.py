"""Why a page cannot reach OSS."""

import re
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api import examples
from uploads.domain.diagnosis import Diagnosis, Verdict
from uploads.domain.errors import InvalidUpload, UploadGone, WrongState
from uploads.models import Upload
from uploads.web import problems
from uploads.web.json_fields import BoundedListField, NumberField, TextField
from uploads.web.openapi import operation
from uploads.web.requests import StrictSerializer

_ORIGIN = re.compile(r"https?://[\w.\-\[\]:]{1,255}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
MAX_HEADERS = 20


class DiagnoseSerializer(StrictSerializer):
    """The request that fails."""

    headers = BoundedListField(
        child=TextField(),
        max_length=MAX_HEADERS,
        required=False,
        help_text="Names of the headers that the page sends to OSS.",
    )

    address = NumberField(
        default=0, min_value=0, help_text="Index of the address that the page used, among the upload's `addresses`."
    )

    def validate_headers(self, value: list[str]) -> list[str]:
        if not all(_HEADER.fullmatch(name) for name in value):
            raise serializers.ValidationError(_("Enter names of HTTP headers."))
        return [name.lower() for name in value]


@extend_schema_field(
    {"type": "string", "enum": [verdict.value for verdict in Verdict]}, component_name="DiagnosisVerdict"
)
class VerdictField(serializers.CharField):
    """What the backend found."""


class DiagnosisSerializer(serializers.Serializer[Any]):
    """Why the page cannot reach OSS, in the reader's language."""

    verdict = VerdictField(
        help_text="`refused`: OSS refuses the request. `cors`: the bucket's CORS rules do not allow the page. "
        "`unreachable`: the backend does not reach OSS. `unknown`: it reaches OSS by its own address only, where OSS "
        "allows the page. `reachable`: OSS serves the backend at the page's address and allows the page, so that "
        "something between the page and OSS blocks it."
    )
    code = serializers.CharField(help_text="OSS's error code, or a code of the backend's.")
    title = serializers.CharField()
    detail = serializers.CharField(help_text="What users are told.")
    cure = serializers.CharField(help_text="What an administrator should do.")
    link = serializers.CharField(help_text="The vendor's page about the error; empty without one.")
    request_id = serializers.CharField(help_text="OSS's id of the backend's request; empty without an answer.")
    retryable = serializers.BooleanField(help_text="Whether the page should go on trying.")


class DiagnosisActions(viewsets.GenericViewSet[Upload]):
    """The action of an upload whose bytes do not reach OSS."""

    @operation(
        InvalidUpload,
        WrongState,
        UploadGone,
        operation_id="uploads_diagnose",
        request=DiagnoseSerializer,
        responses=DiagnosisSerializer,
        examples=[examples.DIAGNOSIS],
    )
    @action(detail=True, methods=["post"])
    def diagnose(self, request: Request, **_: Any) -> Response:
        """Find out why the page's requests to OSS get no readable answer.

        The backend sends a harmless request and a CORS preflight to the address that browsers use, with the page's
        origin. 400 for an address that the upload does not have, 409 if the upload is not `uploading`, 410 if OSS no
        longer has it.
        """
        upload = self.get_object()
        body = DiagnoseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        found = services.diagnose(upload, _origin_of(request), given.get("headers", ()), number=given["address"])
        return Response(DiagnosisSerializer(_translated(found)).data)


def _origin_of(request: Request) -> str:
    """The page's origin, which browsers send with every POST; the site's own for other clients."""
    given = request.headers.get("Origin", "")
    return given if _ORIGIN.fullmatch(given) else f"{request.scheme}://{request.get_host()}"


def _translated(found: Diagnosis) -> dict[str, Any]:
    texts = {"title": found.title, "detail": found.detail, "cure": found.cure}
    rest = {"verdict": found.verdict.value, "code": found.code, "link": found.link}
    return {**problems.translated(texts), **rest, "request_id": found.request_id, "retryable": found.retryable}
