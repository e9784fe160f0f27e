"""Answers to errors outside of the API's views: problems below /api/, pages elsewhere.

Django calls these for an unknown route, a refused Host header, or an error in a middleware. The app's own views answer
their errors themselves.
"""

import sys

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import defaults

from uploads.web.problems import DATABASE_AWAY, DATABASE_RETRY_SECONDS, is_cache_away, plain_problem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return plain_problem(request, 400, "bad_request", _("The request is malformed."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.permission_denied(request, exception)
    return plain_problem(request, 403, "permission_denied", _("You are not allowed to do this."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return plain_problem(request, 404, "not_found", _("There is no such route."))


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]  # Django calls this while it handles the exception.
    if isinstance(error, DATABASE_AWAY):
        return _unavailable(request, _("The database is not available. Nothing is lost; try again."))
    if is_cache_away(error):
        return _unavailable(request, _("The site's cache is not available. Nothing is lost; try again."))
    if not _is_api(request):
        return defaults.server_error(request)
    return plain_problem(request, 500, "internal_error", _("The server made an error."))


def _unavailable(request: HttpRequest, detail: str) -> HttpResponse:
    if _is_api(request):
        answer: HttpResponse = plain_problem(request, 503, "database_unavailable", detail)
    else:
        answer = HttpResponse(detail, status=503, content_type="text/plain; charset=utf-8")
    answer.headers["Retry-After"] = str(DATABASE_RETRY_SECONDS)
    return answer


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
