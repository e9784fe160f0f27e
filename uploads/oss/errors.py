"""Errors between this process and OSS. The class says what the caller can do.

    StorageError
    ├── Unreachable      no response: it is not known whether the work was done, so ask OSS before repeating it
    │   └── CredentialsUnavailable   nothing was sent: there were no valid credentials to sign it with
    ├── Malformed        a response that is not OSS's, for instance a proxy's page
    └── OssError         OSS answered with an error; `code` is OSS's error code
        ├── Denied       403: keys, signature, policy or clock; repeating does not help
        ├── NotFound     404: NoSuchBucket, NoSuchKey, NoSuchUpload …
        ├── Refused      other 4xx: the request itself is wrong
        └── Busy         429, 5xx: try again later

Manual, "Error responses": https://help.aliyun.com/en/oss/user-guide/overview-14

Rule: OSS's code, EC and request id stay with the error until a person sees it. Secrets and signed URLs do not.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import ClassVar
from xml.etree.ElementTree import ParseError

from uploads.oss import markup


class StorageError(Exception):
    """A request to OSS or STS failed. `operation` is OSS's name of the operation, empty where it is not known."""

    retryable: ClassVar[bool] = False
    """Whether the same request may succeed later."""

    def __init__(self, message: str, *, code: str = "", request_id: str = "", operation: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.operation = operation

    def __str__(self) -> str:
        """The message, followed by the operation, the code and the request id where they are known."""
        facts = [self.operation, self.code, f"request id {self.request_id}" if self.request_id else ""]
        known = ", ".join(fact for fact in facts if fact)
        return f"{self.message} ({known})" if known else self.message


class Unreachable(StorageError):
    """No response: the connection was refused or broken, or the time limit was reached.

    If `sent` is False, nothing was sent, so nothing was done. If it is True, the work may have been done.
    """

    retryable = True

    def __init__(self, message: str, *, sent: bool, operation: str = "") -> None:
        super().__init__(message, operation=operation)
        self.sent = sent


class CredentialsUnavailable(Unreachable):
    """The origin of the server's credentials does not give any, and there are none that are still valid.

    `source` names the origin as the setting `CREDENTIALS` does; `reason` holds no secret.
    """

    def __init__(self, source: str, reason: str = "") -> None:
        why = f" {reason}." if reason else ""
        super().__init__(f"The server's OSS credentials are not available from {source}.{why}", sent=False)
        self.source = source


class Malformed(StorageError):
    """A response that OSS would not give, or a document that is not what it should be."""


class OssError(StorageError):
    """OSS answered with an error.

    `status` is the HTTP status, `code` OSS's error code, `fields` the other elements of the XML by name.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        request_id: str = "",
        operation: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id, operation=operation)
        self.status = status
        self.fields = dict(fields or {})

    @property
    def ec(self) -> str:
        """OSS's EC, which names the exact cause (`0002-00000040`); empty without one. It may change at any time."""
        return self.fields.get("EC", "")


class Denied(OssError):
    """Status 403."""


class NotFound(OssError):
    """Status 404."""


class Refused(OssError):
    """Any other 4xx status."""


class Busy(OssError):
    """Status 429 or 5xx. Also 400 RequestTimeout, with which OSS answers on a slow connection, and STS's Throttling."""

    retryable = True


def _kind(status: int, code: str) -> type[OssError]:
    # STS answers a request beyond its flow control with status 400 and Throttling or Throttling.User:
    # https://www.alibabacloud.com/help/en/ram/api-assumerole
    if status >= 500 or status == 429 or code == "RequestTimeout" or code.partition(".")[0] == "Throttling":
        return Busy
    return {403: Denied, 404: NotFound}.get(status, Refused)


def from_answer(status: int, headers: Mapping[str, str], body: bytes, operation: str = "") -> OssError:
    """The error of a response from OSS. A response to HEAD has no body; its XML is in x-oss-err, in base64."""
    if not body and "x-oss-err" in headers:
        try:
            body = base64.b64decode(headers["x-oss-err"], validate=True)
        except binascii.Error:
            body = b""
    fields = _fields(body)
    if not fields.get("EC") and "x-oss-ec" in headers:
        fields["EC"] = headers["x-oss-ec"]
    code = fields.pop("Code", "") or _CODE_WITHOUT_BODY.get(status, f"HTTP{status}")
    message = fields.pop("Message", "") or f"OSS answered {status}."
    request_id = fields.pop("RequestId", "") or headers.get("x-oss-request-id", "")
    return _kind(status, code)(
        message, status=status, code=code, request_id=request_id, operation=operation, fields=fields
    )


def from_sts(status: int, body: bytes) -> OssError:
    """The error of a response from STS, which is JSON."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    fields = {name: str(value) for name, value in document.items()} if isinstance(document, dict) else {}
    code = fields.get("Code", f"HTTP{status}")
    return _kind(status, code)(
        fields.get("Message", f"STS answered {status}."),
        status=status,
        code=code,
        request_id=fields.get("RequestId", ""),
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
    """The children of <Error>; empty when the body is not such a document, for instance a proxy's page."""
    try:
        root = markup.parse(body)
    except ParseError:
        return {}
    return {child.tag: (child.text or "").strip() for child in root} if root.tag == "Error" else {}
