"""Responses: status, headers and body, and OSS's error documents (OSS manual: "Error responses").

Rule: header values are text here. `wsgi_value` alone encodes them for WSGI.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus

from uploads.localoss import markup
from uploads.localoss.errors import Refusal


@dataclass(slots=True)
class Answer:
    """A response. `body` is bytes, or for an object an iterable of them; then `headers` has its Content-Length.
    Without `cors` it gets no CORS headers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    cors: bool = True

    @property
    def status_line(self) -> str:
        """WSGI's status, such as "200 OK"."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unknown"


def xml(tag: str, content: markup.Content, headers: dict[str, str] | None = None) -> Answer:
    """A 200 response with an XML document."""
    return Answer(200, {"Content-Type": "application/xml", **(headers or {})}, markup.document(tag, content))


DENIED_DETAIL = ("PolicyType", "NoPermissionType", "AuthAction")
"""Fields of a refusal by a policy, which OSS puts into one element. Manual, "0003-00000201":
https://help.aliyun.com/en/oss/user-guide/0003-00000201"""


def error_document(refusal: Refusal, request_id: str, host: str) -> bytes:
    """The <Error> document, its fields in OSS's order."""
    detail = [(name, refusal.fields[name]) for name in DENIED_DETAIL if name in refusal.fields]
    content: list[markup.Node] = [
        ("Code", refusal.code),
        ("Message", refusal.message),
        ("RequestId", request_id),
        ("HostId", host),
        *([("AccessDeniedDetail", detail)] if detail else []),
        *((name, value) for name, value in refusal.fields.items() if name not in DENIED_DETAIL),
    ]
    if refusal.ec:
        content.append(("EC", refusal.ec))
        content.append(("RecommendDoc", f"https://api.aliyun.com/troubleshoot?q={refusal.ec}"))
    return markup.document("Error", content)


def error(refusal: Refusal, request_id: str, host: str, method: str) -> Answer:
    """An error response. A HEAD response carries the document in base64 in x-oss-err, which alibabacloud-oss-v2 reads;
    a 304 has none.
    """
    body = error_document(refusal, request_id, host)
    headers = {**refusal.headers, **({"x-oss-ec": refusal.ec} if refusal.ec else {})}
    if refusal.status == HTTPStatus.NOT_MODIFIED:
        return Answer(refusal.status, headers)
    if method == "HEAD":
        headers["x-oss-err"] = base64.b64encode(body).decode()
        return Answer(refusal.status, headers)
    return Answer(refusal.status, {"Content-Type": "application/xml", **headers}, body)


def quoted(etag: str) -> str:
    """An ETag as it stands in headers and XML: in double quotes."""
    return f'"{etag}"'


def iso_time(milliseconds: int) -> str:
    """A time such as 2026-01-15T08:30:00.000Z. OSS always sends .000, and oss2 parses nothing else."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def http_time(milliseconds: int) -> str:
    """A time such as Thu, 15 Jan 2026 08:30:00 GMT."""
    return format_datetime(datetime.fromtimestamp(milliseconds // 1000, UTC), usegmt=True)


def wsgi_value(value: str) -> str:
    """A header value as WSGI wants it: its UTF-8 bytes, decoded as Latin-1."""
    return value.encode().decode("latin-1")
