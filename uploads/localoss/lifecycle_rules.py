"""A bucket's lifecycle configuration as OSS stores it: checked as a whole and completed.

Manual: "PutBucketLifecycle".

Rule: pure. `uploads.oss.lifecycle` reads single rules; `uploads.localoss.lifecycle` applies them.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from xml.etree.ElementTree import Element, SubElement

from uploads.oss import markup
from uploads.oss.lifecycle import ROOT, Age, Contradiction, Rule, contradiction, read_rule, rule_elements

CLASSES = ("IA", "Archive", "ColdArchive", "DeepColdArchive")
"""The storage classes, in the order in which objects go through them."""


def reached(age: Age, since: datetime, now: datetime) -> bool:
    """Whether something that began or was last changed at `since` has this age now."""
    if age.before is not None:
        return since < age.before
    if age.since is not None:
        return now >= age.since
    return age.days is not None and now >= since + timedelta(days=age.days)


def normalized(body: bytes, *, overlap: bool = False) -> bytes:
    """The configuration as XML, each rule with an ID, a prefix and a status; other content is left as it is.

    `overlap` allows rules with overlapping prefixes; whether OSS then allows the same prefix too is unknown. Raises
    Malformed for a rule that cannot be read, and Contradiction for rules that OSS refuses together.
    """
    elements = rule_elements(body)
    for element in elements:
        _complete(element)
        _check_transitions(element)
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
    for first, second in () if overlap else combinations(rules, 2):
        if found := contradiction(first, second):
            raise found


def _check_transitions(element: Element) -> None:
    """Contradiction unless objects go from class to class, and then expire, with more days each time.

    The words about two transitions are OSS's (manual: "Lifecycle rules based on the last modified time", FAQ). Those
    about an expiration are unknown; the rule is in the manual ("PutBucketLifecycle", element Transition).
    """
    days = {}
    for transition in element.iterfind("Transition"):
        text = (transition.findtext("Days") or "").strip()
        if text.isascii() and text.isdigit():
            days[(transition.findtext("StorageClass") or "").strip()] = int(text)
    ordered = [(name, days[name]) for name in CLASSES if name in days]
    for (earlier, fewer), (later, more) in pairwise(ordered):
        if more <= fewer:
            message = (
                f"Days in the Transition action for StorageClass {later} must be more than "
                f"the Transition action for StorageClass {earlier}"
            )
            raise Contradiction(message, code="InvalidArgument")
    expires = (element.findtext("Expiration/Days") or "").strip()
    if ordered and expires.isascii() and expires.isdigit() and int(expires) <= ordered[-1][1]:
        message = "Days in the Expiration action must be more than the Transition action"
        raise Contradiction(message, code="InvalidArgument")
