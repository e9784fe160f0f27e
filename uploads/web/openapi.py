"""The OpenAPI description of the app's views: what drf-spectacular finds, and every problem that they answer.

Rule: a problem's schema is made from the class of its error. A view's method names the errors of its use case with
`operation`; `UploadsSchema` adds those that authentication, permissions, throttles and parsers raise. The tests
compare every answer of the API with this description.
"""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings as django_settings
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import SAFE_METHODS, AllowAny, IsAuthenticated

from uploads.domain.errors import CsrfFailed, DatabaseUnavailable, InternalError, NotFoundError, UploadError
from uploads.web import problem_schema
from uploads.web.parsers import BodyTooLarge
from uploads.web.problem_schema import ErrorKind, Json
from uploads.web.request_id import HEADER as REQUEST_ID
from uploads.web.requests import StrictSerializer
from uploads.web.throttles import scope_of

Method = TypeVar("Method", bound=Callable[..., Any])


def operation(*errors: ErrorKind, **documentation: Any) -> Callable[[Method], Method]:
    """Describe a method of a view. `errors`: what its use case raises.

    `documentation` is for drf-spectacular's `extend_schema`. Unlike that decorator this one does not depend on the
    DEFAULT_SCHEMA_CLASS of the host project.
    """
    methods = documentation.get("methods")

    def describe(method: Method) -> Method:
        plain: Any = method
        plain.kwargs = {"schema": UploadsSchema, **getattr(method, "kwargs", {})}
        extend_schema(**documentation)(plain)

        base: Any = plain.kwargs["schema"]

        class Described(base):  # type: ignore[misc]
            def own_errors(self) -> tuple[ErrorKind, ...]:
                inherited: tuple[ErrorKind, ...] = super().own_errors()
                return inherited if methods and self.method not in methods else (*inherited, *errors)

        plain.kwargs["schema"] = Described
        return method

    return describe


class UploadsSchema(AutoSchema):
    """How one view is described. The view names its tag in `schema_tag`."""

    def own_errors(self) -> tuple[ErrorKind, ...]:
        """The errors that `operation` names for this method."""
        return ()

    def get_tags(self) -> list[str]:
        view: Any = self.view
        return [view.schema_tag]

    def get_operation(self, *args: Any, **kwargs: Any) -> Json | None:
        described: Json | None = super().get_operation(*args, **kwargs)
        if described is None:
            return None
        described.setdefault("parameters", []).append(REQUEST_ID_PARAMETER)
        by_status: dict[int, list[ErrorKind]] = {}
        for kind in self._errors(described):
            by_status.setdefault(self._status(kind), []).append(kind)
        responses = described["responses"]
        responses |= {str(status): self._problem_response(by_status[status]) for status in sorted(by_status)}
        for status, response in responses.items():
            added = _headers(int(status), by_status.get(int(status), ()))
            response["headers"] = {**response.get("headers", {}), **added}
            response["description"] = response["description"] or HTTPStatus(int(status)).phrase
        return described

    def get_auth(self) -> list[Json]:
        """A session needs the CSRF token beside its cookie, except where nothing is changed."""
        found: list[Json] = super().get_auth()
        if not self._needs_csrf_token():
            return found
        header = django_settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-").title()
        description = "Django's CSRF token, which a session needs."
        definition = {"type": "apiKey", "in": "header", "name": header, "description": description}
        problem_schema.register(self.registry, "csrfToken", definition, ResolvedComponent.SECURITY_SCHEMA)
        return [{**one, "csrfToken": []} if "cookieAuth" in one else one for one in found]

    def _needs_csrf_token(self) -> bool:
        is_session = (isinstance(one, SessionAuthentication) for one in self.view.get_authenticators())
        return self.method not in SAFE_METHODS and any(is_session)

    def _errors(self, described: Json) -> Iterator[ErrorKind]:
        """Every error that this operation may raise."""
        view = self.view
        yield from (exceptions.ParseError, exceptions.NotAcceptable, InternalError, DatabaseUnavailable)
        for one in view.get_authenticators():
            yield from (exceptions.AuthenticationFailed, exceptions.Throttled)
            yield from getattr(one, "raises", ())
        rules = {type(rule) for rule in view.get_permissions()}
        if AllowAny not in rules:
            yield exceptions.NotAuthenticated
        if rules - {AllowAny, IsAuthenticated}:
            yield exceptions.PermissionDenied
        if self._needs_csrf_token():
            yield CsrfFailed
        if scope_of(view):
            yield exceptions.Throttled
        if "{" in self.path:
            yield NotFoundError
        if "requestBody" in described and view.get_parsers():
            yield from (exceptions.ValidationError, exceptions.UnsupportedMediaType, BodyTooLarge)
        yield from self.own_errors()

    def _status(self, kind: ErrorKind) -> int:
        """Without an authentication that challenges, Django REST framework answers 403 instead of 401."""
        if issubclass(kind, UploadError):
            return kind.status
        is_login = issubclass(kind, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed))
        if is_login and not self.view.get_authenticate_header(self.view.request):
            return HTTPStatus.FORBIDDEN
        return kind.status_code

    def _problem_response(self, kinds: Iterable[ErrorKind]) -> Json:
        codes = problem_schema.codes_of(kinds)
        schema = problem_schema.one_of(self.registry, codes)
        description = "; ".join(f"`{code}`: {problem_schema.title_of(code)}" for code in codes)
        return {"description": description, "content": {problem_schema.MEDIA_TYPE: {"schema": schema}}}


# Headers


def _header(description: str, kind: str = "string", **more: Any) -> Json:
    return {"description": description, "schema": {"type": kind}, **more}


REQUEST_ID_PARAMETER = {
    "in": "header",
    "name": REQUEST_ID,
    "schema": {"type": "string"},
    "description": "An id for this request, of 8 to 64 letters, digits, dots, hyphens and underscores.",
}


def _headers(status: int, kinds: Iterable[ErrorKind]) -> Json:
    """The headers of a response with this status."""
    found = {REQUEST_ID: _header("The id of the request, which is also in the log.", required=True)}
    if status == HTTPStatus.ACCEPTED or any(map(_may_be_repeated, kinds)):
        found["Retry-After"] = _header("Seconds after which to repeat the request.", "integer")
    if status == HTTPStatus.UNAUTHORIZED:
        found["WWW-Authenticate"] = _header("How to log in.", required=True)
    return found


def _may_be_repeated(kind: ErrorKind) -> bool:
    if issubclass(kind, UploadError):
        return kind.retryable
    return issubclass(kind, exceptions.Throttled) or hasattr(kind, "wait")


# Serializers and fields of the app


class StrictSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Unknown fields of a request are refused."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Json:
        own: Any = auto_schema
        found: Json = own._map_serializer(self.target, direction, bypass_extensions=True)
        return {**found, "additionalProperties": False}


class ResultsField(serializers.ListField):
    """A list with the result of each item, in the order of the request: what `serializer` shows, or a problem."""

    def __init__(self, serializer: type[serializers.BaseSerializer[Any]], name: str, *errors: ErrorKind) -> None:
        super().__init__(child=serializers.DictField(), read_only=True)
        self.serializer, self.name, self.errors = serializer, name, errors


class ResultsFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes a `ResultsField`. The component `name` is one result."""

    target_class = ResultsField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Json:
        field = self.target
        codes = problem_schema.codes_of([*field.errors, exceptions.ValidationError])
        shown = auto_schema.resolve_serializer(field.serializer, direction).ref
        problems = problem_schema.references(auto_schema.registry, codes).values()
        result = {"oneOf": [shown, *problems], "description": "A problem has a `code`."}
        return {"type": "array", "items": problem_schema.register(auto_schema.registry, field.name, result)}
