"""The time at OSS, learned from its answers.

OSS refuses a signature whose time differs from its own by more than 15 minutes (RequestTimeTooSkewed), and STS does the
same (InvalidTimeStamp.Expired). So every signature uses OSS's time, and the server's own clock may be wrong.

Manual, "RequestTimeTooSkewed": https://help.aliyun.com/en/oss/user-guide/0002-00000504

Rule: no I/O. Whoever receives an answer hands its headers over, with the local times around the request.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock

log = logging.getLogger("uploads.clock")

TOLERANCE = timedelta(seconds=5)
"""A smaller difference is not corrected: the Date header has whole seconds, and answers take time."""
MAX_OFFSET = timedelta(hours=24)
"""A larger difference is not believed: whoever could forge it would obtain signatures for another day."""
SKEW_CODES = frozenset({"RequestTimeTooSkewed", "InvalidTimeStamp.Expired"})
"""The errors of OSS and of STS for a signature at the wrong time."""


def utcnow() -> datetime:
    """The current time of this machine, aware of its time zone."""
    return datetime.now(UTC)


class ServerClock:
    """OSS's time: the machine's clock plus the difference that OSS's answers show. Safe to share between threads."""

    def __init__(self, local: Callable[[], datetime] = utcnow) -> None:
        """`local` is the machine's clock."""
        self.local = local
        self._lock = Lock()
        self._offset = timedelta()
        self._known = False

    def now(self) -> datetime:
        """The time at OSS; the machine's time while no answer has been seen."""
        return self.local() + self._offset

    @property
    def offset(self) -> timedelta:
        """OSS's time minus the machine's; zero while they agree within `TOLERANCE`."""
        return self._offset

    @property
    def known(self) -> bool:
        """Whether an answer has told OSS's time, or it was asked in vain."""
        return self._known

    def ask_no_more(self) -> None:
        """OSS was asked for its time and did not tell: the next answer will."""
        self._known = True

    def learn(self, server_time: datetime, sent: datetime, received: datetime) -> bool:
        """Correct the offset. `sent` and `received`: the machine's times around the request that told `server_time`.

        Returns True if the offset has changed. A difference above `MAX_OFFSET` is logged and changes nothing.
        """
        with self._lock:
            self._known = True
            if sent + self._offset - TOLERANCE <= server_time <= received + self._offset + TOLERANCE:
                return False
            offset = server_time - (sent + (received - sent) / 2)
            if abs(offset) > MAX_OFFSET:
                log.error("This machine's clock differs from OSS's by more than 24 hours: correct it.")
                return False
            self._offset = offset if abs(offset) > TOLERANCE else timedelta()
        log.warning(
            "This machine's clock is %.0f s %s OSS's. Requests are signed with OSS's time; correct the clock.",
            abs(offset.total_seconds()),
            "behind" if offset > timedelta() else "ahead of",
        )
        return True


def time_in(headers: Mapping[str, str], server_time: str = "") -> datetime | None:
    """The time that an answer tells: `server_time` (the error's ServerTime, ISO 8601), or its Date header.

    None if it tells none.
    """
    try:
        told = datetime.fromisoformat(server_time) if server_time else parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
