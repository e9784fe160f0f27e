"""The filtered list of uploads as CSV, streamed.

Rule: rows are read in chunks by the index of the newest uploads, so that memory does not grow with their number, no
transaction stays open, and databases without server-side cursors do as well. An apostrophe stands before what a
spreadsheet would take for a formula, since users choose file names: at the beginning of a cell, and behind each
character at which a spreadsheet of another country, or one with other settings, begins a cell.
See https://owasp.org/www-community/attacks/CSV_Injection.
"""

import csv
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from uploads.models import Upload

CHUNK = 2000
COLUMNS = (
    "id", "state", "filename", "relative_path", "owner", "destination", "bucket", "key", "size", "bytes_done",
    "content_type", "method", "created_at", "updated_at", "completed_at", "expires_at", "error",
)  # fmt: skip
FORMULA = re.compile(r"""(^|[,;|\t\r\n])(?=(?:[^\S\t\r\n]|")*[=+\-@＝＋－＠])""")
"""Where a cell begins, for whatever spreadsheet, that holds a formula. Blanks and quotes before it may be dropped."""
BREAKS = ("\t", "\r", "\n")
BYTE_ORDER_MARK = "\ufeff"
"""By which Excel knows UTF-8."""


def response(request: HttpRequest, uploads: "QuerySet[Upload]") -> StreamingHttpResponse:
    """All of `uploads`, the newest first, as a file to save."""
    texts = lines(uploads)
    streamed: Iterator[str] | AsyncIterator[str] = texts
    if isinstance(request, ASGIRequest):
        # Django would collect a synchronous iterator before it sends the first byte.
        streamed = _one_by_one(texts)
    headers = {"Content-Disposition": 'attachment; filename="uploads.csv"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(streamed, content_type="text/csv; charset=utf-8", headers=headers)


def lines(uploads: "QuerySet[Upload]") -> Iterator[str]:
    """The text of each chunk."""
    yield BYTE_ORDER_MARK + csv_row(COLUMNS)
    for rows in _chunks(uploads):
        yield "".join(map(csv_row, rows))


def csv_row(values: Sequence[object]) -> str:
    """One line of the file, with its end."""
    return str(csv.writer(_Echo()).writerow([cell(value) for value in values]))


def cell(value: object) -> str:
    """A value as text that no spreadsheet computes."""
    text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
    text = FORMULA.sub(r"\1'", text)
    return f"'{text}" if text.startswith(BREAKS) else text


def _chunks(uploads: "QuerySet[Upload]") -> Iterator[Sequence[tuple[Any, ...]]]:
    owner = f"owner__{get_user_model().USERNAME_FIELD}"
    names = [{"owner": owner, "error": "error__code"}.get(name, name) for name in COLUMNS]
    ordered = uploads.select_related(None).order_by("-created_at", "-id").values_list(*names)
    page, begun = ordered, COLUMNS.index("created_at")
    while rows := list(page[:CHUNK]):
        yield rows
        last_id, last_begun = rows[-1][0], rows[-1][begun]
        page = ordered.filter(Q(created_at__lt=last_begun) | Q(id__lt=last_id), created_at__lte=last_begun)


async def _one_by_one(texts: Iterator[str]) -> AsyncIterator[str]:
    following = sync_to_async(lambda: next(texts, None))
    while (text := await following()) is not None:
        yield text


class _Echo:
    """A file that returns what is written."""

    def write(self, text: str) -> str:
        return text
