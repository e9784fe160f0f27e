"""Reads JSON bodies of limited size and depth. A request that is refused costs no more than reading its bytes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import chain
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
    """JSON of at most MAX_BODY_BYTES and MAX_DEPTH levels, whose texts every database can store."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The parsed body. Raises BodyTooLarge, or ParseError for JSON that is malformed, nested too deeply
        or unstorable."""
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            content = super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError(_TOO_DEEP) from None
        _check(content, texts=b"\\u" in body)
        return content


_TOO_DEEP = _("The JSON is nested too deeply.")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _check(content: Any, *, texts: bool) -> None:
    """Raises ParseError for JSON that is nested too deeply, or that has a text which no database stores.

    `texts`: whether the texts must be searched too. NUL and halves of characters can only come from an escape.
    """
    level = [content]
    for _depth in range(MAX_DEPTH + 1):
        if texts and any(isinstance(item, str) and _UNSTORABLE.search(item) for item in level):
            raise ParseError(_("A text contains a NUL character or half a character."))
        level = [item for container in level for item in _items(container, texts=texts)]
        if not level:
            return
    raise ParseError(_TOO_DEEP)


def _items(value: Any, *, texts: bool) -> Iterator[Any]:
    """The values inside a container that have to be looked at: with `texts` all and the keys, else the containers."""
    if isinstance(value, dict):
        items: Iterable[Any] = chain(value, value.values()) if texts else value.values()
    elif isinstance(value, list):
        items = value
    else:
        return
    yield from (item for item in items if texts or isinstance(item, (dict, list)))
