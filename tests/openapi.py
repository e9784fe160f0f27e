"""Holds the API to its OpenAPI schema: every answer that a test receives must be one that the schema describes.

`tests/django_fixtures.py` hands every answer of Django REST framework's test client to `check_answer`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from django.utils import translation
from jsonschema import Draft202012Validator, FormatChecker

from uploads.api.schema import OwnGenerator
from uploads.conf import settings
from uploads.web.request_id import HEADER as REQUEST_ID

OPTIONAL_HEADERS = ("Retry-After", "WWW-Authenticate")


class NotAsDescribed(AssertionError):
    """An answer, or a request that was accepted, is not what the schema says."""


def schema() -> dict[str, Any]:
    """The OpenAPI document of the site's API, as `/api/schema/` serves it."""
    return _schema(settings.authentication_classes)


@cache
def _schema(authentication: tuple[str, ...]) -> dict[str, Any]:
    with translation.override("en"):
        document: dict[str, Any] = OwnGenerator(urlconf="uploads.site.urls").get_schema(public=True)
    return json.loads(json.dumps(document, default=str))


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each operation, with its path and its method in lower case."""
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation that serves this path. One without parameters goes first, as in Django's routes."""
    for pattern, methods in _patterns(settings.authentication_classes):
        if pattern.fullmatch(path):
            return methods.get(method.lower())
    return None


def check_answer(answer: Any, sent: bytes | str) -> None:
    """Raises NotAsDescribed. `sent`: the request's body. Routes that are not described are not checked."""
    request = answer.request
    operation = operation_of(request["REQUEST_METHOD"], request["PATH_INFO"])
    if operation is None:
        return
    where = f"{operation['operationId']}, {answer.status_code}"
    described = operation["responses"].get(str(answer.status_code))
    if described is None:
        raise NotAsDescribed(f"{where}: there is no such status. The answer: {answer.content[:500]!r}")
    _check_headers(where, described["headers"], answer.headers)
    _check_body(where, described, answer)
    if answer.status_code < HTTPStatus.MULTI_STATUS:  # In a batch one item may be refused.
        _check_request(operation, request.get("CONTENT_TYPE", ""), sent)


def _check_headers(where: str, described: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    given = {name for name in (REQUEST_ID, *OPTIONAL_HEADERS) if name in headers}
    required = {name for name, header in described.items() if header.get("required")}
    if not required <= given <= set(described):
        raise NotAsDescribed(f"{where}: the headers are {sorted(given)}, described are {sorted(described)}")


def _check_body(where: str, described: Mapping[str, Any], answer: Any) -> None:
    content = described.get("content", {})
    if not content:
        if answer.content:
            raise NotAsDescribed(f"{where}: there is a body: {answer.content[:500]!r}")
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    if kind not in content:
        raise NotAsDescribed(f"{where}: the content type is {kind}")
    validate(where, content[kind]["schema"], json.loads(answer.content))


def _check_request(operation: Mapping[str, Any], content_type: str, sent: bytes | str) -> None:
    """What the API accepts must be what the schema allows."""
    content = operation.get("requestBody", {}).get("content", {})
    kind = content_type.partition(";")[0]
    if sent and kind == "application/json" and kind in content:
        validate(f"{operation['operationId']}, the request", content[kind]["schema"], json.loads(sent))


def validate(where: str, described: Mapping[str, Any], value: Any) -> None:
    problems = [
        f"{error.json_path}: {error.message[:500]}"
        for error in _validator(_key(described), settings.authentication_classes).iter_errors(value)
    ]
    if problems:
        raise NotAsDescribed(f"{where}: {'; '.join(problems)}")


def _key(described: Mapping[str, Any]) -> str:
    return json.dumps(described, sort_keys=True)


@cache
def _validator(described: str, authentication: tuple[str, ...]) -> Draft202012Validator:
    document = {**json.loads(described), "components": _schema(authentication)["components"]}
    return Draft202012Validator(_as_json_schema(document), format_checker=FormatChecker())


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(value, list):
        return [_as_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: _as_json_schema(item) for name, item in value.items() if name != "nullable"}
    return {"anyOf": [found, {"type": "null"}]} if value.get("nullable") is True else found


@cache
def _patterns(authentication: tuple[str, ...]) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = _schema(authentication)["paths"]
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), paths[path])
        for path in sorted(paths, key=lambda path: path.count("{"))
    ]
