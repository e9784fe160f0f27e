"""The host's own form of errors."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler


def handler(error: Exception, context: Any) -> Response | None:
    answer = exception_handler(error, context)
    if answer is not None:
        answer.data = {"shop_error": str(error)}
    return answer
