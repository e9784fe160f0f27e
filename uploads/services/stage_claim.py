"""The claim of the one caller who checks and copies a staged upload.

Rule: each write compares the claim in the row. So whoever has lost it changes nothing any more.
"""

from datetime import timedelta
from time import monotonic
from typing import Any

from django.utils import timezone

from uploads.domain.states import State
from uploads.models import Upload

LEASE = timedelta(seconds=120)
"""After so long without a sign of life somebody else may continue. A step takes less, or renews the claim."""


class ClaimLost(Exception):
    """Another caller works on the upload now, or it has ended."""


class Claim:
    """The right to work on one upload: its time in the row, which only the holder knows and renews."""

    def __init__(self, upload: Upload) -> None:
        self._rows = Upload.objects.filter(pk=upload.pk, state=State.COMPLETING).exclude(stage="")
        self._until: Any = None
        self._renewed = 0.0

    def take(self) -> bool:
        now = timezone.now()
        free = self._rows.filter(stage_claimed_until=None) | self._rows.filter(stage_claimed_until__lt=now)
        self._until = now + LEASE
        self._renewed = monotonic()
        return bool(free.update(stage_claimed_until=self._until, updated_at=now))

    def renew(self) -> None:
        """Raises ClaimLost. Called often: it asks the database only every few seconds."""
        if monotonic() - self._renewed >= LEASE.total_seconds() / 10:
            self.write()

    def write(self, **values: Any) -> None:
        """Write to the row, and renew. Raises ClaimLost."""
        now = timezone.now()
        held = self._rows.filter(stage_claimed_until=self._until)
        if not held.update(stage_claimed_until=now + LEASE, updated_at=now, **values):
            raise ClaimLost
        self._until, self._renewed = now + LEASE, monotonic()

    def release(self) -> None:
        self._rows.filter(stage_claimed_until=self._until).update(stage_claimed_until=None)
