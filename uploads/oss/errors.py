"""What can go wrong between us and OSS; branches answer "what can the caller do?".

    StorageError
    ├── Unreachable      no answer came: nobody knows whether the work was done; ask before doing it again
    ├── Malformed        an answer came that is not OSS's: a proxy, a wrong endpoint
    └── OssError         OSS answered with an error; `code` is its own word for it
        ├── Denied       403: keys, signature, policy, clock; repeating does not help
        ├── NotFound     404: NoSuchBucket, NoSuchKey, NoSuchUpload …
        ├── Refused      other 4xx: the request itself is wrong
        └── Busy         429, 5xx: try again later

Rule: OSS's code, EC and request id travel with the error to the screen; no secret and no signed URL does.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import ClassVar
from xml.etree.ElementTree import ParseError

from uploads.oss import markup


class StorageError(Exception):
    """Something between us and OSS failed."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str = "", request_id: str = "", operation: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.operation = operation

    def __str__(self) -> str:
        facts = [self.operation, self.code, f"request id {self.request_id}" if self.request_id else ""]
        known = ", ".join(fact for fact in facts if fact)
        return f"{self.message} ({known})" if known else self.message


class Unreachable(StorageError):
    """No answer: connection refused, broken, or out of time.

    `sent` False: nothing left this machine, so nothing was done. True: the work may have been done.
    """

    retryable = True

    def __init__(self, message: str, *, sent: bool, operation: str = "") -> None:
        super().__init__(message, operation=operation)
        self.sent = sent


class Malformed(StorageError):
    """An answer that OSS would not give."""


class OssError(StorageError):
    """OSS said no. `status` is HTTP's, `code` and `ec` are OSS's; `fields` whatever else the XML held."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        request_id: str = "",
        ec: str = "",
        operation: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id, operation=operation)
        self.status = status
        self.ec = ec
        self.fields = dict(fields or {})


class Denied(OssError):
    """403."""


class NotFound(OssError):
    """404."""


class Refused(OssError):
    """Any other 4xx."""


class Busy(OssError):
    """429 and 5xx; also 400 RequestTimeout, which OSS sends for a slow socket."""

    retryable = True


def _kind(status: int, code: str) -> type[OssError]:
    if status >= 500 or status == 429 or code == "RequestTimeout":
        return Busy
    return {403: Denied, 404: NotFound}.get(status, Refused)


def from_answer(status: int, headers: Mapping[str, str], body: bytes, operation: str = "") -> OssError:
    """The error that an answer stands for. HEAD has no body: OSS puts the XML, base64, into x-oss-err."""
    request_id = headers.get("x-oss-request-id", "")
    if not body and "x-oss-err" in headers:
        try:
            body = base64.b64decode(headers["x-oss-err"], validate=True)
        except binascii.Error:
            body = b""
    fields = _fields(body)
    code = fields.pop("Code", "") or _CODE_WITHOUT_BODY.get(status, f"HTTP{status}")
    message = fields.pop("Message", "") or f"OSS answered {status}."
    return _kind(status, code)(
        message,
        status=status,
        code=code,
        request_id=fields.pop("RequestId", "") or request_id,
        ec=fields.pop("EC", "") or headers.get("x-oss-ec", ""),
        operation=operation,
        fields=fields,
    )


def from_sts(status: int, body: bytes) -> OssError:
    """The error that an answer of STS, which speaks JSON, stands for."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    told = {name: str(value) for name, value in fields.items()} if isinstance(fields, dict) else {}
    code = told.get("Code", f"HTTP{status}")
    return _kind(status, code)(
        told.get("Message", f"STS answered {status}."),
        status=status,
        code=code,
        request_id=told.get("RequestId", ""),
        operation="AssumeRole",
    )


_CODE_WITHOUT_BODY = {
    304: "NotModified",
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "Conflict",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}


def _fields(body: bytes) -> dict[str, str]:
    """The children of <Error>; nothing when the body is not that (a proxy's page, a cut answer)."""
    try:
        root = markup.parse(body)
    except ParseError:
        return {}
    return {child.tag: (child.text or "").strip() for child in root} if root.tag == "Error" else {}
