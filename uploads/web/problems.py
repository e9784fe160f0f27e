"""Turns errors into answers: problem details (RFC 9457) with a stable `code`, errors by field, and OSS's error code.

Rule: this is the only place that does so, and the only one that translates an error for the reader. The `code` and what
OSS itself said are not translated.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.log import log_response
from django.utils.translation import gettext, gettext_noop
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from uploads.domain.errors import CsrfFailed, DatabaseUnavailable, InternalError, NotFoundError, UploadError
from uploads.domain.phrase import Phrase
from uploads.web.parsers import BodyTooLarge
from uploads.web.request_id import HEADER, request_id

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
DATABASE_RETRY_SECONDS = 5
DATABASE_AWAY = (OperationalError, InterfaceError)
NOT_FOUND = NotFoundError(Phrase("There is no such upload, or it is not yours."))
CSRF_FAILED = "CSRF Failed: "
"""How Django REST framework's SessionAuthentication begins its refusal; it has no code of its own."""
STATUS_TITLES = (
    gettext_noop("Bad Request"),
    gettext_noop("Unauthorized"),
    gettext_noop("Forbidden"),
    gettext_noop("Not Found"),
    gettext_noop("Method Not Allowed"),
    gettext_noop("Not Acceptable"),
    gettext_noop("Request Entity Too Large"),
    gettext_noop("Content Too Large"),  # The same status, as Python 3.13 and later call it.
    gettext_noop("Unsupported Media Type"),
    gettext_noop("Too Many Requests"),
    gettext_noop("Internal Server Error"),
    gettext_noop("Service Unavailable"),
)
"""Titles of the errors that Django REST framework raises, from `HTTPStatus`; listed here for the translators."""


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """The exception handler of the app's views: the answer to any error.

    An unexpected one is answered with 500 and the request's id, also with DEBUG, because clients of the API read
    problems and no pages. It is logged once, with its traceback, by Django's logger `django.request`, which mails
    it to the administrators, and announced by Django's signal `got_request_exception`. With Django's
    DEBUG_PROPAGATE_EXCEPTIONS it is raised again instead.
    """
    plain: HttpRequest = getattr(context["request"], "_request", context["request"])
    told = _told(error, plain)
    body = problem(told)
    answer = Response(body, status=body["status"], headers=_headers(told), content_type=CONTENT_TYPE)
    if isinstance(told, InternalError) and told is not error:
        if settings.DEBUG_PROPAGATE_EXCEPTIONS:
            raise error
        got_request_exception.send(sender=problem_handler, request=plain)
        log_response("%s: %s", answer.reason_phrase, plain.path, response=answer, request=plain, exception=error)
    return answer


def _told(error: Exception, request: HttpRequest) -> UploadError | exceptions.APIException:
    """The error as the client is told of it."""
    if isinstance(error, exceptions.PermissionDenied) and str(error.detail).startswith(CSRF_FAILED):
        reason = str(error.detail).removeprefix(CSRF_FAILED)
        return CsrfFailed(Phrase("The request has no valid CSRF token: {reason}", reason=reason))
    if isinstance(error, (UploadError, exceptions.APIException)):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge()  # Django read the body before the parser did.
    identifier = request_id(request)
    if isinstance(error, DATABASE_AWAY):
        logger.error("The database is not available: %s", error, extra={"request_id": identifier})
        return DatabaseUnavailable(
            Phrase("The database is not available. Nothing is lost; try again."), retry_after=DATABASE_RETRY_SECONDS
        )
    if is_cache_away(error):
        logger.error("The cache is not available: %s", error, extra={"request_id": identifier})
        return DatabaseUnavailable(
            Phrase("The site's cache is not available. Nothing is lost; try again."), retry_after=DATABASE_RETRY_SECONDS
        )
    return InternalError(Phrase("The server made an error. Its log has the details under {id}.", id=identifier))


def is_cache_away(error: BaseException | None) -> bool:
    """Whether Redis does not answer. Django's cache raises what its client raises, which need not be installed."""
    client = sys.modules.get("redis.exceptions")
    return client is not None and isinstance(error, (client.ConnectionError, client.TimeoutError))


def problem(error: UploadError | exceptions.APIException) -> dict[str, Any]:
    """The problem details of an error, in the active language; also for one item in the answer to a batch."""
    if isinstance(error, UploadError):
        return _upload_problem(error)
    return _framework_problem(error)


def plain_problem(request: HttpRequest, status: int, code: str, detail: str) -> JsonResponse:
    """A problem for an error that no view of the app has seen, with the request's id."""
    body = _body(status, code, gettext(HTTPStatus(status).phrase), detail)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers={HEADER: request_id(request)})


def translated(value: Any) -> Any:
    """The value in the active language: a phrase, or a list or mapping with phrases in it."""
    if isinstance(value, Phrase):
        return value.translated(gettext)
    if isinstance(value, Mapping):
        return {name: translated(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [translated(item) for item in value]
    return value


def _upload_problem(error: UploadError) -> dict[str, Any]:
    body = _body(error.status, error.code, translated(error.title), translated(error.detail))
    if error.errors:
        body["errors"] = translated(error.errors)
    if error.oss:
        body["oss"] = translated(error.oss)
    if error.sizes:
        body["sizes"] = error.sizes
    return body


def _framework_problem(error: exceptions.APIException) -> dict[str, Any]:
    """For a malformed body, a missing login, too many requests.

    Only a ValidationError has errors by field. Other errors of libraries may have a mapping with a `detail` for people.
    """
    detail: Any = _own_names(error.detail)
    if isinstance(detail, Mapping) and "detail" in detail and not isinstance(error, exceptions.ValidationError):
        detail = detail["detail"]
    if isinstance(detail, Mapping):
        text = "; ".join(_field_errors(detail))
    elif isinstance(detail, list):
        text = " ".join(map(str, detail))
    else:
        text = str(detail)
    body = _body(error.status_code, str(error.default_code), _status_title(error.status_code), text)
    return {**body, "errors": detail} if isinstance(detail, Mapping) and detail else body


def _status_title(status: int) -> str:
    """HTTP's words for the status. A class of authentication may answer with one that HTTP does not know."""
    try:
        return gettext(HTTPStatus(status).phrase)
    except ValueError:
        return gettext("Error")


def _own_names(detail: Any) -> Any:
    """The errors with `non_field_errors` for what the project's NON_FIELD_ERRORS_KEY names."""
    if isinstance(detail, Mapping):
        key = api_settings.NON_FIELD_ERRORS_KEY
        return {"non_field_errors" if name == key else name: _own_names(value) for name, value in detail.items()}
    return [_own_names(value) for value in detail] if isinstance(detail, list) else detail


def _field_errors(detail: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """`field: message` for each field, also of nested serializers."""
    for name, value in detail.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _field_errors(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for index, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield from _field_errors(item, f"{path}[{index}].")
        else:
            yield f"{path}: {' '.join(map(str, value)) if isinstance(value, list) else value}"


def _body(status: int, code: str, title: str, detail: str) -> dict[str, Any]:
    return {"type": f"urn:oss-uploads:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}


def _headers(error: UploadError | exceptions.APIException) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, UploadError):
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        return headers
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    return headers
