"""Whom the adversary strikes, and what becomes of a browser that hangs."""

import random
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos import browsers
from tests.chaos.adversary import Adversary
from tests.chaos.browsers import Browser
from tests.chaos.ledger import Ledger

KILLED = "browser killed"


def browser(*, has_worked: bool) -> Any:
    killed: list[str] = []
    return SimpleNamespace(has_worked=has_worked, killed=killed, kill=lambda: killed.append(KILLED))


def test_a_browser_is_struck_only_after_it_has_begun_something() -> None:
    """Otherwise one that is slow to start is killed each time before it does anything."""
    world: Any = SimpleNamespace(redis=None, restart_site=None, end_sessions=None)
    idle, busy = browser(has_worked=False), browser(has_worked=True)
    adversary = Adversary(world, [idle, busy], 1)
    for _ in range(20):
        adversary._strike(KILLED)
    assert (len(idle.killed), len(busy.killed), adversary.counts[KILLED]) == (0, 20, 20)
    busy.has_worked = False
    adversary._strike(KILLED)
    assert adversary.counts[KILLED] == 20


def test_a_browser_that_hangs_is_killed_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it waits until the run has ended, and does nothing."""
    world: Any = SimpleNamespace()
    browser = Browser(world, Ledger(), "chromium", 0, random.Random(1))
    killed = threading.Event()
    monkeypatch.setattr(browser, "run", killed.wait)
    monkeypatch.setattr(browser, "kill", killed.set)
    browser.start()
    assert not browser.kill_if_hung()
    monkeypatch.setattr(browsers, "HUNG_SECONDS", 0)
    assert browser.kill_if_hung()
    browser.join()
    assert (killed.is_set(), browser.notes) == (True, {"hung, and killed": 1})
    assert not browser.kill_if_hung(), "it has ended"
