"""An API that has its own way in everything that Django REST framework lets one choose."""

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import authentication, exceptions, pagination, renderers, throttling


class Pages(pagination.PageNumberPagination):
    page_size = 3


class Renderer(renderers.JSONRenderer):
    media_type = "application/vnd.shop+json"

    def render(self, data: Any, *arguments: Any, **named: Any) -> bytes:
        return super().render({"shop": data}, *arguments, **named)


class BearerAuthentication(authentication.BaseAuthentication):
    """As one for JWTs: the user is named in a header, and nothing else counts."""

    def authenticate(self, request: Any) -> tuple[Any, None] | None:
        kind, _, name = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return None
        try:
            return get_user_model().objects.get(username=name), None
        except get_user_model().DoesNotExist:
            raise exceptions.AuthenticationFailed from None

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


class NoRequests(throttling.BaseThrottle):
    def allow_request(self, request: Any, view: Any) -> bool:
        return not request.path.startswith("/v1/api/")
