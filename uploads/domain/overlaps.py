"""Whether one destination's keys, or those of its users, can lie where another one lets users write by themselves.

Rule: pure. What is not certain counts as an overlap: a value that stands for a field may equal any text.
"""

import re
import string
from collections.abc import Callable

_USER, _UUID, _PATH, _ANY = "\0", "\1", "\2", "\3"
"""Stand for the fields of a template. No key has such characters."""
_FIELDS = {"user_id": _USER, "uuid": _UUID, "path": _PATH}


def may_lie_in_own_prefix(template: str, own: str, is_user: Callable[[str], bool]) -> bool:
    """Whether a key of `template` may begin with the prefix that some user has of the template `own`.

    That prefix ends after the segment {user_id}. `is_user`: whether a text may be such a segment.
    """
    theirs, prefix = _segments(template), _own_segments(own)
    for mine, other in zip(prefix, theirs, strict=False):
        if _PATH in other:
            return True
        if not _may_be_same(mine, other, is_user):
            return False
    return len(theirs) > len(prefix)


def may_begin_with(template: str, prefix: str, is_user: Callable[[str], bool]) -> bool:
    """Whether a key of `template` may lie in the directory `prefix`. One without a slash at its end counts as one."""
    return may_lie_in_own_prefix(template, re.sub("[{}]", r"\g<0>\g<0>", prefix.rstrip("/")), is_user)


def own_prefixes_may_overlap(first: str, second: str, is_user: Callable[[str], bool]) -> bool:
    """Whether the own prefix of some user in one of these templates may begin with that of some user in the other."""
    pairs = zip(_own_segments(first), _own_segments(second), strict=False)
    return all(_may_be_same(mine, other, is_user) for mine, other in pairs)


def _own_segments(template: str) -> list[str]:
    """Those of the prefix that a user has of the template: up to the one with {user_id}."""
    found = _segments(template)
    return found[: next((number for number, text in enumerate(found, 1) if _USER in text), len(found))]


def _segments(template: str) -> list[str]:
    """The template between its slashes, with a character for each field."""
    text = ""
    for literal, name, form, _ in string.Formatter().parse(template):
        text += literal
        if name == "date" and form:
            text += re.sub("%.", _ANY, form)
        elif name is not None:
            text += _FIELDS.get(name, _ANY)
    return text.split("/")


def _may_be_same(mine: str, other: str, is_user: Callable[[str], bool]) -> bool:
    has_field = [any(sign in text for sign in (_USER, _UUID, _PATH, _ANY)) for text in (mine, other)]
    if not any(has_field):
        return mine == other
    starts = [re.split(f"[{_USER}{_UUID}{_PATH}{_ANY}]", text)[0] for text in (mine, other)]
    if not (starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])):
        return False
    if _USER in (mine, other) and not all(has_field):
        return is_user(other if mine == _USER else mine)
    if _UUID in (mine, other) and not all(has_field):
        return bool(re.fullmatch("[0-9a-f]{32}", other if mine == _UUID else mine))
    return {mine, other} != {_USER, _UUID}  # The server makes the id after the user's key was chosen, and at random.
