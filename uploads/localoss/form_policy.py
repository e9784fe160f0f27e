"""The policy of a PostObject form, read and checked against the fields that the form has.

Manual: "PostObject", section on the form's policy.

Rule: pure. `uploads.oss.post` builds and signs such policies.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from uploads.oss.post import LENGTH

OPERATORS = ("eq", "starts-with", "in", "not-in")


class PolicyInvalid(ValueError):
    """A policy that cannot be read. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` is in lower case, without its `$`. `in` and `not-in` have several values, other operators have one."""

    operator: str
    field: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """The condition as OSS quotes it in its error message."""
        values: Any = list(self.values) if self.operator in ("in", "not-in") else self.values[0]
        return json.dumps([self.operator, f"${self.field}", values], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class FormPolicy:
    """`sizes`: the fewest and the most bytes that the file may have; None without a limit."""

    expiration: datetime
    conditions: tuple[Condition, ...]
    sizes: tuple[int, int] | None = None

    def failed(self, fields: Mapping[str, str]) -> Condition | None:
        """The first condition that is not met, or None. `fields` has lower-case names and includes `bucket`."""
        return next((condition for condition in self.conditions if not _holds(condition, fields)), None)

    def names(self) -> set[str]:
        """The names of the fields that have a condition."""
        return {condition.field for condition in self.conditions}


def _holds(condition: Condition, fields: Mapping[str, str]) -> bool:
    """A field that the form lacks fulfils no condition.

    Manual, "0006-00000226": https://help.aliyun.com/en/oss/user-guide/0006-00000226
    """
    value = fields.get(condition.field)
    if value is None:
        return False
    if condition.operator == "starts-with":
        return value.startswith(condition.values[0])
    if condition.operator == "not-in":
        return value not in condition.values
    return value in condition.values


def parse(policy: str) -> FormPolicy:
    """The policy in this base64 text, which is the form's field `policy`. Raises PolicyInvalid."""
    try:
        document = json.loads(base64.b64decode(policy, validate=True).decode())
    except (binascii.Error, ValueError, RecursionError) as error:
        raise PolicyInvalid("it is not JSON in base64") from error
    if not isinstance(document, dict) or not isinstance(document.get("conditions"), list):
        raise PolicyInvalid("conditions are missing")
    conditions, sizes = [], None
    for item in document["conditions"]:
        if isinstance(item, list) and item and item[0] == LENGTH:
            sizes = _sizes(item)
        else:
            conditions.append(_condition(item))
    return FormPolicy(_time(document.get("expiration")), tuple(conditions), sizes)


def _time(text: object) -> datetime:
    if isinstance(text, str):
        for form in ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ"):
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
    raise PolicyInvalid("expiration must be a time such as 2026-01-15T09:30:00.000Z")


def _sizes(item: list[Any]) -> tuple[int, int]:
    if len(item) == 3 and all(type(size) is int and 0 <= size < 1 << 63 for size in item[1:]) and item[1] <= item[2]:
        return item[1], item[2]
    raise PolicyInvalid(f"{LENGTH} takes the fewest and the most bytes")


def _condition(item: object) -> Condition:
    """Reads `{"name": "value"}` or `[operator, "$name", value]`."""
    if isinstance(item, dict) and len(item) == 1:
        ((name, value),) = item.items()
        item = ["eq", f"${name}", value]
    if not (isinstance(item, list) and len(item) == 3 and isinstance(item[1], str) and item[1].startswith("$")):
        raise PolicyInvalid("a condition is an object with one name, or a list of operator, $name and value")
    operator, name, value = item
    values = value if operator in ("in", "not-in") else [value]
    if operator not in OPERATORS or not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise PolicyInvalid("an operator is unknown, or its value has the wrong type")
    return Condition(operator, name.removeprefix("$").lower(), tuple(values))
