"""A bucket's overwrite protection: reading its rules, and merging our rules into those of others.

Under a rule OSS refuses to replace an object, whoever asks and with whichever credentials. OSS calls it
PutBucketOverwriteConfig; it exists since November 2025.

Rule: pure. Elements of a rule that are not read here are written back unchanged. Names are OSS's.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count
from xml.etree.ElementTree import Element, SubElement

from uploads.oss import markup
from uploads.oss.errors import Malformed
from uploads.oss.limits import MAX_AFFIX_CHARACTERS, MAX_OVERWRITE_RULES
from uploads.oss.messages import parse

ROOT = "OverwriteConfiguration"
FORBID = "forbid"
"""The only action."""


@dataclass(frozen=True, slots=True)
class OverwriteRule:
    """Objects whose keys have this prefix and this suffix are not replaced. Without `principals` it binds everybody."""

    id: str
    prefix: str = ""
    suffix: str = ""
    principals: tuple[str, ...] = ()

    def covers(self, key: str) -> bool:
        """Whether the rule is about this key."""
        return key.startswith(self.prefix) and key.endswith(self.suffix)


def read(body: bytes) -> tuple[OverwriteRule, ...]:
    """The rules of an overwrite configuration. Raises Malformed."""
    return tuple(_read_rule(element) for element in _elements(body))


def merged(body: bytes | None, name: str, prefixes: Iterable[str], replaced: Collection[str] = ()) -> bytes | None:
    """The configuration as XML, with the rules of the IDs `replaced` replaced by ours and all others unchanged; None if
    no rule is left.

    There is one rule for each of `prefixes`, for everybody. Its ID is `name` and a number. `body` is None for a bucket
    without rules. Raises Malformed, and ValueError for more rules than OSS allows.
    """
    document = Element(ROOT)
    if body is not None:
        document.extend(rule for rule in _elements(body) if _text(rule, "ID") not in replaced)
    taken = {_text(rule, "ID") for rule in document}
    names = (each for number in count() if (each := f"{name}{number}") not in taken)
    for identifier, prefix in zip(names, sorted(set(prefixes)), strict=False):
        rule = SubElement(document, "Rule")
        for tag, text in (("ID", identifier), ("Action", FORBID), ("Prefix", prefix)):
            SubElement(rule, tag).text = text
    if len(document) > MAX_OVERWRITE_RULES:
        raise ValueError(f"The bucket would have {len(document)} overwrite rules; OSS allows {MAX_OVERWRITE_RULES}.")
    return markup.serialize(document) if len(document) else None


def _elements(body: bytes) -> list[Element]:
    elements = parse(body, ROOT).findall("Rule")
    if not 1 <= len(elements) <= MAX_OVERWRITE_RULES:
        raise Malformed(f"A bucket has 1 to {MAX_OVERWRITE_RULES} overwrite rules.")
    return elements


def _read_rule(element: Element) -> OverwriteRule:
    prefix, suffix = element.findtext("Prefix") or "", element.findtext("Suffix") or ""
    if _text(element, "Action") != FORBID:
        raise Malformed(f"The Action of a rule is {FORBID}.")
    if max(len(prefix), len(suffix)) > MAX_AFFIX_CHARACTERS:
        raise Malformed(f"A prefix or suffix has at most {MAX_AFFIX_CHARACTERS} characters.")
    principals = tuple((each.text or "").strip() for each in element.iterfind("Principals/Principal"))
    return OverwriteRule(_text(element, "ID"), prefix, suffix, principals)


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()
