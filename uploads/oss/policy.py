"""RAM policies: who may do what, to what, and when.

Rule: pure; a Deny wins, silence is no, and what cannot be understood never allows. Source: the RAM manual, "Policy
structure and syntax"; the conditions are those that OSS documents.
"""

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from uploads.oss.wildcards import like


class PolicyError(ValueError):
    """What is wrong with a policy, in words."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds if the request's value for `key` fits any of `values`."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Speaks of a request when action, resource and every condition fit."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """May `action` be done to `resource`? `values`: what is known of the request, by condition key in lower case."""

    action: str
    resource: str
    values: Mapping[str, str] = field(default_factory=dict)


def allows(policy: Policy, question: Question) -> bool:
    """Whether a statement allows it and none denies it."""
    spoken = {statement.effect for statement in policy.statements if _speaks_of(statement, question)}
    return spoken == {"Allow"}


def _speaks_of(statement: Statement, question: Question) -> bool:
    """What is not understood makes an Allow silent and a Deny speak."""
    return (
        any(like(pattern.lower(), question.action.lower()) for pattern in statement.actions)
        and any(_covers(pattern, question.resource) for pattern in statement.resources)
        and all(_holds(condition, question.values, statement.effect) for condition in statement.conditions)
    )


def _covers(pattern: str, resource: str) -> bool:
    """`acs:oss:region:account:path`, field by field, so that no wildcard reaches over a colon into the next."""
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 4), resource.split(":", 4)
    if len(wanted) != len(given):
        return False
    # Region and account may be left empty, which is as good as `*`.
    wanted[2], wanted[3] = wanted[2] or "*", wanted[3] or "*"
    return all(like(one, other) for one, other in zip(wanted, given, strict=True))


def _holds(condition: Condition, values: Mapping[str, str], effect: str) -> bool:
    test = OPERATORS.get(condition.operator)
    given = values.get(condition.key.lower())
    if test is None:
        return effect == "Deny"
    negated, fits = test
    if given is None:
        # A request that does not say is unlike anything; it cannot be like something.
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
            raise ValueError("A time without its zone.")
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
"""Name → whether it negates, and (wanted, given) → fits."""


# Reading and writing


def parse(text: str) -> Policy:
    """The policy in this JSON. Raises PolicyError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError("The policy is not JSON.") from error
    if not isinstance(document, dict) or document.get("Version") != "1":
        raise PolicyError('A policy is an object with "Version": "1".')
    statements = document.get("Statement")
    if not isinstance(statements, list) or document.keys() - {"Version", "Statement"}:
        raise PolicyError("A policy holds Version and a list named Statement, and nothing else.")
    return Policy(tuple(map(_statement, statements)))


def _statement(item: Any) -> Statement:
    if not isinstance(item, dict) or item.keys() - {"Effect", "Action", "Resource", "Condition"}:
        raise PolicyError("A statement holds Effect, Action, Resource and Condition.")
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
    # JSON's own true is as good as "true" in a Bool condition.
    values = [str(one).lower() if isinstance(one, bool) else one for one in values]
    if not values or not all(isinstance(one, str) for one in values):
        raise PolicyError(f"{name} is a text or a list of texts.")
    return tuple(values)


def allow(
    actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One statement that allows, as JSON has it."""
    limited = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources), **limited}


def document(statements: Iterable[Mapping[str, Any]]) -> str:
    """A whole policy, as short as JSON can be: STS takes 2,048 characters."""
    return json.dumps({"Version": "1", "Statement": list(statements)}, separators=(",", ":"), ensure_ascii=False)


def object_resource(bucket: str, key: str) -> str:
    """The resource of one object; a `*` or `?` in the key would be a wildcard, so such a key has none."""
    if "*" in key or "?" in key:
        raise PolicyError("A key with * or ? cannot be named in a policy.")
    return f"acs:oss:*:*:{bucket}/{key}"
