"""The site under `make bench`, which also tells where its time went: in the database, in OSS, in all."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

_site = get_wsgi_application()
settings.ALLOWED_HOSTS = ["*"]
settings.UPLOADS["OSS_ENDPOINT"] = os.environ["BENCH_OSS_ENDPOINT"]
settings.UPLOADS["THROTTLES"] = dict.fromkeys(("create", "sign", "complete", "token"), "")

from uploads.oss.client import OssClient  # noqa: E402  # Django is set up first

_spent = {"whole": 0.0, "database": 0.0, "oss": 0.0, "requests": 0}
_lock = threading.Lock()


def _add(name: str, started: float, requests: int = 0) -> None:
    with _lock:
        _spent[name] += time.perf_counter() - started
        _spent["requests"] += requests


def _in_database(execute: Callable[..., Any], *arguments: Any) -> Any:
    started = time.perf_counter()
    try:
        return execute(*arguments)
    finally:
        _add("database", started)


_send = OssClient._send


def _in_oss(self: OssClient, *arguments: Any) -> Any:
    started = time.perf_counter()
    try:
        return _send(self, *arguments)
    finally:
        _add("oss", started)


OssClient._send = _in_oss


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/-/reset":
        _spent.update(dict.fromkeys(_spent, 0))
        start_response("204 No Content", [])
        return []
    if environ["PATH_INFO"] == "/-/spent":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(_spent).encode()]
    started = time.perf_counter()
    with connection.execute_wrapper(_in_database):
        answer = list(_site(environ, start_response))
    _add("whole", started, 1)
    return answer
