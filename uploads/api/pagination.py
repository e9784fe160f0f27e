"""Pages of lists of uploads."""

from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


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
        try:
            if cursor is not None and cursor.position is not None and parse_datetime(str(cursor.position)) is None:
                raise NotFound(self.invalid_cursor_message)
        except ValueError:
            raise NotFound(self.invalid_cursor_message) from None
        return cursor


class FolderPagination(UploadPagination):
    """Large pages of small entries: a folder may have 100,000 files."""

    page_size = 1000
