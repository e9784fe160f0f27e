"""Bearer tokens of an OIDC issuer, for services and pages whose users another system knows.

    UPLOADS = {
        "AUTHENTICATION_CLASSES": ["uploads.web.bearer.BearerAuthentication"],
        "OIDC": {"issuer": "https://login.example.com", "audience": "uploads"},
    }

It needs PyJWT: `pip install oss-uploads[oidc]`. Nothing else of the app imports this module. RFC 6750: Bearer tokens.
"""

import hashlib
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.request import Request

from uploads.conf import settings
from uploads.domain.errors import Forbidden, IssuerUnavailable
from uploads.services.bearer_tokens import TokenRefused, identity_of, user_of
from uploads.web.problems import translated
from uploads.web.throttles import RefusedAlone

SCHEME = "bearer"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <JWT>`. No CSRF token is needed: a browser does not send this header by itself.

    The user gets the rights of the token's roles for this request only (`uploads.web.token_permissions`).
    """

    raises = (Forbidden, IssuerUnavailable)
    """Besides AuthenticationFailed; for the description of the API."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """None without a bearer token. Raises AuthenticationFailed, Forbidden, IssuerUnavailable, ParseError."""
        issuer = settings.oidc
        if issuer is None:
            return None
        if "access_token" in request.query_params:
            raise ParseError(_("A token in the URL is refused: URLs are written to logs."))
        scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != SCHEME:
            return None
        try:
            identity = identity_of(token.strip(), issuer)
        except TokenRefused as error:
            reason = translated(error.reason)
            raise (_alone(reason, token) if error.is_genuine else AuthenticationFailed(reason)) from error
        user = user_of(identity)
        if not user.is_active:
            raise _alone(_("The user of this token is not active."), token)
        # For this request only: the row is not saved.
        user.is_staff = user.is_staff or identity.staff
        user.token_permissions = identity.permissions
        return user, identity

    def authenticate_header(self, request: Request) -> str:
        given = request.META.get("HTTP_AUTHORIZATION", "").lower().startswith(SCHEME)
        return 'Bearer realm="uploads", error="invalid_token"' if given else 'Bearer realm="uploads"'


def _alone(reason: str, token: str) -> RefusedAlone:
    return RefusedAlone(reason, hashlib.sha256(token.encode()).hexdigest())


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names it."""

    target_class = BearerAuthentication
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = "A JSON Web Token of the site's OpenID Connect issuer."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": description}
