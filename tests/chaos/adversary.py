"""Kills, revokes and damages, one thing after another, as a seed decides.

Rule: everything random is drawn in one order from one generator, so that a seed repeats the same blows in the same
order. When each falls depends on the machine.
"""

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

import httpx
import psycopg

from tests.chaos.browsers import Browser
from tests.chaos.faults import AT_ONCE, RULES, Deck, seeded
from tests.chaos.servers import Postgres, Redis
from tests.chaos.world import World
from uploads.localoss.testing import LocalServer

PAUSE = (3.0, 9.0)
"""Seconds between two blows."""
DOWN_SECONDS = 4
"""For which a part is not there at most, besides the time that it takes to start."""
SWEEP_EVERY = 6
"""Blows."""


class NothingToStrikeError(Exception):
    """There is nothing that a blow could fall on now."""


class Adversary:
    """`run` returns at the time that it is given. `counts`: how often each fault was injected, by name."""

    def __init__(self, world: World, browsers: Sequence[Browser], seed: int) -> None:
        self._world, self._browsers, self._luck = world, browsers, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self._rules: list[str] = []
        self._rules_deck = Deck(list(RULES), self._luck)
        self._blows: dict[str, Callable[[], None]] = {
            "tab closed": lambda: self._working_browser().close_tab(),
            "browser killed": lambda: self._working_browser().kill(),
            "worker killed": lambda: world.kill_worker(self._luck),
            "site killed": world.restart_site,
            "database killed": lambda: self._restart(world.postgres),
            "OSS killed": lambda: self._restart(world.oss_server),
            "site's key revoked": lambda: world.rotate_key(f"site-key-{self._luck.randrange(1 << 30)}"),
            "logins revoked": world.end_sessions,
            "page's network off": lambda: self._working_browser().go_offline(),
        }
        if (redis := world.redis) is not None:
            self._blows["Redis killed"] = lambda: self._restart(redis)
        if not browsers:
            for name in ("tab closed", "browser killed", "page's network off"):
                del self._blows[name]

    @property
    def blows(self) -> list[str]:
        """The names of what this adversary does itself."""
        return list(self._blows)

    @property
    def kinds(self) -> list[str]:
        """The names of all faults that this adversary injects."""
        return [*self._blows, *RULES]

    def run(self, until: float) -> None:
        blows = Deck(list(self._blows), self._luck)
        pause, number = threading.Event(), 0
        while time.monotonic() < until:
            self._change_rules()
            pause.wait(min(self._luck.uniform(*PAUSE), max(0.1, until - time.monotonic())))
            self._count_rules()
            self._strike(blows.deal())
            self.counts["browser hung"] += sum(browser.kill_if_hung() for browser in self._browsers)
            number += 1
            if number % SWEEP_EVERY == 0:
                self._world.sweep_in_background()
        self._end()

    def _strike(self, name: str) -> None:
        try:
            self._blows[name]()
            self.counts[name] += 1
        except (httpx.HTTPError, psycopg.Error, OSError, NothingToStrikeError) as error:  # Another part was down.
            print(f"not injected: {name}: {error!r}", file=sys.stderr, flush=True)

    def _restart(self, part: LocalServer | Postgres | Redis) -> None:
        self._world.restart(part, self._luck.uniform(0, DOWN_SECONDS))

    def _working_browser(self) -> Browser:
        """One that has begun something since it was started. Raises NothingToStrikeError if none has."""
        working = [browser for browser in self._browsers if browser.has_worked]
        if not working:
            raise NothingToStrikeError("no browser has begun anything since it was started")
        return self._luck.choice(working)

    def _change_rules(self) -> None:
        self._rules = list(dict.fromkeys(self._rules_deck.deal() for _ in range(AT_ONCE)))
        self._world.set_faults(seeded(self._rules, self._luck))

    def _count_rules(self) -> None:
        for name, applied in zip(self._rules, self._world.applied_faults(), strict=False):
            self.counts[name] += applied

    def _end(self) -> None:
        self._count_rules()
        self._world.set_faults([])
