"""OSS's responses to uploads and to HeadObject, read from their headers and bodies.

Rule: pure; the transport has checked the status.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from uploads.oss import storable
from uploads.oss.errors import from_answer
from uploads.oss.messages import Completed, bare

MAX_CALLBACK_BYTES = 64 * 1024
"""Bytes of an application's answer to a callback that are kept; a longer answer is dropped."""


def crc64_of(headers: Mapping[str, str]) -> int | None:
    """The value of x-oss-hash-crc64ecma; None without one.

    Manual, "Check data integrity by using CRC-64":
    https://help.aliyun.com/en/oss/user-guide/check-data-transmission-integrity-by-using-crc-64
    """
    text = headers.get("x-oss-hash-crc64ecma", "")
    return int(text) if text.isdigit() else None


def described(headers: Mapping[str, str], location: str, size: int) -> Completed:
    """An object as the headers of PutObject or HeadObject describe it. `size` is in bytes."""
    return Completed(
        etag=bare(headers.get("ETag", "")),
        crc64=crc64_of(headers),
        location=location,
        size=size,
        content_type=headers.get("Content-Type", ""),
        request_id=headers.get("x-oss-request-id", ""),
        modified=_http_date(headers.get("Last-Modified", "")),
    )


def callback_result(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The result of an upload callback: {ok: True, body}, or {ok: False, code, message, request_id}.

    With a callback OSS relays the application's answer. Status 203 says that the callback failed; the object is stored
    in both cases. Manual, "Callback": https://www.alibabacloud.com/help/doc-detail/31989.htm
    """
    if status == HTTPStatus.NON_AUTHORITATIVE_INFORMATION:
        error = from_answer(status, headers, body)
        return {"ok": False, "code": error.code, "message": error.message, "request_id": error.request_id}
    if len(body) > MAX_CALLBACK_BYTES:
        return {"ok": True, "body": None}
    return {"ok": True, "body": storable.parsed(body)}


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
