"""PostObject: one file in one HTML form, held to a signed policy.

Rule: pure, and for both sides: who hands out forms builds and signs; who receives them parses and judges. The policy
is signed as the base64 text that travels; nothing else of the form is.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from uploads.oss import signing
from uploads.oss.signing import ALGORITHM, Credentials, Scope

OPERATORS = ("eq", "starts-with", "in", "not-in")
LENGTH = "content-length-range"


class PolicyInvalid(ValueError):
    """A policy that cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` in lower case, without its `$`; one value, or for `in` and `not-in` several."""

    operator: str
    field: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """As OSS shows it to who failed it."""
        values: Any = list(self.values) if self.operator in ("in", "not-in") else self.values[0]
        return json.dumps([self.operator, f"${self.field}", values], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class FormPolicy:
    """`sizes`: the fewest and the most bytes that the file may have."""

    expiration: datetime
    conditions: tuple[Condition, ...]
    sizes: tuple[int, int] | None = None

    def failed(self, fields: Mapping[str, str]) -> Condition | None:
        """The first condition that these fields (lower-case names; with `bucket`) do not meet."""
        return next((condition for condition in self.conditions if not _holds(condition, fields)), None)

    def names(self) -> set[str]:
        """The fields that are spoken of at all."""
        return {condition.field for condition in self.conditions}


def _holds(condition: Condition, fields: Mapping[str, str]) -> bool:
    value = fields.get(condition.field, "")
    if condition.operator == "starts-with":
        return value.startswith(condition.values[0])
    if condition.operator == "not-in":
        return value not in condition.values
    return value in condition.values


# Handing out


def signed_fields(
    credentials: Credentials,
    region: str,
    now: datetime,
    expires: int,
    bucket: str,
    fields: Mapping[str, str],
    sizes: tuple[int, int],
) -> dict[str, str]:
    """The fields of a form, all but the file, which comes last: `fields`, each bound to its value, and the V4
    signature. `expires`: seconds from now; `sizes`: fewest and most bytes."""
    scope = Scope.at(now, region)
    proof = {
        "x-oss-signature-version": ALGORITHM,
        "x-oss-credential": f"{credentials.access_key_id}/{scope}",
        "x-oss-date": signing.timestamp(now),
    }
    if credentials.security_token:
        proof["x-oss-security-token"] = credentials.security_token
    end = (now + timedelta(seconds=expires)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    bound = [["eq", f"${name}", value] for name, value in {**proof, **fields}.items()]
    policy = encode(end, [{"bucket": bucket}, *bound, [LENGTH, *sizes]])
    return {
        **fields,
        **proof,
        "policy": policy,
        "x-oss-signature": signature(credentials.access_key_secret, scope, policy),
    }


def encode(expiration: str, conditions: Sequence[object]) -> str:
    """The policy as it travels."""
    document = {"expiration": expiration, "conditions": list(conditions)}
    return base64.b64encode(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()).decode()


def signature(access_key_secret: str, scope: Scope, policy: str) -> str:
    """V4 over the base64 policy. The one of V1 is `v1.signature(secret, policy)`."""
    return signing.signature(signing.signing_key(access_key_secret, scope), policy)


# Receiving


def parse(policy: str) -> FormPolicy:
    """The policy that a form brings. Raises PolicyInvalid."""
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
    """`{"name": "value"}`, or `[operator, "$name", value]`."""
    if isinstance(item, dict) and len(item) == 1:
        ((name, value),) = item.items()
        item = ["eq", f"${name}", value]
    if not (isinstance(item, list) and len(item) == 3 and isinstance(item[1], str) and item[1].startswith("$")):
        raise PolicyInvalid("a condition is an object with one name, or a list of operator, $name and value")
    operator, name, value = item
    values = value if operator in ("in", "not-in") else [value]
    if operator not in OPERATORS or not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise PolicyInvalid("an operator is unknown, or its value is not what it takes")
    return Condition(operator, name.removeprefix("$").lower(), tuple(values))
