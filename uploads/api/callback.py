"""The URL that OSS calls when an object has been stored.

OSS's manual: https://www.alibabacloud.com/help/en/oss/user-guide/upload-callbacks-12
"""

import re
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.api.fields import StateField
from uploads.domain.errors import CallbackRefused, NotFoundError
from uploads.oss.callback import FORM, JSON
from uploads.web import raised
from uploads.web.openapi import operation
from uploads.web.parsers import BodyTooLarge
from uploads.web.views import UploadsAPIView

MAX_CALLBACK_BYTES = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,12}")
_VARIABLES = {
    "type": "object",
    "properties": {"upload": {"type": "string", "format": "uuid"}, "secret": {"type": "string"}},
    "required": ["upload", "secret"],
    "additionalProperties": {},
}
"""What the body of a callback must hold: the variables that the app gives OSS. A destination may add others."""


class CallbackAnswerSerializer(serializers.Serializer[Any]):
    """What OSS passes on to the client."""

    id = serializers.UUIDField()
    state = StateField()


class CallbackView(UploadsAPIView):
    """Needs no login: the service checks OSS's signature and the upload's secret, and asks OSS for the object."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = ()
    schema_tag = "callback"
    throttle_scope = "callback"

    @operation(
        *raised.COMPLETE,
        CallbackRefused,
        NotFoundError,
        BodyTooLarge,
        operation_id="uploads_callback",
        request={JSON: _VARIABLES, FORM: _VARIABLES},
        responses=CallbackAnswerSerializer,
        parameters=[
            OpenApiParameter("Authorization", str, "header", required=True, description="OSS's signature, in Base64."),
            OpenApiParameter(
                "x-oss-pub-key-url", str, "header", required=True, description="Base64 of the URL of OSS's public key."
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """The upload's id and state, as JSON: OSS passes this answer on to the client."""
        plain = request._request  # Not `request.data`: the signature covers the body's bytes.
        length = str(plain.META.get("CONTENT_LENGTH") or 0)
        if not _LENGTH.fullmatch(length) or int(length) > MAX_CALLBACK_BYTES:
            raise BodyTooLarge
        target = str(plain.META.get("RAW_URI") or plain.get_full_path())
        headers = {name.lower(): value for name, value in plain.headers.items()}
        upload = services.receive(target, headers, plain.body)
        return Response({"id": str(upload.pk), "state": upload.state})
