"""Login for clients without a session: `path("api/token/", TokenView.as_view())`, where a project wants it.

It needs `rest_framework.authtoken` in INSTALLED_APPS, and `uploads.web.tokens.PasswordBoundTokenAuthentication` among
the AUTHENTICATION_CLASSES. Nothing else of the app imports this module.
"""

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from uploads.web import logins
from uploads.web.openapi import operation
from uploads.web.parsers import BoundedJSONParser
from uploads.web.tokens import token_of
from uploads.web.views import UploadsAPIView


class LoginSerializer(AuthTokenSerializer):
    """The user name and the password."""

    username = serializers.CharField(write_only=True, max_length=logins.longest_name())
    token = None  # type: ignore[assignment]


class TokenView(UploadsAPIView):
    """Attempts are limited by account and by address, besides the rate of requests."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (BoundedJSONParser, FormParser, MultiPartParser)
    throttle_scope = "token"
    schema_tag = "token"

    @operation(
        logins.LoginsBusy,
        operation_id="uploads_create_token",
        request=LoginSerializer,
        responses=inline_serializer("Token", {"token": serializers.CharField()}),
    )
    def post(self, request: Request) -> Response:
        """Exchange a user name and password for a token, which requests carry as `Authorization: Token …`.

        The token ends when the password changes. 429 with Retry-After after too many wrong passwords.
        """
        body = LoginSerializer(data=request.data, context={"request": request})
        account = request.data.get("username") if hasattr(request.data, "get") else None
        with logins.attempt(request._request, str(account)):
            body.is_valid(raise_exception=True)
        return Response({"token": token_of(body.validated_data["user"])}, headers={"Cache-Control": "no-store"})
