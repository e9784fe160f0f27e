"""Rules for fault injection: which requests fail, and how.

Rule: without rules nothing fails. A rule is checked when it is set, and its use is counted.

A rule is a JSON object. These members say which requests it applies to; a missing one matches every request:

- `operation`: the name in OSS's manual, such as "UploadPart", or "Preflight"; `*` and `?` are wildcards
- `key`: the object's key, with the same wildcards
- `part_number`: a number or a list of numbers
- `after`: the number of matching requests to leave alone first
- `count`: the highest number of requests to apply it to
- `probability` (0 to 1) and `seed`: apply it to a part of the matching requests, the same ones for the same seed

These say what happens:

- `error`: {status, code, message, headers} as the response
- `delay`: seconds to wait before the operation
- `slow`: bytes per second, in both directions
- `reset`: reset the connection, "before" the operation or in the "middle" of the bytes
- `lose_answer`: run the operation, then reset the connection
- `survive_abort`: store a part that was being sent while its upload was aborted; the upload is there again
- `flip_byte`: change the first byte that arrives; in a form, the first byte of its file
- `hide_etag`: do not expose the ETag header to pages of other origins
- `hide_cors`: send no CORS headers, so that pages of other origins cannot read the response
- `clock_shift`: seconds to add to the server's clock
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


class InvalidRules(Exception):
    """The rules are not valid; the message says why."""


@dataclass(frozen=True, slots=True)
class Error:
    """An error response in place of the operation."""

    status: int
    code: str
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effects:
    """The faults of one request. `delay` and `clock_shift` are in seconds, `slow` in bytes per second."""

    error: Error | None = None
    delay: float = 0.0
    slow: int | None = None
    reset: Literal["", "before", "middle"] = ""
    lose_answer: bool = False
    survive_abort: bool = False
    flip_byte: bool = False
    hide_etag: bool = False
    hide_cors: bool = False
    clock_shift: float = 0.0

    def merged_over(self, other: "Effects") -> "Effects":
        """The effects of both. Where both set one, this object's is used."""
        mine = {name: value for name, value in _items(self) if value}
        return Effects(**{**dict(_items(other)), **mine})


NONE = Effects()


def _items(effects: Effects) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(effects, name)) for name in Effects.__slots__)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests fail, and how. `count` None means every matching request."""

    effects: Effects
    operation: str = "*"
    key: str = "*"
    part_numbers: tuple[int, ...] = ()
    after: int = 0
    count: int | None = None
    probability: float = 1.0
    seed: int = 0

    def matches(self, operation: str, key: str, part_number: str) -> bool:
        """Whether a request is one of those that the rule is about. `part_number` is "" without one."""
        return (
            like(self.operation, operation)
            and like(self.key, key)
            and (not self.part_numbers or part_number in map(str, self.part_numbers))
        )


@dataclass(slots=True)
class _CountedRule:
    rule: Rule
    generator: random.Random
    matched: int = 0
    applied: int = 0

    def applies(self) -> bool:
        """Count a matching request; whether the rule applies to it.

        A random number is drawn for each match, so that the same seed gives the same sequence.
        """
        self.matched += 1
        drawn = self.generator.random() < self.rule.probability
        if self.matched <= self.rule.after or not drawn or self.applied == self.rule.count:
            return False
        self.applied += 1
        return True


class Faults:
    """The current rules and their counts. Safe for threads."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._lock = threading.Lock()
        self._rules: list[_CountedRule] = []
        self.replace(rules)

    def replace(self, rules: Sequence[Rule]) -> None:
        """Set the rules; counts start at zero."""
        # Not for secrets: a seed makes the same requests fail again.
        fresh = [_CountedRule(rule, random.Random(rule.seed)) for rule in rules]  # noqa: S311
        with self._lock:
            self._rules = fresh

    def effects_on(self, operation: str, key: str = "", part_number: str = "") -> Effects:
        """The effects on this request. For each effect, the first rule that sets it decides."""
        effects = NONE
        with self._lock:
            for counted in self._rules:
                if counted.rule.matches(operation, key, part_number) and counted.applies():
                    effects = effects.merged_over(counted.rule.effects)
        return effects

    def report(self) -> list[dict[str, Any]]:
        """The rules with their counts, ready for JSON: "matched" requests, and those it was "applied" to."""
        with self._lock:
            return [
                {**asdict(counted.rule), "matched": counted.matched, "applied": counted.applied}
                for counted in self._rules
            ]


def load(path: Path) -> list[Rule]:
    """The rules of a JSON file. InvalidRules if it cannot be read or is not valid."""
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise InvalidRules(f"cannot read {path}: {error.strerror}") from error


def parse(text: bytes) -> list[Rule]:
    """The rules of a JSON document: `{"rules": [...]}` or the list alone. InvalidRules if it is not valid."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRules("The rules are not JSON.") from error
    listed = document.get("rules") if isinstance(document, dict) else document
    if not isinstance(listed, list) or len(listed) > MAX_RULES:
        raise InvalidRules(f"Expected a list of at most {MAX_RULES} rules.")
    return [_Reader(item, number).rule() for number, item in enumerate(listed, 1)]


class _Reader:
    """Reads one rule from JSON. InvalidRules for a wrong value or an unknown member."""

    def __init__(self, item: Any, number: int) -> None:
        self._where = f"rule {number}"
        if not isinstance(item, dict):
            raise self._invalid("must be an object")
        self._unread = dict(item)

    def rule(self) -> Rule:
        """The rule. Raises InvalidRules."""
        numbers = self._unread.pop("part_number", [])
        numbers = numbers if isinstance(numbers, list) else [numbers]
        if not all(type(number) is int for number in numbers):
            raise self._invalid("part_number must be a number or a list of them")
        rule = Rule(
            operation=self._text("operation", "*"),
            key=self._text("key", "*"),
            part_numbers=tuple(numbers),
            after=int(self._number("after", 0, whole=True)),
            count=int(self._number("count", 0, whole=True)) if "count" in self._unread else None,
            probability=self._number("probability", 1.0, high=1.0),
            seed=int(self._number("seed", 0, whole=True)),
            effects=self._effects(),
        )
        if self._unread:
            raise self._invalid(f"has unknown members: {', '.join(sorted(map(str, self._unread)))}")
        if rule.effects == NONE:
            raise self._invalid("has no effect")
        return rule

    def _effects(self) -> Effects:
        reset = self._unread.pop("reset", "")
        if reset not in ("", *RESETS):
            raise self._invalid('reset must be "before" or "middle"')
        slow = int(self._number("slow", 0, whole=True)) or None
        return Effects(
            error=self._error(),
            delay=self._number("delay", 0.0, high=MAX_SECONDS),
            slow=slow,
            reset=reset,
            lose_answer=self._flag("lose_answer"),
            survive_abort=self._flag("survive_abort"),
            flip_byte=self._flag("flip_byte"),
            hide_etag=self._flag("hide_etag"),
            hide_cors=self._flag("hide_cors"),
            clock_shift=self._number("clock_shift", 0.0, low=-366 * MAX_SECONDS, high=366 * MAX_SECONDS),
        )

    def _error(self) -> Error | None:
        item = self._unread.pop("error", None)
        if item is None:
            return None
        if not isinstance(item, dict) or not item.keys() <= {"status", "code", "message", "headers"}:
            raise self._invalid("error must be {status, code, message, headers}")
        status, code, message = item.get("status"), item.get("code", "InternalError"), item.get("message", "")
        sent = item.get("headers", {})
        if type(status) is not int or not 300 <= status <= 599:
            raise self._invalid("error.status must be between 300 and 599")
        if not (isinstance(code, str) and isinstance(message, str) and _are_headers(sent)):
            raise self._invalid("error.code and error.message are text, error.headers names and values")
        return Error(status, code, message, sent)

    def _text(self, name: str, default: str) -> str:
        value = self._unread.pop(name, default)
        if not isinstance(value, str) or len(value) > 2000:
            raise self._invalid(f"{name} must be text")
        return value

    def _number(self, name: str, default: float, *, whole: bool = False, low: float = 0.0, high: float = 1e15) -> float:
        value = self._unread.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
            raise self._invalid(f"{name} must be a {'whole ' if whole else ''}number between {low:g} and {high:g}")
        return value

    def _flag(self, name: str) -> bool:
        value = self._unread.pop(name, False)
        if not isinstance(value, bool):
            raise self._invalid(f"{name} must be true or false")
        return value

    def _invalid(self, problem: str) -> InvalidRules:
        return InvalidRules(f"{self._where} {problem}.")


def _are_headers(sent: object) -> bool:
    return isinstance(sent, dict) and all(
        isinstance(name, str) and isinstance(value, str) and name.isascii() and name.replace("-", "").isalnum()
        and value.isprintable() for name, value in sent.items()
    )  # fmt: skip
