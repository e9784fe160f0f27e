"""Errors between this process and OSS. The class says what the caller can do.

    StorageError
    ├── Unreachable      no response: it is not known whether the work was done, so ask OSS before repeating it
    │   ├── CredentialsUnavailable   nothing was sent: there were no valid credentials to sign it with
    │   └── NotOss       the response of something else, for instance of a proxy: it says nothing about the bucket
    ├── Malformed        a response that OSS would not give, or a document that is not what it should be
    └── OssError         OSS answered with an error; `code` is OSS's error code
        ├── Denied       403: keys, signature, policy or clock; repeating does not help
        ├── NotFound     404: NoSuchBucket, NoSuchKey, NoSuchUpload …
        ├── Refused      other 4xx: the request itself is wrong
        └── Busy         429, 5xx, and what `error_codes` says may be repeated: try again later

Manual, "Error responses": https://help.aliyun.com/en/oss/user-guide/overview-14

Rule: OSS's code, EC and request id stay with the error until a person sees it. Secrets and signed URLs do not.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import ClassVar
from xml.etree.ElementTree import ParseError

from uploads.oss import error_codes, markup


class StorageError(Exception):
    """A request to OSS or STS failed. `operation` is OSS's name of the operation, empty where it is not known."""

    retryable: ClassVar[bool] = False
    """Whether the same request may succeed later."""
    setting_names: Mapping[str, str] = MappingProxyType({})
    """What the settings of the place of the request are called (`domain.setting_names`)."""

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


@contextmanager
def naming(names: Mapping[str, str]) -> Iterator[None]:
    """Errors that are raised within it have these `setting_names`."""
    try:
        yield
    except StorageError as error:
        error.setting_names = names
        raise


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


class NotOss(Unreachable):
    """A response without OSS's request id: the endpoint leads to a proxy, a CDN, or another server.

    Its status means nothing. A 404 does not say that there is no object, nor a 204 that one was deleted.
    """

    def __init__(self, status: int, operation: str = "") -> None:
        super().__init__(f"Something other than OSS answered, with status {status}.", sent=True, operation=operation)
        self.status = status


class Malformed(StorageError):
    """A response that OSS would not give, or a document that is not what it should be."""


class OssError(StorageError):
    """OSS answered with an error.

    `status` is the HTTP status, `code` OSS's error code, `fields` the other elements of the XML by name. `resource` is
    the bucket or object of the request as policies name it (`acs:oss:*:*:bucket/key`), empty where it is not known.
    """

    resource: str = ""

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

    @property
    def endpoint(self) -> str:
        """The endpoint of the bucket's region, where the request went to another one; otherwise empty.

        Manual, "HTTP 403 errors": https://www.alibabacloud.com/help/en/oss/user-guide/http-403-error-code
        """
        return self.fields.get("Endpoint", "")

    @property
    def action(self) -> str:
        """The action that a policy does not allow, such as `oss:PutObject`; empty where OSS does not name it.

        Manual, "0003-00000201": https://help.aliyun.com/en/oss/user-guide/0003-00000201
        """
        return self.fields.get("AuthAction", "")

    @property
    def denied_explicitly(self) -> bool:
        """Whether a policy has a Deny statement for the request. Otherwise no policy allows it."""
        return self.fields.get("NoPermissionType", "") == "ExplicitDeny"

    @property
    def link(self) -> str:
        """The vendor's page about this error: the one that OSS recommends, or that of the table; empty without one."""
        advised = self.fields.get("RecommendDoc", "")
        if _VENDOR_PAGE.fullmatch(advised):
            return advised
        row = error_codes.find(self.code, self.ec)
        return row.link if row else ""


class Denied(OssError):
    """Status 403."""


class NotFound(OssError):
    """Status 404."""


class Refused(OssError):
    """Any other 4xx status."""


class Busy(OssError):
    """Status 429 or 5xx, and other codes that the table says may be repeated, such as 400 RequestTimeout."""

    retryable = True


def _kind(status: int, code: str) -> type[OssError]:
    if error_codes.may_repeat(status, code):
        return Busy
    return {403: Denied, 404: NotFound}.get(status, Refused)


def from_answer(
    status: int, headers: Mapping[str, str], body: bytes, operation: str = "", resource: str = ""
) -> OssError:
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
    error = _kind(status, code)(
        message, status=status, code=code, request_id=request_id, operation=operation, fields=fields
    )
    error.resource = resource
    return error


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


_VENDOR_PAGE = re.compile(r"https://([a-z0-9-]+\.)*(aliyun|alibabacloud)\.com/[^\s\"'<>]*")
_DETAIL = "AccessDeniedDetail"
_NOT_KEPT = "EncodedDiagnosticMessage"
"""An element that the account's administrator alone may decode."""


def _fields(body: bytes) -> dict[str, str]:
    """The children of <Error>, and those of its <AccessDeniedDetail>; empty when the body is not such a document, for
    instance a proxy's page.
    """
    try:
        root = markup.parse(body)
    except ParseError:
        return {}
    if root.tag != "Error":
        return {}
    children = [*root, *root.iterfind(f"{_DETAIL}/*")]
    return {child.tag: (child.text or "").strip() for child in children if child.tag not in (_DETAIL, _NOT_KEPT)}
