"""The base of every view of the app."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.exceptions import AuthenticationFailed, ParseError, Throttled
from rest_framework.metadata import SimpleMetadata
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from uploads.domain.errors import IssuerUnavailable
from uploads.models import Upload
from uploads.services.transactions import without_atomic_requests
from uploads.web.framework import OWN_SETTINGS, ConfiguredAuthentication, Negotiation, Renderer
from uploads.web.openapi import UploadsSchema
from uploads.web.parsers import BoundedJSONParser
from uploads.web.problems import NOT_FOUND, problem_handler
from uploads.web.request_id import HEADER, logged_as, request_id
from uploads.web.throttles import RefusalThrottle, ScopeThrottle


class UploadsAPIView(APIView):
    """Requires a login, reads bounded JSON, is throttled by the app's own rates, and answers errors with problems.

    Rule: every attribute that Django REST framework would take from the project's settings is set here. The project's
    ATOMIC_REQUESTS does not apply either: OSS is called between two transactions, and what a request has recorded
    stays recorded when it is refused.
    """

    settings = OWN_SETTINGS
    authentication_classes: Any = ConfiguredAuthentication()
    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)
    parser_classes: tuple[Any, ...] = (BoundedJSONParser,)
    renderer_classes = (Renderer,)
    throttle_classes = (ScopeThrottle,)
    content_negotiation_class = Negotiation
    metadata_class = SimpleMetadata
    versioning_class = None
    pagination_class: Any = None
    filter_backends: Any = ()
    schema: Any = UploadsSchema()
    schema_tag = "uploads"

    if not TYPE_CHECKING:  # Views and view sets have different signatures.

        @classmethod
        def as_view(cls, *args, **initkwargs):
            return without_atomic_requests(super().as_view(*args, **initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        identifier = request_id(request)
        with logged_as(identifier):
            answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        if isinstance(answer, HttpResponse):
            answer.headers[HEADER] = identifier
        return answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # PostgreSQL refuses NUL in a text, with an error that is not the client's.
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise ParseError(_("The URL contains a NUL character."))
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Credentials are always examined: who has valid ones is not held up by others behind the same address."""
        try:
            super().perform_authentication(request)
        except (AuthenticationFailed, IssuerUnavailable) as refusal:
            throttle = RefusalThrottle(refusal)
            if not throttle.allow_request(request, self):
                raise Throttled(throttle.wait()) from refusal
            raise

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return problem_handler

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, (Http404, Upload.DoesNotExist)):
            exc = NOT_FOUND  # A row that is deleted during a request, with its user for instance, is unknown.
        return super().handle_exception(exc)
