"""A bucket's lifecycle configuration as OSS stores it: checked as a whole and completed.

Manual: "PutBucketLifecycle".

Rule: pure. `uploads.oss.lifecycle` reads single rules; `uploads.localoss.lifecycle` applies them.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations
from xml.etree.ElementTree import Element, SubElement

from uploads.oss import markup
from uploads.oss.lifecycle import ABORT, EXPIRATION, ROOT, Age, Contradiction, Rule, read_rule, rule_elements


def reached(age: Age, since: datetime, now: datetime) -> bool:
    """Whether something that began or was last changed at `since` has this age now."""
    if age.before is not None:
        return since < age.before
    return age.days is not None and now >= since + timedelta(days=age.days)


def normalized(body: bytes, *, overlap: bool = False) -> bytes:
    """The configuration as XML, each rule with an ID, a prefix and a status; other content is left as it is.

    `overlap` allows rules of the same action with overlapping prefixes. Raises Malformed for a rule that cannot be
    read, and Contradiction for rules that OSS refuses together.
    """
    elements = rule_elements(body)
    for element in elements:
        _complete(element)
    _check_together([read_rule(element) for element in elements], overlap=overlap)
    document = Element(ROOT)
    document.extend(elements)
    return markup.serialize(document)


def _complete(element: Element) -> None:
    """Adds the ID and the prefix that a client may leave out."""
    if not (element.findtext("ID") or "").strip():
        for empty in element.findall("ID"):
            element.remove(empty)
        identifier = Element("ID")
        identifier.text = secrets.token_hex(16)
        element.insert(0, identifier)
    if element.find("Prefix") is None:
        SubElement(element, "Prefix").text = ""


def _check_together(rules: Sequence[Rule], *, overlap: bool) -> None:
    names = [rule.id for rule in rules]
    if len(set(names)) != len(names):
        raise Contradiction("Two rules have the same ID.")
    for action in () if overlap else (ABORT, EXPIRATION):
        for first, second in combinations(_untagged(rules, action), 2):
            if first.prefix.startswith(second.prefix) or second.prefix.startswith(first.prefix):
                raise Contradiction(f"Overlap for same action type {action}: {first.id} and {second.id}.")


def _untagged(rules: Sequence[Rule], action: str) -> Iterator[Rule]:
    """Rules with tags may overlap, because they apply to different objects."""
    return (rule for rule in rules if action in rule.actions and not rule.tags)
