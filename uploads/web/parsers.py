"""Reads a JSON body without trust: bounded in size and depth.

Rule: what is refused here has cost no more than the bytes it took to say so.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MAX_BODY_BYTES = 2_621_440
"""As Django's own limit; 10,000 finished parts in one call to complete take about 1.2 MB."""


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = format_lazy(
        _("A request holds at most {most} bytes: send fewer parts at once."), most=MAX_BODY_BYTES
    )


class BoundedJSONParser(JSONParser):
    """JSON up to MAX_BODY_BYTES; nesting beyond what Python reads is malformed."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError(_("The JSON nests too deep.")) from None
