"""A bucket's lifecycle rules: what is given up, and when.

Rule: pure; what a rule says beyond what is understood here is kept as it came. Names are OSS's own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from uploads.oss import markup
from uploads.oss.errors import Malformed
from uploads.oss.limits import MAX_LIFECYCLE_RULES
from uploads.oss.messages import parse

ROOT = "LifecycleConfiguration"
ABORT, EXPIRATION = "AbortMultipartUpload", "Expiration"
ACTIONS = (ABORT, EXPIRATION, "Transition", "NoncurrentVersionExpiration", "NoncurrentVersionTransition")
MAX_ID_BYTES = 255
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T00:00:00\.000Z")
_MAX_DAYS = 100_000


class Contradiction(Exception):
    """Rules that are well-formed and still cannot stand: what contradicts what, in words."""


@dataclass(frozen=True, slots=True)
class Age:
    """Days since the initiate or the last change; or: whatever is from before a midnight (UTC)."""

    days: int | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`abort` is for multipart uploads, `expiration` for objects; None: the rule leaves them alone."""

    id: str
    prefix: str
    enabled: bool
    abort: Age | None = None
    expiration: Age | None = None
    tags: tuple[tuple[str, str], ...] = ()
    actions: tuple[str, ...] = ()


def read(body: bytes) -> tuple[Rule, ...]:
    """The rules of a document. Raises Malformed or Contradiction."""
    return tuple(read_rule(element) for element in rule_elements(body))


def merged(body: bytes | None, prefix_of_ids: str, aborts: Mapping[str, int]) -> bytes:
    """The document with our rules (IDs that begin so) replaced by one for each key prefix of `aborts`: multipart
    uploads under it are given up after so many days. What others wrote stays as it came."""
    document = Element(ROOT)
    if body is not None:
        others = (rule for rule in rule_elements(body) if not _text(rule, "ID").startswith(prefix_of_ids))
        document.extend(others)
    for number, (prefix, days) in enumerate(sorted(aborts.items())):
        rule = SubElement(document, "Rule")
        for tag, text in (("ID", f"{prefix_of_ids}{number}"), ("Prefix", prefix), ("Status", "Enabled")):
            SubElement(rule, tag).text = text
        SubElement(SubElement(rule, ABORT), "Days").text = str(days)
    return markup.serialize(document)


def rule_elements(body: bytes) -> list[Element]:
    elements = parse(body, ROOT).findall("Rule")
    if not 1 <= len(elements) <= MAX_LIFECYCLE_RULES:
        raise Malformed(f"A bucket has 1 to {MAX_LIFECYCLE_RULES} lifecycle rules.")
    return elements


def read_rule(element: Element) -> Rule:
    identifier, status = _text(element, "ID"), _text(element, "Status")
    if len(identifier.encode()) > MAX_ID_BYTES:
        raise Malformed(f"The ID of a rule has at most {MAX_ID_BYTES} bytes.")
    if status not in ("Enabled", "Disabled"):
        raise Malformed("The Status of a rule is Enabled or Disabled.")
    actions = tuple(action for action in ACTIONS if element.find(action) is not None)
    if not actions:
        raise Malformed("A rule needs an action.")
    tags = tuple((tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in element.iterfind("Tag"))
    if tags and ABORT in actions:
        raise Contradiction("A rule that aborts multipart uploads cannot name tags: parts have none.")
    return Rule(
        identifier, element.findtext("Prefix") or "", status == "Enabled", _age(element, ABORT),
        _age(element, EXPIRATION), tags, actions,
    )  # fmt: skip


def _age(rule: Element, action: str) -> Age | None:
    element = rule.find(action)
    if element is None:
        return None
    days, before = _text(element, "Days"), _text(element, "CreatedBeforeDate")
    if days and before:
        raise Contradiction("A rule has either Days or CreatedBeforeDate.")
    if days:
        if not (days.isascii() and days.isdigit() and len(days) <= 6 and 1 <= int(days) <= _MAX_DAYS):
            raise Malformed("Days must be a positive whole number.")
        return Age(days=int(days))
    if before:
        return Age(before=_midnight(before))
    if action == EXPIRATION and _text(element, "ExpiredObjectDeleteMarker"):
        return None
    raise Malformed(f"{action} needs Days or CreatedBeforeDate.")


def _midnight(text: str) -> datetime:
    if not _DATE.fullmatch(text):
        raise Malformed("CreatedBeforeDate must be a midnight such as 2026-01-15T00:00:00.000Z.")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("CreatedBeforeDate must be a midnight such as 2026-01-15T00:00:00.000Z.") from error


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()
