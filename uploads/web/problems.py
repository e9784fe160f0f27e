"""Errors as answers: RFC 9457 problem details, with a stable `code`, fields, and OSS's code and request id.

Rule: the one place that turns an exception into an answer, and its words into the reader's language. Codes, and what
OSS itself said, stay as they are.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from django.utils.translation import gettext, gettext_noop
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from uploads.domain.errors import NotFoundError, UploadError
from uploads.domain.phrase import Phrase
from uploads.web.parsers import BodyTooLarge

CONTENT_TYPE = "application/problem+json"
NOT_FOUND = NotFoundError(Phrase("There is no such upload, or it is not yours."))
PHRASES = (
    gettext_noop("Bad Request"),
    gettext_noop("Unauthorized"),
    gettext_noop("Forbidden"),
    gettext_noop("Not Found"),
    gettext_noop("Method Not Allowed"),
    gettext_noop("Not Acceptable"),
    gettext_noop("Request Entity Too Large"),
    gettext_noop("Content Too Large"),  # The same, since Python 3.13.
    gettext_noop("Unsupported Media Type"),
    gettext_noop("Too Many Requests"),
)
"""Titles of what DRF itself refuses, as `HTTPStatus` words them."""


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None (a 500) for what nobody foresaw: that is a fault of ours, and is logged."""
    if isinstance(error, Http404):
        error = NOT_FOUND
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()  # Django was first to read the body.
    if isinstance(error, UploadError):
        answer = of_upload_error(error)
    elif isinstance(error, exceptions.APIException):
        answer = of_api_exception(error)
    else:
        return None
    set_rollback()
    return answer


def of_upload_error(error: UploadError) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return answer(body_of(error), headers)


def body_of(error: UploadError | exceptions.APIException) -> dict[str, Any]:
    """The problem itself: alone, or one of many in the answer to a batch."""
    if isinstance(error, exceptions.APIException):
        return _body_of_api_exception(error)
    body: dict[str, Any] = problem(error.status, error.code, said(error.title), said(error.detail))
    if error.errors:
        body["errors"] = said(error.errors)
    if error.oss:
        body["oss"] = error.oss
    return body


def said(words: Any) -> Any:
    """A phrase, and every phrase of lists and fields, in the reader's language."""
    if isinstance(words, Phrase):
        return words.said(gettext)
    if isinstance(words, Mapping):
        return {name: said(value) for name, value in words.items()}
    if isinstance(words, (list, tuple)):
        return [said(value) for value in words]
    return words


def _body_of_api_exception(error: exceptions.APIException) -> dict[str, Any]:
    code, detail, errors = str(error.default_code), error.detail, None
    if isinstance(detail, dict):
        errors = detail
        text = "; ".join(_lines(detail))
    elif isinstance(detail, list):
        text = " ".join(map(str, detail))
    else:
        text = str(detail)
    body = problem(error.status_code, code, gettext(HTTPStatus(error.status_code).phrase), text)
    if errors:
        body["errors"] = errors
    return body


def of_api_exception(error: exceptions.APIException) -> Response:
    """What DRF itself refuses: a malformed body, a missing login, too many requests."""
    headers: dict[str, str] = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait) + 1)
    return answer(body_of(error), headers)


def _lines(detail: Mapping[str, Any], prefix: str = "") -> list[str]:
    """`field: what is wrong` for each field, however deep."""
    lines: list[str] = []
    for name, value in detail.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            lines += _lines(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            for index, item in enumerate(value):
                lines += _lines(item, f"{path}[{index}].") if isinstance(item, Mapping) else []
        else:
            lines.append(f"{path}: {' '.join(map(str, value)) if isinstance(value, list) else value}")
    return lines


def problem(status: int, code: str, title: str, detail: str) -> dict[str, Any]:
    return {"type": f"urn:oss-uploads:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}


def answer(body: dict[str, Any], headers: Mapping[str, str]) -> Response:
    return Response(body, status=body["status"], headers=dict(headers), content_type=CONTENT_TYPE)
