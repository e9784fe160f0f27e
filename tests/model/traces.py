"""Traces of the protocol's model, as TLC writes them in simulation, and what happened between two of their states."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

FINAL = ("completed", "aborted", "failed")
NOTHING = ("no", "no", "no")
VARIABLE = re.compile(r"^/\\ (\w+) = (.*?)(?=^/\\ |\Z)", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r'(\w+) \|-> (<<.*?>>|"[^"]*"|\w+)')
State = Mapping[str, Any]


def states(path: Path) -> list[State]:
    """The states of one trace: the model's variables by name."""
    blocks = re.split(r"^STATE_\d+ ==\s*$", path.read_text().partition("======")[0], flags=re.MULTILINE)[1:]
    return [{name: _value(text.strip()) for name, text in VARIABLE.findall(block)} for block in blocks]


def _value(text: str) -> Any:
    if text.startswith("["):
        return {name: _value(value) for name, value in FIELD.findall(text)}
    if text.startswith("<<"):
        return tuple(re.findall(r'"(\w+)"', text))
    return {"TRUE": True, "FALSE": False}.get(text, text.strip('"'))


@dataclass(frozen=True)
class Step:
    """What happened: `actor` is a caller, or "" for the world. `detail` is a part and its bytes, or how OSS failed."""

    name: str
    actor: str = ""
    detail: tuple[Any, ...] = ()


def steps(trace: list[State]) -> Iterator[tuple[Step, State]]:
    """Each step of a trace, with the state after it."""
    for before, after in pairwise(trace):
        if before != after:
            yield step(before, after), after


def step(before: State, after: State) -> Step:
    began = [c for c in before["calls"] if before["calls"][c] != after["calls"][c]]
    moved = [
        c
        for c in before["pc"]
        if before["pc"][c] != after["pc"][c]
        or before["state"][c] != after["state"][c]
        or before["found"][c] != after["found"][c]
    ]
    if began:
        return Step("begin", *began)
    if not moved and before["released"] == after["released"]:
        return _of_the_world(before, after)
    (actor,) = moved or [c for c in before["pc"] if before["pc"][c] == "record"]
    if before["pc"][actor] == "idle":
        return Step("begin", actor)
    if after["pc"][actor] == "idle" and _was_killed(before, after, actor):
        return Step("crash", actor)
    if before["pc"][actor] == "complete" and after["pc"][actor] == "head lost":
        lost = {"lose_answer": True} if before["open"] != after["open"] else {"reset": "before"}
        return Step("act", actor, (lost,))
    return Step("act", actor)


def _of_the_world(before: State, after: State) -> Step:
    for name in ("signed", "expired"):
        if before[name] != after[name]:
            return Step(name)
    if before["open"] != after["open"]:
        return Step("late" if after["open"] else "lifecycle")
    ((number, how),) = [(n, new) for n, new in enumerate(after["parts"], 1) if new != before["parts"][n - 1]]
    return Step("send", detail=(number, how))


def _was_killed(before: State, after: State, actor: str) -> bool:
    """Whether this call did not end by itself. Where both lead to the same state, it did."""
    at, row, mine = before["pc"][actor], before["row"], before["state"][actor]
    if at in ("claim", "finish", "reopen", "fail"):
        return row not in FINAL and row == after["row"]
    if at == "abort":
        moves = row in ("aborted", "failed") and not before["released"]
        return (actor == "sweep" and before["found"][actor] != "alone") or row == after["row"] == "uploading" or moves
    if at == "head missing":
        return mine == "completing" or before["object"] != NOTHING or (row != mine and row not in FINAL)
    if at == "head lost":
        bad = before["told"] and "bad" in before["object"]
        return before["object"] != NOTHING and before["object"] == before["expected"] and not bad
    if at == "head stale":
        ends = row != "uploading" if before["object"] == NOTHING else row in FINAL
        return before["found"][actor] != "alone" or not ends
    if at == "record":
        told = actor == "user" and mine == "aborted"
        recorded = after["again"] == (before["found"][actor] == "signed")
        return not after["released"] or not recorded or (told and after["promised"] == "-")
    return True
