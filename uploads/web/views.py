"""The base of every view of the app."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from uploads.web.openapi import UploadsSchema
from uploads.web.parsers import BoundedJSONParser
from uploads.web.problems import problem_handler
from uploads.web.request_id import HEADER, logged_as, request_id
from uploads.web.throttles import ScopeThrottle


class UploadsAPIView(APIView):
    """Requires a login, reads bounded JSON, is throttled by the app's own rates, and answers errors with problems.

    The last holds whatever EXCEPTION_HANDLER the host project has set for Django REST framework.
    """

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)
    parser_classes: tuple[Any, ...] = (BoundedJSONParser,)
    throttle_classes = (ScopeThrottle,)
    schema = UploadsSchema()
    schema_tag = "uploads"

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

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return problem_handler
