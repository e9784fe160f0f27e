"""Whom the adversary strikes."""

from types import SimpleNamespace
from typing import Any

from tests.chaos.adversary import Adversary

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
