"""Keeps Companion capabilities out of logs: a Companion URL is as good as a login.

Companion's views hide it from everything that Django logs about a request. What a server logs by itself (`runserver`,
an access log of gunicorn) goes through `RedactionFilter`, which the standalone site sets on its handler.
"""

import logging
import re

from django.http import HttpRequest

_CAPABILITY = re.compile(r"(/uppy/)[^/\s?\"']+")
HIDDEN = "[redacted]"


def redacted(text: str) -> str:
    """The text with `[redacted]` in the place of each capability in a path."""
    return _CAPABILITY.sub(rf"\1{HIDDEN}", text)


def hide_capability(request: HttpRequest) -> None:
    """Replaces the capability in the request's path, which Django logs and mails to administrators."""
    request.path, request.path_info = redacted(request.path), redacted(request.path_info)
    request.META["PATH_INFO"] = redacted(request.META.get("PATH_INFO", ""))
    for name in ("RAW_URI", "REQUEST_URI"):
        if name in request.META:
            request.META[name] = redacted(request.META[name])


class RedactionFilter(logging.Filter):
    """Redacts the message and the traceback of each record. Set it as a filter of a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "/uppy/" in message:
            record.msg, record.args = redacted(message), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redacted(record.exc_text)
        return True
