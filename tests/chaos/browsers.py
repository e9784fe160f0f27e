"""A real browser with several tabs, each a client that uploads one thing after another by the engine.

Playwright belongs to the thread that started it, so each browser has one, which asks its tabs in turn. Other threads
only leave orders, and kill processes.
"""

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Error, Playwright, sync_playwright

from tests.browser import FLAGS, executable
from tests.browsers import firefox
from tests.chaos.files import Mix
from tests.chaos.ledger import Ledger
from tests.chaos.tab import Tab
from tests.chaos.world import World

ENGINES = ("chromium", "firefox")
TURN = 0.2
"""Seconds between two questions to each tab."""
START_MS, ACTION_MS = 120_000, 60_000
HUNG_SECONDS = 240
"""Longer than a turn of all tabs takes on a busy machine. Some of Playwright's calls wait for ever, such as that for a
new page when Firefox does not answer."""


def is_installed(engine: str) -> bool:
    """Whether this machine has the browser. Chromium must be there."""
    return engine == "chromium" or firefox.executable() is not None


class Browser(threading.Thread):
    """`finish` ends it once its tabs have ended what they are at; `ended` is set then."""

    def __init__(self, world: World, ledger: Ledger, engine: str, number: int, luck: random.Random) -> None:
        super().__init__(name=f"{engine}-{number}", daemon=True)
        self.engine, self.user = engine, f"user-{engine}-{number}"
        self.world, self.ledger, self.luck = world, ledger, luck
        self.mix = Mix()
        self.notes: Counter[str] = Counter()
        self.protocols: set[str] = set()
        """In which pages came: h2 or http/1.1."""
        self.finishing, self.gone = threading.Event(), threading.Event()
        self.has_worked = False
        """Whether a tab has begun or resumed something since the browser was started. On a busy machine Firefox takes a
        minute to start: one that is killed each minute, whatever it is at, never uploads anything."""
        self._turned_at = time.monotonic()
        self._orders: list[str] = []
        self._profile = Path(tempfile.mkdtemp(prefix=f"uploads-chaos-{engine}-"))
        self.tabs: list[Tab] = []

    # From other threads

    def open_tabs(self, count: int) -> None:
        """Before `start`: that many tabs."""
        self.tabs = [Tab(self, f"{self.name}-{n}") for n in range(count)]

    def close_tab(self) -> None:
        self._orders.append("close")

    def go_offline(self) -> None:
        self._orders.append("offline")

    def kill(self) -> None:
        """SIGKILL for all of its processes."""
        marker = str(self._profile).encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if marker in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                    os.kill(int(folder.name), signal.SIGKILL)

    def kill_if_hung(self) -> bool:
        """As a user does whose browser does not react any more. Returns whether it was necessary."""
        hung = self.is_alive() and time.monotonic() - self._turned_at > HUNG_SECONDS
        if hung:
            self._turned_at = time.monotonic()
            self.notes["hung, and killed"] += 1
            self.kill()
        return hung

    def leave(self) -> None:
        """End at once, whatever the tabs are at."""
        self.gone.set()

    # In its own thread

    def run(self) -> None:
        while not self._is_done():
            self._turned_at = time.monotonic()
            try:
                with sync_playwright() as playwright:
                    self._use(self._launched(playwright))
            except Error as error:
                self.notes[f"browser gone: {str(error).splitlines()[0][:80]}"] += 1
                self.has_worked = False
                for tab in self.tabs:
                    tab.lost()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _launched(self, playwright: Playwright) -> BrowserContext:
        """A browser with its profile, which outlives it."""
        options: dict[str, Any] = {"ignore_https_errors": True, "locale": "en-GB", "timeout": START_MS}
        if self.engine == "firefox":
            context = playwright.firefox.launch_persistent_context(
                self._profile, **options, **firefox.launch_arguments()
            )
        else:
            context = playwright.chromium.launch_persistent_context(
                self._profile, **options, args=FLAGS, executable_path=executable()
            )
        context.set_default_timeout(ACTION_MS)
        return context

    def _use(self, context: BrowserContext) -> None:
        pause = threading.Event()
        while not self._is_done():
            self._obey(context)
            for tab in self.tabs:
                self._turned_at = time.monotonic()
                tab.step(context)
            pause.wait(TURN)
        for tab in self.tabs:
            tab.note_waiting()
        context.close()

    def _obey(self, context: BrowserContext) -> None:
        for order in [self._orders.pop(0) for _ in range(len(self._orders))]:
            if order == "close":
                self.luck.choice(self.tabs).close()
            else:
                context.set_offline(True)
                threading.Event().wait(self.luck.uniform(0.5, 3))
                context.set_offline(False)

    def _is_done(self) -> bool:
        return self.gone.is_set() or (self.finishing.is_set() and all(tab.is_idle for tab in self.tabs))
