"""The options of a run, from the environment."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.files import Mix

LONG = 30
"""Minutes from which on files may have 600 MiB, and each fault must have been injected."""
LEAST_PER_MINUTE = 2.0
SHARES = {"chromium": 1.0, "firefox": 0.5, "python": 1.0}


@dataclass(frozen=True, slots=True)
class Options:
    """How long a run takes, from which seed, with how many clients of each kind."""

    minutes: float
    seed: int
    chromium: int
    firefox: int
    python: int
    tabs: int
    least: float
    """Completed files a minute, times the share of each kind of client."""
    mix: Mix
    report: str
    """The path of the report; "" for none."""
    record: str
    """The path of a file to which the run's counts are appended; "" for none."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Options":
        """From CHAOS_MINUTES, CHAOS_SEED, CHAOS_CHROMIUM, CHAOS_FIREFOX, CHAOS_CLIENTS, CHAOS_TABS, CHAOS_LEAST,
        CHAOS_SMALL, CHAOS_FOLDER, CHAOS_REPORT and CHAOS_RECORD. Raises ValueError for what is not a number."""

        def number(name: str, default: float) -> float:
            return float(environ.get(f"CHAOS_{name}") or default)

        minutes = number("MINUTES", 60)
        return cls(
            minutes=minutes,
            seed=int(number("SEED", int(time.time()))),
            chromium=int(number("CHROMIUM", 1)),
            firefox=int(number("FIREFOX", 1)),
            python=int(number("CLIENTS", 3)),
            tabs=int(number("TABS", 2)),
            least=number("LEAST", LEAST_PER_MINUTE),
            mix=Mix(number("SMALL", 0.15), int(number("FOLDER", 40)), huge=minutes >= LONG),
            report=environ.get("CHAOS_REPORT", ""),
            record=environ.get("CHAOS_RECORD", ""),
        )

    @property
    def is_long(self) -> bool:
        return self.minutes >= LONG

    def least_completed(self, clients: Mapping[str, int]) -> dict[str, int]:
        """How many files each kind must complete; `clients`: how many of each kind there are."""
        return {kind: max(1, int(self.minutes * self.least * SHARES[kind])) for kind, count in clients.items() if count}
