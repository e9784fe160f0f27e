"""Which overwrite rules a bucket gets: those that its destinations need, beside those of other projects that use OSS
Uploads with the same bucket.

Rule: pure. The rules of others are never changed. Nothing in a rule of ours says of which project it is. So each one
is kept, unless an operator drops it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from uploads.domain.destination import Destination
from uploads.operations.needed_rules import protected_prefixes
from uploads.oss import overwrite
from uploads.oss.overwrite import OverwriteRule

IDS = "oss-uploads-forbid-"
"""The beginning of the IDs of our rules, in every project."""
FORBIDS = "a rule that is kept forbids overwriting, which is allowed by: {names}"


@dataclass
class Protection:
    """The rules of ours that the bucket gets, each for everybody, and what is to be said of them."""

    prefixes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Those of them that the destinations do not need: for other projects, or by former settings."""
    dangers: dict[str, str] = field(default_factory=dict)
    """By such a prefix: the destinations that allow what its rule forbids."""
    replaced: list[str] = field(default_factory=list)
    """The IDs of the rules that these replace."""
    dropped: set[str] = field(default_factory=set)
    """The prefixes of rules that end because an operator dropped them."""


def protection(
    document: bytes | None, destinations: Sequence[Destination], dropped: Collection[str] = ()
) -> Protection:
    """The rules of ours beside those of others in this configuration. `dropped`: the prefixes of rules of ours that
    are not kept. Raises Malformed."""
    needed = protected_prefixes(destinations)
    rules = overwrite.read(document) if document else ()
    ours = [each for each in rules if _is_ours(each, {*needed, *dropped})]
    kept = sorted({each.prefix for each in ours} - {*needed, *dropped})
    found = Protection([*needed, *kept], kept, replaced=[each.id for each in ours])
    found.dropped = {each.prefix for each in ours if each.prefix in dropped}
    for prefix in kept:
        names = [each.name for each in destinations if each.prefix.startswith(prefix) and not each.forbid_overwrite]
        if names:
            found.dangers[prefix] = ", ".join(names)
    return found


def _is_ours(rule: OverwriteRule, prefixes: Collection[str]) -> bool:
    """Whether we replace the rule. One that somebody has changed by hand is ours only where a rule is needed."""
    is_as_written = not (rule.suffix or rule.principals)
    return rule.id.startswith(IDS) and (rule.prefix in prefixes or is_as_written)
