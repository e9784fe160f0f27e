"""Reads JSON bodies of limited size and depth. A request that is refused costs no more than reading its bytes."""

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import IO, Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MAX_BODY_BYTES = 2_621_440
"""The default of Django's DATA_UPLOAD_MAX_MEMORY_SIZE. A request with 10,000 finished parts has about 1.2 MB."""

MAX_DEPTH = 16
"""Levels of arrays and objects. A batch of uploads with metadata has four."""


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = format_lazy(
        _("The request body may have at most {most} bytes. Send fewer parts in one request."), most=MAX_BODY_BYTES
    )


class BoundedJSONParser(JSONParser):
    """JSON of at most MAX_BODY_BYTES and MAX_DEPTH levels."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body. Raises BodyTooLarge, or ParseError for JSON that is malformed or nested too deeply."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            content = super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError(_TOO_DEEP) from None
        _require_shallow(content)
        return content


_TOO_DEEP = _("The JSON is nested too deeply.")


def _require_shallow(content: Any) -> None:
    """Raises ParseError for more than MAX_DEPTH levels: each level costs the code behind a call of a function."""
    level = [content]
    for _depth in range(MAX_DEPTH + 1):
        level = [item for container in level for item in _containers(container)]
        if not level:
            return
    raise ParseError(_TOO_DEEP)


def _containers(value: Any) -> Iterator[Any]:
    """The arrays and objects directly inside this one."""
    items: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (item for item in items if isinstance(item, (dict, list)))
