"""The errors of the local OSS server: the code, status, usual message and EC are those of the table `oss.error_codes`.

Rule: an operation raises a Refusal by its code; only `application.py` turns it into a response.
"""

from collections.abc import Mapping

from uploads.oss.error_codes import OSS_CODES, ErrorCode

ERRORS: Mapping[str, ErrorCode] = {row.code: row for row in reversed(OSS_CODES)}
"""OSS's code → its usual answer."""


class Refusal(Exception):
    """An error response of OSS. `code` is a key of ERRORS, whose message, EC and status hold unless they are given.

    `fields` follow Code, Message, RequestId and HostId in the XML, in their order. `headers` are sent too.
    """

    def __init__(
        self,
        code: str,
        fields: Mapping[str, str] | None = None,
        *,
        message: str | None = None,
        ec: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        row = ERRORS[code]
        self.code = code
        self.status = row.status if status is None else status
        self.message = row.message if message is None else message
        self.ec = row.ec if ec is None else ec
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        super().__init__(code)


def invalid_argument(name: str, value: str, message: str, ec: str = "") -> Refusal:
    """InvalidArgument, with ArgumentName and ArgumentValue."""
    return Refusal("InvalidArgument", {"ArgumentName": name, "ArgumentValue": value}, message=message, ec=ec)
