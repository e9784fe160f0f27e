"""RAM users and RAM roles with their policies, from the JSON of `--ram` and of `PUT /-/ram`.

    {"users": [{"name": "site", "access_key_id": "…", "access_key_secret": "…", "policies": [{…}]}],
     "roles": [{"arn": "acs:ram::1:role/uploads", "policies": [{…}], "trust": {…}, "max_session_seconds": 3600}]}

RAM manual: "RAM user overview", "RAM role overview", "Policy structure and syntax".

Rule: pure. An identity's policies count as one: what one of them allows is allowed unless another denies it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from uploads.localoss import policy
from uploads.localoss.keys import AccessKey, Role
from uploads.localoss.policy import Policy
from uploads.oss.policy import PolicyError
from uploads.oss.sts import DEFAULT_DURATION_SECONDS

MAX_JSON_BYTES = 1024 * 1024


class InvalidRam(ValueError):
    """Why a document names no users and roles, in one line."""


@dataclass(frozen=True, slots=True)
class Ram:
    """The access keys of RAM users, and the roles."""

    users: tuple[AccessKey, ...] = ()
    roles: tuple[Role, ...] = ()


def parse(text: str | bytes) -> Ram:
    """The users and roles of this JSON document. Raises InvalidRam."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or document.keys() - {"users", "roles"}:
            raise InvalidRam("The document is an object with users and roles.")
        users = tuple(map(_user, document.get("users", [])))
        return Ram(users, tuple(map(_role, document.get("roles", []))))
    except (PolicyError, InvalidRam) as error:
        raise InvalidRam(str(error)) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InvalidRam(f"The document is not one of users and roles: {error!r}.") from error


def _user(item: Mapping[str, Any]) -> AccessKey:
    key_id, secret, name = str(item["access_key_id"]), str(item["access_key_secret"]), str(item["name"])
    return AccessKey(key_id, secret, policies=(_union(item["policies"]),), user=name)


def _role(item: Mapping[str, Any]) -> Role:
    longest = int(item.get("max_session_seconds", DEFAULT_DURATION_SECONDS))
    trusted = trusted_principals(item["trust"]) if "trust" in item else None
    return Role(str(item["arn"]), _union(item["policies"]), longest, trusted)


def _union(documents: Sequence[Any]) -> Policy:
    parsed = [policy.parse(json.dumps(document)) for document in documents]
    return Policy(tuple(statement for one in parsed for statement in one.statements))


def trusted_principals(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The users, roles and accounts that a trust policy lets assume the role (RAM manual: "Trust policy")."""
    if document.get("Version") != "1" or not isinstance(document.get("Statement"), list):
        raise InvalidRam('A trust policy has a "Version": "1" and a list named Statement.')
    found: list[str] = []
    for statement in document["Statement"]:
        if (statement.get("Effect"), statement.get("Action")) != ("Allow", "sts:AssumeRole"):
            raise InvalidRam("A statement of a trust policy allows sts:AssumeRole.")
        named = statement["Principal"]["RAM"]
        found += [named] if isinstance(named, str) else [str(one) for one in named]
    return tuple(found)
