"""Pages of lists of uploads."""

from datetime import MAXYEAR
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

FIRST_YEAR = 1970


class UploadPagination(CursorPagination):
    """Newest first. A cursor does not skip or repeat uploads when others are begun or deleted."""

    page_size = 50
    cursor_query_param = "page"
    ordering = ("-created_at", "-id")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        example = "https://uploads.example/api/uploads/?page=cD0yMDI2LTAxLTE1"
        url = {"type": "string", "format": "uri", "nullable": True, "example": example}
        page = {"next": url, "previous": url, "results": schema}
        return {"type": "object", "properties": page, "required": list(page)}

    def decode_cursor(self, request: Request) -> Any:
        """The cursor in the query; None without one. Raises NotFound for one that was not made here."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_time_of_row(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def _is_time_of_row(text: str) -> bool:
    """Whether a row can have been made at this time. At the ends of the calendar, databases cannot compare times."""
    try:
        time = parse_datetime(text)
    except ValueError:
        return False
    return time is not None and is_aware(time) == settings.USE_TZ and FIRST_YEAR <= time.year < MAXYEAR


class FolderPagination(UploadPagination):
    """Large pages of small entries: a folder may have 100,000 files."""

    page_size = 1000
