"""What a statement says about an answer: data, and one pure function that judges."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.live.answers import Recorded

Wanted = str | re.Pattern[str] | None
"""A value itself, a pattern for the whole of it, or None for no such header or element."""

ANY = re.compile(r".+", re.DOTALL)
HEX_MD5 = re.compile(r'"[0-9A-F]{32}"')
DECIMAL = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Expected:
    """An answer that fulfils a statement. Headers and elements that are not named may have any value."""

    status: int
    headers: Mapping[str, Wanted] = field(default_factory=dict)
    elements: Mapping[str, Wanted] = field(default_factory=dict)
    body: str | None = None

    def problems(self, answer: Recorded) -> list[str]:
        """In which points an answer differs; empty if it fulfils the statement."""
        found = []
        if answer.status != self.status:
            told = f" ({answer.code}: {answer.elements.get('Error/Message', '')})" if answer.code else ""
            found.append(f"the status is {answer.status}{told}, not {self.status}")
        for kind, wanted, given in (("header", self.headers, answer.headers), ("", self.elements, answer.elements)):
            for name, value in wanted.items():
                if not fits(value, given.get(name)):
                    found.append(f"{kind} {name} is {_shown(given.get(name))}, not {_shown(value)}".strip())
        if self.body is not None and answer.body != self.body:
            found.append(f"the body has {answer.body or 'no bytes'}, not {self.body}")
        return found


def fits(wanted: Wanted, given: str | None) -> bool:
    """Whether a value is what is wanted."""
    if wanted is None or given is None:
        return wanted is given
    return bool(wanted.fullmatch(given)) if isinstance(wanted, re.Pattern) else wanted == given


def _shown(value: Wanted) -> str:
    if value is None:
        return "absent"
    return f"/{value.pattern}/" if isinstance(value, re.Pattern) else repr(value)


def accepted(status: int = 200, headers: Mapping[str, Wanted] | None = None, **more: Any) -> Expected:
    """A success, which has a request id."""
    return Expected(status, {"x-oss-request-id": ANY, **(headers or {})}, **more)


def refused(status: int, code: str, ec: str = "", **fields: Wanted) -> Expected:
    """An error document with this code. `ec` and `fields`, its further elements, only where they are documented."""
    elements: dict[str, Wanted] = {
        "Error/Code": code,
        "Error/Message": ANY,
        "Error/RequestId": ANY,
        "Error/HostId": ANY,
        **{f"Error/{name}": value for name, value in fields.items()},
    }
    if ec:
        elements["Error/EC"] = ec
    return Expected(status, {"x-oss-request-id": ANY}, elements)
