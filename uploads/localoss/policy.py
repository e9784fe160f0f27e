"""RAM policies, read and evaluated: who may do what, to what, and when.

Manual: RAM, "Policy structure and syntax"; OSS, "RAM policies" for the conditions.

Rule: pure. A Deny wins, a request that no statement allows is denied, and a statement that is not understood never
allows. `uploads.oss.policy` builds policies.
"""

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from uploads.localoss.wildcards import like
from uploads.oss.policy import PolicyError


@dataclass(frozen=True, slots=True)
class Condition:
    """Is met if the request's value for `key` matches any of `values`."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Applies to a request when an action, a resource and every condition match."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of one policy; without any it allows nothing."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """May `action` be done to `resource`? `values` holds the facts of the request, by condition key in lower case."""

    action: str
    resource: str
    values: Mapping[str, str] = field(default_factory=dict)


def allows(policy: Policy, question: Question) -> bool:
    """Whether a statement allows it and none denies it."""
    effects = {statement.effect for statement in policy.statements if _applies(statement, question)}
    return effects == {"Allow"}


def denies(policy: Policy, question: Question) -> bool:
    """Whether a statement denies it."""
    return any(statement.effect == "Deny" and _applies(statement, question) for statement in policy.statements)


def _applies(statement: Statement, question: Question) -> bool:
    """A condition that is not understood never matches in an Allow and always matches in a Deny."""
    return (
        any(like(pattern.lower(), question.action.lower()) for pattern in statement.actions)
        and any(_covers(pattern, question.resource) for pattern in statement.resources)
        and all(_holds(condition, question.values, statement.effect) for condition in statement.conditions)
    )


def _covers(pattern: str, resource: str) -> bool:
    """`acs:oss:region:account:path` is compared field by field, so that no wildcard matches across a colon."""
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 4), resource.split(":", 4)
    if len(wanted) != len(given):
        return False
    # An empty region or account means any.
    wanted[2], wanted[3] = wanted[2] or "*", wanted[3] or "*"
    return all(like(one, other) for one, other in zip(wanted, given, strict=True))


def _holds(condition: Condition, values: Mapping[str, str], effect: str) -> bool:
    test = OPERATORS.get(condition.operator)
    given = values.get(condition.key.lower())
    if test is None:
        return effect == "Deny"
    negated, fits = test
    if given is None:
        # A value that the request does not have meets the negated operators and no others.
        return negated
    try:
        found = any(fits(value, given) for value in condition.values)
    except ValueError:
        return effect == "Deny"
    return found != negated


def _same_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _in_network(wanted: str, given: str) -> bool:
    return ipaddress.ip_address(given) in ipaddress.ip_network(wanted, strict=False)


def _times(compare: Callable[[datetime, datetime], bool]) -> Callable[[str, str], bool]:
    def fits(wanted: str, given: str) -> bool:
        first, second = datetime.fromisoformat(given), datetime.fromisoformat(wanted)
        if first.tzinfo is None or second.tzinfo is None:
            raise ValueError("a time without a time zone")
        return compare(first, second)

    return fits


_equals: Callable[[str, str], bool] = str.__eq__
OPERATORS: dict[str, tuple[bool, Callable[[str, str], bool]]] = {
    "StringEquals": (False, _equals),
    "StringNotEquals": (True, _equals),
    "StringEqualsIgnoreCase": (False, _same_case),
    "StringNotEqualsIgnoreCase": (True, _same_case),
    "StringLike": (False, like),
    "StringNotLike": (True, like),
    "Bool": (False, _same_case),
    "IpAddress": (False, _in_network),
    "NotIpAddress": (True, _in_network),
    "DateEquals": (False, _times(lambda given, wanted: given == wanted)),
    "DateNotEquals": (True, _times(lambda given, wanted: given == wanted)),
    "DateLessThan": (False, _times(lambda given, wanted: given < wanted)),
    "DateLessThanEquals": (False, _times(lambda given, wanted: given <= wanted)),
    "DateGreaterThan": (False, _times(lambda given, wanted: given > wanted)),
    "DateGreaterThanEquals": (False, _times(lambda given, wanted: given >= wanted)),
}
"""By name: whether the operator is negated, and a function of the wanted and the given value."""


def parse(text: str) -> Policy:
    """The policy in this JSON text. Raises PolicyError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError("The policy is not JSON.") from error
    if not isinstance(document, dict) or document.get("Version") != "1":
        raise PolicyError('A policy is an object with "Version": "1".')
    statements = document.get("Statement")
    if not isinstance(statements, list) or document.keys() - {"Version", "Statement"}:
        raise PolicyError("A policy has a Version, a list named Statement, and nothing else.")
    return Policy(tuple(map(_statement, statements)))


def _statement(item: Any) -> Statement:
    if not isinstance(item, dict) or item.keys() - {"Effect", "Action", "Resource", "Condition"}:
        raise PolicyError("A statement has an Effect, Action, Resource and Condition only.")
    effect = item.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError("The Effect of a statement is Allow or Deny.")
    return Statement(effect, _texts(item, "Action"), _texts(item, "Resource"), _conditions(item.get("Condition", {})))


def _conditions(item: Any) -> tuple[Condition, ...]:
    if not isinstance(item, dict) or not all(isinstance(keys, dict) for keys in item.values()):
        raise PolicyError("A Condition maps operators to keys and values.")
    return tuple(Condition(operator, key, _texts(keys, key)) for operator, keys in item.items() for key in keys)


def _texts(item: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = item.get(name)
    values = value if isinstance(value, list) else [value]
    # In a Bool condition JSON's true means the same as "true".
    values = [str(one).lower() if isinstance(one, bool) else one for one in values]
    if not values or not all(isinstance(one, str) for one in values):
        raise PolicyError(f"{name} must be a string or a list of strings.")
    return tuple(values)
