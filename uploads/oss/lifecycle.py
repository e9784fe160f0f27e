"""A bucket's lifecycle rules: reading them, and merging our rules into those of others.

Manual, "PutBucketLifecycle": https://help.aliyun.com/en/oss/developer-reference/putbucketlifecycle

Rule: pure. Elements of a rule that are not read here are written back unchanged. Names are OSS's.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from xml.etree.ElementTree import Element, SubElement

from uploads.oss import markup
from uploads.oss.errors import Malformed
from uploads.oss.limits import MAX_LIFECYCLE_RULES
from uploads.oss.messages import parse

ROOT = "LifecycleConfiguration"
ABORT, EXPIRATION = "AbortMultipartUpload", "Expiration"
ACTIONS = (ABORT, EXPIRATION, "Transition", "NoncurrentVersionExpiration", "NoncurrentVersionTransition")
OVERLAPPING = (ABORT, EXPIRATION, "NoncurrentVersionExpiration")
"""The actions that rules with overlapping prefixes must not share (OSS's page "0014-00000084")."""
MAX_ID_BYTES = 255
"""Bytes of UTF-8 in the ID of a rule."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T00:00:00\.000Z")
_MAX_DAYS = 100_000


class Contradiction(Exception):
    """Rules that are well-formed but contradict each other or themselves. The message says which. `code` and `ec` are
    those of OSS's error; an empty `ec` is unknown."""

    def __init__(self, message: str, ec: str = "", code: str = "InvalidRequest") -> None:
        self.code, self.ec = code, ec
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Age:
    """An age in days since an upload was initiated or an object was changed, or a date (midnight UTC) before which
    it was, or a date from which on any age will do. One of the three is set."""

    days: int | None = None
    before: datetime | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `abort` applies to multipart uploads, `expiration` to objects; None means that the rule does not.

    `actions` names all actions of the rule, also those that are not read here.
    """

    id: str
    prefix: str
    enabled: bool
    abort: Age | None = None
    expiration: Age | None = None
    tags: tuple[tuple[str, str], ...] = ()
    actions: tuple[str, ...] = ()


def contradiction(first: Rule, second: Rule) -> Contradiction | None:
    """Why OSS refuses these two rules in one configuration; None if it takes them.

    With the header `x-oss-allow-same-action-overlap: true` it takes overlapping prefixes. OSS's pages "0014-00000084"
    and "0014-00000085": https://help.aliyun.com/zh/oss/support/0014-00000084
    """
    if first.tags or second.tags:
        return None  # They apply to different objects.
    if first.prefix == second.prefix:
        return Contradiction("Found same prefix in different rules", "0014-00000085")
    if first.prefix.startswith(second.prefix) or second.prefix.startswith(first.prefix):
        for action in OVERLAPPING:
            if action in first.actions and action in second.actions:
                return Contradiction(f"Overlap for same action type {action}", "0014-00000084")
    return None


def read(body: bytes) -> tuple[Rule, ...]:
    """The rules of a lifecycle configuration. Raises Malformed or Contradiction."""
    return tuple(read_rule(element) for element in rule_elements(body))


def merged(
    body: bytes | None,
    name: str,
    aborts: Mapping[str, int],
    expirations: Mapping[str, int],
    replaced: Collection[str] = (),
) -> bytes | None:
    """The lifecycle configuration as XML, with the rules of the IDs `replaced` replaced by ours and all others
    unchanged; None if no rule is left.

    `aborts` maps a key prefix to the number of days after which multipart uploads under it are aborted, `expirations`
    to that after which objects under it are deleted. The ID of a rule of ours is `name` and a number. `body` is None
    for a bucket without rules. Raises Malformed.
    """
    document = Element(ROOT)
    if body is not None:
        document.extend(rule for rule in rule_elements(body) if _text(rule, "ID") not in replaced)
    taken = {_text(rule, "ID") for rule in document}
    names = (each for number in count() if (each := f"{name}{number}") not in taken)
    for identifier, prefix in zip(names, sorted({*aborts, *expirations}), strict=False):
        rule = SubElement(document, "Rule")
        for tag, text in (("ID", identifier), ("Prefix", prefix), ("Status", "Enabled")):
            SubElement(rule, tag).text = text
        for action, days in ((EXPIRATION, expirations), (ABORT, aborts)):
            if prefix in days:
                SubElement(SubElement(rule, action), "Days").text = str(days[prefix])
    return markup.serialize(document) if len(document) else None


def classes_given(body: bytes, key: str, tags: Mapping[str, str], modified: datetime, now: datetime) -> set[str]:
    """The storage classes that these rules may have given an object by now. Raises Malformed.

    A rule by the last access counts as one by the last change, which was not later. Filters are not read.
    """
    found = set()
    for rule in rule_elements(body):
        wanted = {(tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in rule.iterfind("Tag")}
        applies = _text(rule, "Status") == "Enabled" and key.startswith(rule.findtext("Prefix") or "")
        if applies and wanted <= set(tags.items()):
            each = rule.iterfind("Transition")
            found |= {_text(transition, "StorageClass") for transition in each if _is_due(transition, modified, now)}
    return found


def _is_due(transition: Element, modified: datetime, now: datetime) -> bool:
    days, before = _text(transition, "Days"), _text(transition, "CreatedBeforeDate")
    if days.isascii() and days.isdigit():
        return now - modified >= timedelta(days=min(int(days), _MAX_DAYS))
    return bool(before) and modified < _midnight(before)


def rule_elements(body: bytes) -> list[Element]:
    """The <Rule> elements of a lifecycle configuration. Raises Malformed for none or too many."""
    elements = parse(body, ROOT).findall("Rule")
    if not 1 <= len(elements) <= MAX_LIFECYCLE_RULES:
        raise Malformed(f"A bucket has 1 to {MAX_LIFECYCLE_RULES} lifecycle rules.")
    return elements


def read_rule(element: Element) -> Rule:
    """The rule in a <Rule> element. Raises Malformed or Contradiction."""
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
    days, before, since = _text(element, "Days"), _text(element, "CreatedBeforeDate"), _text(element, "Date")
    marker = _text(element, "ExpiredObjectDeleteMarker").lower() == "true" and action == EXPIRATION
    if marker and (days or before or since):
        raise Contradiction("ExpiredObjectDeleteMarker excludes Days and CreatedBeforeDate.", "0014-00000059")
    if sum(map(bool, (days, before, since))) > 1:
        raise Contradiction("A rule has either Days or CreatedBeforeDate.", "0014-00000061")
    if days:
        if not (days.isascii() and days.isdigit() and len(days) <= 6 and 1 <= int(days) <= _MAX_DAYS):
            raise Malformed("Days must be a positive whole number.")
        return Age(days=int(days))
    if before:
        return Age(before=_midnight(before))
    if since and action == EXPIRATION:
        # The Go SDK V1 and oss2 send and read this older form. OSS's page "0014-00000056" refuses it.
        return Age(since=_midnight(since))
    if marker:
        return None
    raise Malformed(f"{action} needs Days or CreatedBeforeDate.")


def _midnight(text: str) -> datetime:
    if not _DATE.fullmatch(text):
        raise Malformed("A date must be a midnight such as 2026-01-15T00:00:00.000Z.")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("A date must be a midnight such as 2026-01-15T00:00:00.000Z.") from error


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()
