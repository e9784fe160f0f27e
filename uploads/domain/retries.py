"""How often, and with which pauses, the sweep repeats what failed. Rule: pure."""

from datetime import timedelta

MAX_ATTEMPTS = 12
"""After this many refusals of OSS the sweep stops. With the pauses below that takes about six days."""
FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(days=1)


def pause(attempts: int) -> timedelta:
    """The time until the next attempt, after this many have failed (at least 1): it doubles, up to a day."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)


def is_last(attempts: int, *, retryable: bool) -> bool:
    """Whether there is no further attempt after this many. While OSS does not answer there always is one."""
    return attempts >= MAX_ATTEMPTS and not retryable
