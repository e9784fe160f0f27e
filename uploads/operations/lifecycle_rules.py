"""Which lifecycle rules a bucket gets: those that its destinations need, joined with those of other projects that use
OSS Uploads with the same bucket, as far as they can stand beside the rules that others gave it.

Rule: pure. The rules of others are never changed. What a rule of theirs does already needs none of ours. Nothing in a
rule of ours says of which project it is. So each one is kept, unless an operator drops it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from uploads.domain.destination import Destination, outermost
from uploads.domain.overlaps import may_begin_with
from uploads.operations.needed_rules import days_until_abort, days_until_expiry
from uploads.oss import lifecycle
from uploads.oss.lifecycle import ABORT, EXPIRATION, Rule

IDS = "oss-uploads-abort-"
"""The beginning of the IDs of our rules, in every project."""
_DONE = {ABORT: "aborts multipart uploads", EXPIRATION: "deletes objects"}
DROP = (
    "If no project needs that rule, end it with manage.py configure_bucket --drop {prefix}; else choose prefixes that "
    "do not overlap."
)
DELETES = "a rule that is kept deletes completed files of: {names}"
EMPTY = '""'
"""An empty prefix on a command line."""
Ages = dict[str, dict[str, int]]
"""The days by action, ABORT and EXPIRATION, and by key prefix."""


@dataclass
class Fitting:
    """The rules of ours that the bucket gets, and what is to be said of them, by key prefix."""

    aborts: dict[str, int] = field(default_factory=dict)
    expirations: dict[str, int] = field(default_factory=dict)
    """The days of the rules that OSS takes."""
    kept: dict[str, str] = field(default_factory=dict)
    """What these rules do that the destinations do not need: for other projects, or by former settings."""
    conflicts: dict[str, str] = field(default_factory=dict)
    """Why a rule that is needed is left out, with what to do."""
    dangers: dict[str, str] = field(default_factory=dict)
    """The destinations whose completed files are deleted by a kept rule."""
    replaced: list[str] = field(default_factory=list)
    """The IDs of the rules that these replace."""
    dropped: set[str] = field(default_factory=set)
    """The prefixes of rules that end because an operator dropped them."""


def fitting(document: bytes | None, destinations: Sequence[Destination], dropped: Collection[str] = ()) -> Fitting:
    """The rules of ours beside those of others in this lifecycle configuration. `dropped`: the prefixes of rules of
    ours that are not kept. Raises Malformed or Contradiction for one that cannot be read."""
    rules, found = lifecycle.read(document) if document else (), Fitting()
    needed = {ABORT: _joined(days_until_abort(destinations)), EXPIRATION: _joined(days_until_expiry(destinations))}
    ours = [each for each in rules if _is_ours(each, {*needed[ABORT], *needed[EXPIRATION], *dropped})]
    found.replaced = [each.id for each in ours]
    found.dropped = {each.prefix for each in ours if each.prefix in dropped}
    held = [each for each in ours if each.prefix not in dropped and _is_as_written(each)]
    joined = {action: _joined(needed[action], _ages(held, action)) for action in (ABORT, EXPIRATION)}
    _choose(found, joined, [each for each in rules if each.id not in found.replaced], held)
    _spare_files(found, needed[EXPIRATION], held)
    _explain(found, needed)
    for prefix in sorted(set(found.expirations) - set(needed[EXPIRATION])):
        names = [each.name for each in destinations if may_begin_with(each.key, prefix, lambda _: False)]
        if names:
            found.dangers[prefix] = ", ".join(names)
    return found


def _is_ours(rule: Rule, prefixes: Collection[str]) -> bool:
    """Whether we replace the rule. One that somebody has changed by hand is ours only where a rule is needed."""
    return rule.id.startswith(IDS) and (rule.prefix in prefixes or _is_as_written(rule))


def _is_as_written(rule: Rule) -> bool:
    ages = [age for age in (rule.abort, rule.expiration) if age is not None and age.days is not None]
    return rule.enabled and not rule.tags and len(ages) == len(rule.actions)


def _ages(rules: Iterable[Rule], action: str) -> dict[str, int]:
    ages = {rule.prefix: rule.abort if action == ABORT else rule.expiration for rule in rules}
    return {prefix: age.days for prefix, age in ages.items() if age is not None and age.days is not None}


def _joined(*ages: Mapping[str, int]) -> dict[str, int]:
    """The outer prefix stands for all within it, with the longest time: OSS allows no rule inside another's prefix."""
    pairs = [pair for each in ages for pair in each.items()]
    return {
        outer: max(days for prefix, days in pairs if prefix.startswith(outer))
        for outer in outermost(prefix for prefix, _ in pairs)
    }


def _choose(found: Fitting, joined: Ages, theirs: Sequence[Rule], held: Sequence[Rule]) -> None:
    """Takes the rules that OSS takes beside those of others."""
    for prefix in sorted({*joined[ABORT], *joined[EXPIRATION]}):
        days = {action: joined[action].get(prefix) for action in (ABORT, EXPIRATION)}
        needed = {action: count for action, count in days.items() if count and not covered(theirs, prefix, action)}
        stands = any(rule.prefix == prefix and set(needed) <= set(rule.actions) for rule in held)
        conflict = "" if stands else _conflict(theirs, prefix, needed)
        if conflict:
            found.conflicts[prefix] = conflict
            _keep_within(found, prefix, needed, held)
            continue
        if ABORT in needed:
            found.aborts[prefix] = needed[ABORT]
        if EXPIRATION in needed:
            found.expirations[prefix] = needed[EXPIRATION]


def _keep_within(found: Fitting, prefix: str, needed: Mapping[str, int], held: Sequence[Rule]) -> None:
    """Keeps what rules of ours do already inside of this prefix, for all of which OSS gets no rule that does it."""
    for action, chosen in ((ABORT, found.aborts), (EXPIRATION, found.expirations)):
        if action in needed:
            chosen |= {inner: needed[action] for inner in _ages(held, action) if inner.startswith(prefix)}


def _explain(found: Fitting, needed: Ages) -> None:
    """Names what the rules do beyond the needs of the destinations."""
    for action, chosen in ((ABORT, found.aborts), (EXPIRATION, found.expirations)):
        for prefix, days in chosen.items():
            if days != needed[action].get(prefix):
                before = f"{found.kept[prefix]} and " if prefix in found.kept else ""
                found.kept[prefix] = f"{before}{_DONE[action]} after {days} days"


def _spare_files(found: Fitting, needed: Mapping[str, int], held: Sequence[Rule]) -> None:
    """Leaves out a new rule that would delete the completed files of another project, or of former settings.

    A rule that deletes is for a staging prefix. One that only aborts is for a prefix with completed files.
    """
    for prefix in sorted(set(found.expirations) & set(needed)):
        rule = next((each for each in held if each.prefix.startswith(prefix) and not each.expiration), None)
        if rule is not None and not any(each.expiration and prefix.startswith(each.prefix) for each in held):
            _keep_within(found, prefix, {EXPIRATION: found.expirations.pop(prefix)}, held)
            found.conflicts[prefix] = (
                f"The lifecycle rule {rule.id} is for completed files below {rule.prefix}, of another project or of "
                f"former settings. A rule for staged objects would delete them. {DROP.format(prefix=rule.prefix)}"
            )


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
