"""What this project sets for Django REST framework. None of it may be met by the app's views."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.filters import BaseFilterBackend
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle


def require_host(view: object) -> None:
    assert type(view).__module__.startswith("hostile"), f"{view} is not a view of the project"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    require_host(context["view"])
    return Response({"the_hosts": type(error).__name__}, status=418)


class Nobody(BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        raise AuthenticationFailed("by the host")


class Never(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class NotNow(BaseThrottle):
    def allow_request(self, request: Any, view: Any) -> bool:
        return False


class Negotiation(DefaultContentNegotiation):
    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        view = request.parser_context["view"]
        require_host(view)
        return renderers[0], renderers[0].media_type


class Filter(BaseFilterBackend):
    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        require_host(view)
        return queryset


def no_name(view: Any) -> str:
    require_host(view)
    return "host"


def hook(*_: Any, **__: Any) -> Any:
    raise AssertionError("a hook of the project's own schema was called for the app's")


class Bearer(BaseAuthentication):
    """As a class for JSON web tokens: the user that the token names."""

    def authenticate(self, request: Any) -> Any:
        from django.contrib.auth.models import User

        scheme, _, name = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return None
        user = User.objects.filter(username=name).first()
        if user is None:
            raise AuthenticationFailed("There is no such user.")
        return user, name

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"
