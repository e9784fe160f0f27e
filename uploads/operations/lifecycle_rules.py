"""Which of the lifecycle rules that uploads need can stand beside the rules that others gave the bucket.

Rule: pure. The rules of others are never changed. What a rule of theirs does already needs none of ours.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from uploads.oss import lifecycle
from uploads.oss.lifecycle import ABORT, EXPIRATION, Rule

IDS = "oss-uploads-abort-"
"""The beginning of the IDs of our rules."""
_DONE = {ABORT: "aborts multipart uploads", EXPIRATION: "deletes objects"}


@dataclass
class Fitting:
    """By key prefix: the days of the rules that OSS takes, and why it takes no rule, with what to do."""

    aborts: dict[str, int] = field(default_factory=dict)
    expirations: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)


def fitting(document: bytes | None, aborts: Mapping[str, int], expirations: Mapping[str, int]) -> Fitting:
    """The rules that are needed beside those of others in this lifecycle configuration. Raises Malformed or
    Contradiction for one that cannot be read."""
    theirs, found = rules_of_others(document), Fitting()
    for prefix in sorted({*aborts, *expirations}):
        days = {ABORT: aborts.get(prefix), EXPIRATION: expirations.get(prefix)}
        needed = {action: count for action, count in days.items() if count and not covered(theirs, prefix, action)}
        conflict = _conflict(theirs, prefix, needed)
        if conflict:
            found.conflicts[prefix] = conflict
            continue
        if ABORT in needed:
            found.aborts[prefix] = needed[ABORT]
        if EXPIRATION in needed:
            found.expirations[prefix] = needed[EXPIRATION]
    return found


def rules_of_others(document: bytes | None) -> list[Rule]:
    """Raises Malformed or Contradiction."""
    return [rule for rule in (lifecycle.read(document) if document else ()) if not rule.id.startswith(IDS)]


def covered(rules: Sequence[Rule], prefix: str, action: str) -> bool:
    """Whether one of these rules does this to everything below the prefix, at some age. A date passes once."""
    for rule in rules:
        age = rule.abort if action == ABORT else rule.expiration
        if rule.enabled and not rule.tags and age is not None and age.days and prefix.startswith(rule.prefix):
            return True
    return False


def overlap(rules: Sequence[Rule]) -> bool:
    """Whether OSS takes these rules together only if it is told that prefixes may overlap."""
    return any(lifecycle.contradiction(*pair) for pair in combinations(rules, 2))


def _conflict(theirs: Sequence[Rule], prefix: str, needed: Mapping[str, int]) -> str:
    """Why OSS takes no rule of ours for this prefix, and what to do; "" if it takes one, or none is needed."""
    if not needed:
        return ""
    ours = Rule("", prefix, enabled=True, actions=tuple(needed))
    rule = next((each for each in theirs if lifecycle.contradiction(each, ours)), None)
    if rule is None:
        return ""
    name = f"The lifecycle rule {rule.id}"
    if rule.prefix == prefix:
        wanted = " and ".join(f"{_DONE[action]} after {days} days" for action, days in needed.items())
        return f"{name} has the same prefix, and OSS takes one rule for each. Change that rule so that it {wanted}."
    shared = " and ".join(_DONE[action] for action in _shared(rule, needed))
    return (
        f"{name} for {rule.prefix or 'all keys'} {shared} too, and OSS takes no two such rules whose prefixes overlap. "
        "Delete that rule, or change its prefix."
    )


def _shared(rule: Rule, actions: Collection[str]) -> list[str]:
    return [action for action in actions if action in rule.actions]
