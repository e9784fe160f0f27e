"""The CSRF token, for pages that cannot read it from a cookie or whose token is of an earlier login."""

from django.middleware.csrf import get_token
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from uploads.csrf import header_name
from uploads.web.openapi import operation
from uploads.web.views import UploadsAPIView


class CsrfView(UploadsAPIView):
    """Sets the cookie too, where the settings keep the secret in one.

    Pages of other origins can read the answer only if the site's CORS rules allow them to, with credentials.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema_tag = "csrf"

    @operation(
        operation_id="uploads_csrf_token",
        responses=inline_serializer("Csrf", {"token": serializers.CharField(), "header": serializers.CharField()}),
    )
    def get(self, request: Request) -> Response:
        """The CSRF token of the session or the browser, and the name of the header that carries it."""
        body = {"token": get_token(request._request), "header": header_name()}
        return Response(body, headers={"Cache-Control": "no-store"})
