"""Faults on demand: how a page behaves when OSS does not, for the people who write pages.

Rule: nothing happens unless a rule says so; a rule is data, checked when it is given, and what it did is counted.

A rule is a JSON object. What it matches (all of it; what is left out matches everything):
`operation` (OSS's name, "UploadPart"; "Preflight"; "*" wildcards), `key` (with wildcards), `part_number` (one or a
list), `after` (let so many pass first), `count` (strike so often at most), `probability` with `seed`.
What it does: `error` {status, code, message, headers}, `delay` (seconds), `slow` (bytes a second, both ways), `reset`
("before" the work, or in the "middle" of the bytes), `lose_answer` (the work is done, nobody hears of it), `flip_byte`
(of what arrives), `hide_etag` (from pages of other origins), `clock_shift` (seconds).
"""

import json
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from uploads.localoss.wildcards import like

MAX_RULES = 1000
MAX_JSON_BYTES = 1024 * 1024
MAX_SECONDS = 24 * 3600.0
RESETS = ("before", "middle")


class BadRules(Exception):
    """What is wrong with the rules, in words."""


@dataclass(frozen=True, slots=True)
class Error:
    """An answer instead of the work."""

    status: int
    code: str
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effects:
    """What befalls one request."""

    error: Error | None = None
    delay: float = 0.0
    slow: int | None = None
    reset: Literal["", "before", "middle"] = ""
    lose_answer: bool = False
    flip_byte: bool = False
    hide_etag: bool = False
    clock_shift: float = 0.0

    def over(self, other: "Effects") -> "Effects":
        """Both; where both say something, this one does."""
        mine = {name: value for name, value in _items(self) if value}
        return Effects(**{**dict(_items(other)), **mine})


NONE = Effects()


def _items(effects: Effects) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(effects, name)) for name in Effects.__slots__)


@dataclass(frozen=True, slots=True)
class Rule:
    """When to strike, and how."""

    effects: Effects
    operation: str = "*"
    key: str = "*"
    part_numbers: tuple[int, ...] = ()
    after: int = 0
    count: int | None = None
    probability: float = 1.0
    seed: int = 0

    def matches(self, operation: str, key: str, part_number: str) -> bool:
        return (
            like(self.operation, operation)
            and like(self.key, key)
            and (not self.part_numbers or part_number in map(str, self.part_numbers))
        )


@dataclass(slots=True)
class _Counted:
    rule: Rule
    luck: random.Random
    matched: int = 0
    struck: int = 0

    def strikes(self) -> bool:
        """Whether this match is one to act on. The luck is drawn for every match, so that a seed tells the whole."""
        self.matched += 1
        lucky = self.luck.random() < self.rule.probability
        if self.matched <= self.rule.after or not lucky or self.struck == self.rule.count:
            return False
        self.struck += 1
        return True


class Faults:
    """The rules in force, and how often each has struck."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Counted] = []
        self.replace(rules)

    def replace(self, rules: Sequence[Rule]) -> None:
        # Not for secrets: a seed makes the same requests fail again.
        fresh = [_Counted(rule, random.Random(rule.seed)) for rule in rules]  # noqa: S311
        with self._lock:
            self._rules = fresh

    def strike(self, operation: str, key: str = "", part_number: str = "") -> Effects:
        """What befalls this request. The first rule that says something about an effect has the say."""
        effects = NONE
        with self._lock:
            for counted in self._rules:
                if counted.rule.matches(operation, key, part_number) and counted.strikes():
                    effects = effects.over(counted.rule.effects)
        return effects

    def report(self) -> list[dict[str, Any]]:
        """The rules with their counts, as JSON."""
        with self._lock:
            return [
                {**asdict(counted.rule), "matched": counted.matched, "struck": counted.struck}
                for counted in self._rules
            ]


def load(path: Path) -> list[Rule]:
    """The rules of a file."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise BadRules(f"cannot read {path}: {error.strerror}") from error


def parse(text: bytes) -> list[Rule]:
    """`{"rules": [...]}`, or the list alone."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRules("The rules are not JSON.") from error
    listed = document.get("rules") if isinstance(document, dict) else document
    if not isinstance(listed, list) or len(listed) > MAX_RULES:
        raise BadRules(f"Expected a list of at most {MAX_RULES} rules.")
    return [_Reader(item, number).rule() for number, item in enumerate(listed, 1)]


class _Reader:
    """One rule out of JSON: every value checked, nothing left over."""

    def __init__(self, item: Any, number: int) -> None:
        self._where = f"rule {number}"
        if not isinstance(item, dict):
            raise self._wrong("must be an object")
        self._left = dict(item)

    def rule(self) -> Rule:
        numbers = self._left.pop("part_number", [])
        numbers = numbers if isinstance(numbers, list) else [numbers]
        if not all(type(number) is int for number in numbers):
            raise self._wrong("part_number must be a number or a list of them")
        rule = Rule(
            operation=self._text("operation", "*"),
            key=self._text("key", "*"),
            part_numbers=tuple(numbers),
            after=int(self._number("after", 0, whole=True)),
            count=int(self._number("count", 0, whole=True)) if "count" in self._left else None,
            probability=self._number("probability", 1.0, high=1.0),
            seed=int(self._number("seed", 0, whole=True)),
            effects=self._effects(),
        )
        if self._left:
            raise self._wrong(f"does not know {', '.join(sorted(map(str, self._left)))}")
        if rule.effects == NONE:
            raise self._wrong("does nothing")
        return rule

    def _effects(self) -> Effects:
        reset = self._left.pop("reset", "")
        if reset not in ("", *RESETS):
            raise self._wrong('reset must be "before" or "middle"')
        slow = int(self._number("slow", 0, whole=True)) or None
        return Effects(
            error=self._error(),
            delay=self._number("delay", 0.0, high=MAX_SECONDS),
            slow=slow,
            reset=reset,
            lose_answer=self._flag("lose_answer"),
            flip_byte=self._flag("flip_byte"),
            hide_etag=self._flag("hide_etag"),
            clock_shift=self._number("clock_shift", 0.0, low=-366 * MAX_SECONDS, high=366 * MAX_SECONDS),
        )

    def _error(self) -> Error | None:
        item = self._left.pop("error", None)
        if item is None:
            return None
        if not isinstance(item, dict) or not item.keys() <= {"status", "code", "message", "headers"}:
            raise self._wrong("error must be {status, code, message, headers}")
        status, code, message = item.get("status"), item.get("code", "InternalError"), item.get("message", "")
        sent = item.get("headers", {})
        if type(status) is not int or not 300 <= status <= 599:
            raise self._wrong("error.status must be between 300 and 599")
        if not (isinstance(code, str) and isinstance(message, str) and _are_headers(sent)):
            raise self._wrong("error.code and error.message are text, error.headers names and values")
        return Error(status, code, message, sent)

    def _text(self, name: str, default: str) -> str:
        value = self._left.pop(name, default)
        if not isinstance(value, str) or len(value) > 2000:
            raise self._wrong(f"{name} must be text")
        return value

    def _number(self, name: str, default: float, *, whole: bool = False, low: float = 0.0, high: float = 1e15) -> float:
        value = self._left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
            raise self._wrong(f"{name} must be a {'whole ' if whole else ''}number between {low:g} and {high:g}")
        return value

    def _flag(self, name: str) -> bool:
        value = self._left.pop(name, False)
        if not isinstance(value, bool):
            raise self._wrong(f"{name} must be true or false")
        return value

    def _wrong(self, words: str) -> BadRules:
        return BadRules(f"{self._where} {words}.")


def _are_headers(sent: object) -> bool:
    return isinstance(sent, dict) and all(
        isinstance(name, str) and isinstance(value, str) and name.isascii() and name.replace("-", "").isalnum()
        and value.isprintable() for name, value in sent.items()
    )  # fmt: skip
