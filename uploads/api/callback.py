"""The URL that OSS calls when an object has been stored.

OSS's manual: https://www.alibabacloud.com/help/en/oss/user-guide/upload-callbacks-12
"""

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from uploads import services
from uploads.web.parsers import BodyTooLarge
from uploads.web.schema import extend_schema
from uploads.web.views import UploadsAPIView

MAX_CALLBACK_BYTES = 64 * 1024


class CallbackView(UploadsAPIView):
    """Needs no login: the service checks OSS's signature and the upload's secret, and asks OSS for the object."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "callback"

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """The upload's id and state, as JSON: OSS passes this answer on to the client."""
        plain = request._request  # Not `request.data`: the signature covers the body's bytes.
        length = str(plain.META.get("CONTENT_LENGTH") or 0)
        if not length.isdigit() or int(length) > MAX_CALLBACK_BYTES:
            raise BodyTooLarge
        target = str(plain.META.get("RAW_URI") or plain.get_full_path())
        headers = {name.lower(): value for name, value in plain.headers.items()}
        upload = services.receive(target, headers, plain.body)
        return Response({"id": str(upload.pk), "state": upload.state})
