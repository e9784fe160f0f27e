"""One result of the doctor."""

from dataclasses import dataclass
from typing import Literal

from uploads.domain.errors import advice
from uploads.oss.errors import OssError, StorageError

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`name`: the thing that was checked. `text`: the result. `cure`: the suggested fix; "" when none is needed."""

    level: Level
    name: str
    text: str
    cure: str = ""


def failed(name: str, error: StorageError) -> Finding:
    """A FAIL with OSS's message, code and request id, and the fix for that code."""
    source = f" (OSS: {error.code}, request {error.request_id})" if isinstance(error, OssError) else ""
    return Finding("FAIL", name, f"{error.message.rstrip('.')}{source}", advice(error))
