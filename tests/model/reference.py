"""The reference model: what an upload is, and how each call must end, told without the code of the services.

Rule: pure, and written from the documentation of the API, not from `uploads.domain.completion`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from uploads.oss.crc64 import crc64

PART_SIZE = 100 * 1024
"""Bytes: the least that OSS takes for a part that is not the last."""
SIZES = {1: 500, 3: 2 * PART_SIZE + 500}
"""Number of parts → bytes of the file."""
ENDS = {
    "uploading": {"complete": "completing", "abort": "aborted", "fail": "failed"},
    "completing": {"finish": "completed", "reopen": "uploading", "fail": "failed"},
    "completed": {"delete": "deleted"},
}
"""State → event → state."""


@lru_cache(maxsize=64)
def content_of(filename: str, size: int) -> bytes:
    """The file with this name: its bytes follow from it."""
    return hashlib.shake_128(filename.encode()).digest(size)


def part_of(content: bytes, number: int) -> bytes:
    return content[(number - 1) * PART_SIZE : number * PART_SIZE]


def damaged(content: bytes) -> bytes:
    """Other bytes of the same number."""
    return bytes([content[0] ^ 1]) + content[1:]


@lru_cache(maxsize=256)
def checksum(content: bytes) -> str:
    return str(crc64(content))


def state_after(events: Sequence[str]) -> str:
    """The state of an upload with this history. Raises KeyError for a history that must not be."""
    first, *others = events
    state = {"begin": "uploading"}[first]
    for event in others:
        state = ENDS[state][event]
    return state


@dataclass(frozen=True)
class Known:
    """What is so before a call."""

    state: str
    content: bytes
    """The file's."""
    is_multipart: bool
    parts: Mapping[int, bytes] | None
    """What OSS holds of the multipart upload; None: OSS does not know it."""
    found: bytes | None
    """The object."""
    recorded: Mapping[int, str] = field(default_factory=dict)
    """Part → the CRC64 that the client recorded."""
    expected_crc64: str = ""
    """What the client told before."""


def answer_to_complete(known: Known, crc64: str = "") -> str:
    """How `complete` must end if nobody interferes: the new state, or the code of its error."""
    if known.state == "completed":
        return "completed"
    if known.state not in ("uploading", "completing"):
        return "wrong_state"
    arrived = known.found
    if known.is_multipart and arrived is None:
        if known.parts is None:
            return "upload_gone"
        numbers = range(1, len(known.content) // PART_SIZE + 2)
        if any(
            number not in known.parts or known.recorded.get(number, checksum(part)) != checksum(part)
            for number in numbers
            for part in [known.parts.get(number, b"")]
        ):
            return "parts_missing"
        arrived = b"".join(known.parts[number] for number in numbers)
    if arrived is None:
        return "parts_missing"
    told = crc64 or known.expected_crc64
    return "object_mismatch" if told and told != checksum(arrived) else "completed"


def answer_to_abort(state: str) -> str:
    """How `abort` must end if nobody interferes. A failed upload stays failed."""
    return {"uploading": "aborted", "aborted": "aborted", "failed": "failed"}.get(state, "wrong_state")
