"""What goes back: status, headers, body; and a Refusal as OSS writes it down.

Rule: header values are text here; bytes beyond Latin-1 are made fit for WSGI in one place, `wsgi_value`.
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
    """`body` is bytes, or an iterable of them for an object (then Content-Length stands in `headers`)."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""

    @property
    def status_line(self) -> str:
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unknown"


def xml(tag: str, content: markup.Content, headers: dict[str, str] | None = None) -> Answer:
    """A 200 with a document."""
    return Answer(200, {"Content-Type": "application/xml", **(headers or {})}, markup.document(tag, content))


def error_document(refusal: Refusal, request_id: str, host: str) -> bytes:
    """<Error> with the fields in OSS's order."""
    content: list[markup.Node] = [
        ("Code", refusal.code),
        ("Message", refusal.message),
        ("RequestId", request_id),
        ("HostId", host),
        *refusal.fields.items(),
    ]
    if refusal.ec:
        content.append(("EC", refusal.ec))
        content.append(("RecommendDoc", f"https://api.aliyun.com/troubleshoot?q={refusal.ec}"))
    return markup.document("Error", content)


def error(refusal: Refusal, request_id: str, host: str, method: str) -> Answer:
    """HEAD has no body: the same document goes, in base64, into x-oss-err. 304 has neither."""
    body = error_document(refusal, request_id, host)
    headers = {"x-oss-ec": refusal.ec} if refusal.ec else {}
    if refusal.status == HTTPStatus.NOT_MODIFIED:
        return Answer(refusal.status, headers)
    if method == "HEAD":
        headers["x-oss-err"] = base64.b64encode(body).decode()
        return Answer(refusal.status, headers)
    return Answer(refusal.status, {"Content-Type": "application/xml", **headers}, body)


def quoted(etag: str) -> str:
    """An ETag as it travels."""
    return f'"{etag}"'


def iso_time(milliseconds: int) -> str:
    """2026-01-15T08:30:00.000Z: OSS always says .000, and oss2 parses nothing else."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def http_time(milliseconds: int) -> str:
    """Thu, 15 Jan 2026 08:30:00 GMT."""
    return format_datetime(datetime.fromtimestamp(milliseconds // 1000, UTC), usegmt=True)


def wsgi_value(value: str) -> str:
    """UTF-8 bytes dressed as Latin-1, as WSGI wants them."""
    return value.encode().decode("latin-1")
