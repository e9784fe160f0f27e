"""The options of a run, from the environment."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

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
    report: str
    """The path of the report; "" for none."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Options":
        """From CHAOS_MINUTES, CHAOS_SEED, CHAOS_CHROMIUM, CHAOS_FIREFOX, CHAOS_CLIENTS, CHAOS_TABS, CHAOS_LEAST and
        CHAOS_REPORT. Raises ValueError for what is not a number."""

        def number(name: str, default: float) -> float:
            return float(environ.get(f"CHAOS_{name}") or default)

        return cls(
            minutes=number("MINUTES", 60),
            seed=int(number("SEED", int(time.time()))),
            chromium=int(number("CHROMIUM", 1)),
            firefox=int(number("FIREFOX", 0)),
            python=int(number("CLIENTS", 3)),
            tabs=int(number("TABS", 2)),
            least=number("LEAST", LEAST_PER_MINUTE),
            report=environ.get("CHAOS_REPORT", ""),
        )

    @property
    def is_long(self) -> bool:
        return self.minutes >= LONG

    def least_completed(self, clients: Mapping[str, int]) -> dict[str, int]:
        """How many files each kind must complete; `clients`: how many of each kind there are."""
        return {kind: max(1, int(self.minutes * self.least * SHARES[kind])) for kind, count in clients.items() if count}
