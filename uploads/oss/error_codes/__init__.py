"""The table of OSS's and STS's error codes: whose fault, whether to repeat, the cure, the vendor's page.

Rule: this is the only such table. The client (`oss.errors`), the errors that people are told (`domain.errors`), the
local OSS server (`localoss.errors`), the engine in the browser and the page docs/errors.md read it. The latter two are
made by `python -m tests.error_codes`. A code is never invented: each is in OSS's manual, in an SDK, or in an answer
that was recorded.
"""

from collections.abc import Mapping

from uploads.oss.error_codes import access, objects, requests, service
from uploads.oss.error_codes.row import ErrorCode, Fault

__all__ = ["OSS_CODES", "STS_CODES", "ErrorCode", "Fault", "find", "may_repeat"]

OSS_CODES: tuple[ErrorCode, ...] = (*requests.ROWS, *access.ROWS, *objects.ROWS, *service.SERVICE)
"""OSS's codes. The first row of a code is for an unknown EC; the others are causes that an EC tells apart."""
STS_CODES: tuple[ErrorCode, ...] = service.STS
"""The codes of STS alone. SignatureDoesNotMatch and InvalidSecurityToken are OSS's too, and mean the same."""

_ALL = (*OSS_CODES, *STS_CODES)
_BY_CODE: Mapping[str, ErrorCode] = {row.code: row for row in reversed(_ALL)}
_BY_EC: Mapping[tuple[str, str], ErrorCode] = {(row.code, row.ec): row for row in _ALL if row.ec}


def find(code: str, ec: str = "") -> ErrorCode | None:
    """The row of this code, for this EC if there is one; None for an unknown code.

    STS appends the cause to some codes (`InvalidParameter.RoleArn`); without a row of its own, such a code has that of
    the part before the dot.
    """
    return _BY_EC.get((code, ec)) or _BY_CODE.get(code) or _BY_CODE.get(code.partition(".")[0])


def may_repeat(status: int, code: str) -> bool:
    """Whether the same request may succeed later: by the table, or by the status of an unknown code."""
    row = find(code)
    return row.repeat if row else status >= 500 or status == 429
