"""x-oss-traffic-limit: the bandwidth of one request, in either direction (OSS manual: "Single-connection bandwidth
throttling").

Rule: the rate holds over the whole body, in pieces of a tenth of a second, so that a progress bar moves evenly.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from uploads.localoss.body import CHUNK, Chunk
from uploads.localoss.errors import invalid_argument
from uploads.localoss.operations.context import Context
from uploads.oss.limits import MAX_PART_SIZE, MAX_TRAFFIC_LIMIT, MIN_TRAFFIC_LIMIT

NAME = "x-oss-traffic-limit"
_Bytes = TypeVar("_Bytes", bound=Chunk)


def limit(context: Context) -> int | None:
    """The limit of a request in bytes per second, from its header or URL; None without one."""
    request = context.request
    return rate_of(request.headers.get(NAME) or request.parameters.get(NAME, ""))


def rate_of(text: str) -> int | None:
    """A limit in bytes per second; None for an empty text. Refusal (InvalidArgument) unless `text` is a number of bits
    per second between 819,200 and 838,860,800.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise invalid_argument(NAME, text, "The traffic limit must be a number of bits per second.")
    if not MIN_TRAFFIC_LIMIT <= int(text) <= MAX_TRAFFIC_LIMIT:
        message = f"The traffic limit must be between {MIN_TRAFFIC_LIMIT} and {MAX_TRAFFIC_LIMIT} bit/s."
        raise invalid_argument(NAME, text, message)
    return int(text) // 8


def incoming(context: Context) -> Iterator[Chunk]:
    """The body of an upload in chunks, at the rate of the request's limit."""
    rate = limit(context)
    body = context.request.body
    if rate is None:
        return body.chunks(MAX_PART_SIZE)
    return paced(body.chunks(MAX_PART_SIZE, _piece(rate)), rate)


def limited(chunks: Iterator[bytes], rate: int | None) -> Iterator[bytes]:
    """The same bytes at `rate` bytes per second; unchanged for None."""
    return chunks if rate is None else paced(_split(chunks, _piece(rate)), rate)


def paced(
    chunks: Iterable[_Bytes],
    rate: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[_Bytes]:
    """The same chunks at `rate` bytes per second on average."""
    start, passed = clock(), 0
    for chunk in chunks:
        passed += len(chunk)
        early = start + passed / rate - clock()
        if early > 0:
            sleep(early)
        yield chunk


def _piece(rate: int) -> int:
    return min(CHUNK, rate // 10)


def _split(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), size):
            yield chunk[start : start + size]
