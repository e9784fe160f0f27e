"""How the app's views describe themselves in an OpenAPI schema, whatever DEFAULT_SCHEMA_CLASS the project has set."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema as _extend_schema

F = TypeVar("F", bound=Callable[..., Any])


def extend_schema(**description: Any) -> Callable[[F], F]:
    """drf-spectacular's decorator, for a method of a view. That one would extend DEFAULT_SCHEMA_CLASS."""

    def decorate(method: F) -> F:
        kwargs: dict[str, Any] = vars(method).setdefault("kwargs", {})
        kwargs.setdefault("schema", AutoSchema)
        return _extend_schema(**description)(method)

    return decorate
