"""The OpenAPI schemas of problem details (RFC 9457), made from the classes of the errors."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework.exceptions import APIException

from uploads.domain.errors import UploadError, kinds_of_error

ErrorKind = type[UploadError] | type[APIException]
Json = dict[str, Any]

MEDIA_TYPE = "application/problem+json"
_TITLES = {kind.code: str(kind.title) for kind in kinds_of_error()}
_WITH_PART_NUMBERS = {"parts_missing", "parts_refused"}


def code_of(kind: ErrorKind) -> str:
    """The `code` of the problems of this kind."""
    return kind.code if issubclass(kind, UploadError) else str(kind.default_code)


def codes_of(kinds: Iterable[ErrorKind]) -> list[str]:
    """The codes of these kinds, each once, in order."""
    return sorted({code_of(kind) for kind in kinds})


def title_of(code: str) -> str:
    """The English title, for descriptions."""
    return _TITLES.get(code) or code.replace("_", " ").capitalize()


def references(registry: ComponentRegistry, codes: Iterable[str]) -> dict[str, Json]:
    """Code → a reference to the schema of its problem, which becomes a component."""
    return {code: register(registry, _name_of(code), _schema(code)) for code in codes}


def one_of(registry: ComponentRegistry, codes: Iterable[str]) -> Json:
    """The schema of a problem with one of these codes."""
    found = references(registry, codes)
    if len(found) == 1:
        return next(iter(found.values()))
    mapping = {code: reference["$ref"] for code, reference in found.items()}
    return {"oneOf": list(found.values()), "discriminator": {"propertyName": "code", "mapping": mapping}}


def register(registry: ComponentRegistry, name: str, schema: Json, kind: str = ResolvedComponent.SCHEMA) -> Json:
    """Add a component, and return a reference to it."""
    component: Any = ResolvedComponent(name=name, type=kind, schema=schema, object=name)  # type: ignore[no-untyped-call]
    registry.register_on_missing(component)
    reference: Json = component.ref
    return reference


def _name_of(code: str) -> str:
    """`too_large` → `TooLargeProblem`."""
    return "".join(word.capitalize() for word in code.split("_")) + "Problem"


def _schema(code: str) -> Json:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": f"{title_of(code)}.",
        "properties": {
            "type": {**text, "description": "A URN that ends with the code."},
            "title": {**text, "description": "The same for each problem of this code, in the reader's language."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {**text, "description": "What happened and what to do, in the reader's language."},
            "code": {**text, "enum": [code]},
            "message": {**text, "description": "On Companion's routes: the detail, for Uppy 5."},
            "errors": _errors(code),
            "sizes": {
                "type": "object",
                "description": "The bytes that `detail` rounds: the limit, what is left of it, and the request's size.",
                "properties": {name: {"type": "integer", "format": "int64"} for name in ("limit", "left", "size")},
            },
            "oss": {
                "type": "object",
                "description": "What OSS answered, where it refused.",
                "properties": {
                    "code": {**text, "description": "OSS's error code."},
                    "request_id": text,
                    "ec": {**text, "description": "OSS's EC, which names the exact cause. It may change."},
                    "cure": {**text, "description": "What an administrator should do, in the reader's language."},
                    "link": {**text, "format": "uri", "description": "The vendor's page about the error."},
                },
                "required": ["code", "request_id"],
            },
        },
        "required": ["type", "title", "status", "detail", "code"],
    }


def _errors(code: str) -> Json:
    if code in _WITH_PART_NUMBERS:
        numbers = {"type": "array", "items": {"type": "integer"}}
        return {"type": "object", "properties": {"parts": numbers}, "description": "`parts`: their numbers."}
    return {"type": "object", "additionalProperties": {}, "description": "By field: what is wrong with it."}
