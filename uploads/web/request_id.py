"""The id of a request: in the answer's header X-Request-ID, and in every line that is logged about the request.

The client's own id is taken where it is well-formed, so that one id leads through the logs of a proxy and of the site.
"""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest

HEADER = "X-Request-ID"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("uploads_request_id", default="")


def request_id(request: HttpRequest) -> str:
    """The id of this request: the one that the client sent, else a new one. The same at each call."""
    known: str | None = getattr(request, "uploads_request_id", None)
    if known is None:
        given = request.headers.get(HEADER, "")
        known = given if _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex
        request.uploads_request_id = known  # type: ignore[attr-defined]
    return known


class RequestIdFilter(logging.Filter):
    """Gives each log record the field `request_id`; empty outside of requests to the API.

    Set it as a filter of a handler, so that it sees the records of all loggers.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request: Any = getattr(record, "request", None)
        known = getattr(request, "uploads_request_id", "") or _current.get()
        record.request_id = known or getattr(record, "request_id", "")
        return True


@contextmanager
def logged_as(identifier: str) -> Iterator[None]:
    """Inside it, the log records of this thread carry this request id."""
    token = _current.set(identifier)
    try:
        yield
    finally:
        _current.reset(token)
