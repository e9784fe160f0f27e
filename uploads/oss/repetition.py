"""Which requests to OSS and STS are repeated: after an error that passes, with the right time, with valid credentials.

Rule: a request that must not be done twice is repeated only if OSS cannot have done it.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import stamina

from uploads.oss.clock import SKEW_CODES, ServerClock
from uploads.oss.errors import Busy, OssError, StorageError, Unreachable
from uploads.oss.providers import CredentialsProvider, is_refusal
from uploads.oss.signing import SigningContext

ATTEMPTS = 4
"""How often a request is sent at most."""

Result = TypeVar("Result")


def may_repeat(error: Exception) -> bool:
    """Whether to repeat a request that may be done twice without harm."""
    return isinstance(error, StorageError) and error.retryable


def not_done_yet(error: Exception) -> bool:
    """Whether to repeat a request that must not be done twice: only when OSS cannot have done it."""
    return isinstance(error, Busy) or (isinstance(error, Unreachable) and not error.sent)


def repeated(attempt: Callable[[], Result], retry_on: Callable[[Exception], bool], seconds: float = 60) -> Result:
    """The result of `attempt`, which is called up to ATTEMPTS times within `seconds`, with growing pauses."""
    began = time.monotonic()
    try:
        return attempt()
    except Exception as error:
        left = began + seconds - time.monotonic()
        if left <= 0 or not retry_on(error):
            raise
        first = error
    # Only now, because most requests are sent once. Not `stamina.retry`: it logs the arguments of the function, and a
    # request holds secrets.
    for try_ in stamina.retry_context(on=retry_on, attempts=ATTEMPTS, timeout=left, wait_initial=0.2):
        with try_:
            if try_.num == 1:
                raise first
            return attempt()
    raise AssertionError("unreachable: the loop returns or raises")


def at_right_time(attempt: Callable[[], Result], clock: ServerClock) -> Result:
    """The result of `attempt`, which is called once more if the signature had the wrong time.

    Such a refusal did nothing at OSS, and its answer has corrected the clock.
    """
    before = clock.offset
    try:
        return attempt()
    except OssError as error:
        if error.code not in SKEW_CODES or clock.offset == before:
            raise
        return attempt()


def with_valid_credentials(
    attempt: Callable[[SigningContext], Result], provider: CredentialsProvider, context: Callable[[], SigningContext]
) -> Result:
    """The result of `attempt`, which is called once more with other credentials if OSS or STS refused the first ones.

    Such a refusal did nothing at OSS.
    """
    first = context()
    try:
        return attempt(first)
    except OssError as error:
        if not is_refusal(error.code) or not provider.renew(first.credentials, first.now):
            raise
        return attempt(context())
