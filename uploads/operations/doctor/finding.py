"""One result of the doctor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from uploads.domain.errors import advice
from uploads.oss.errors import OssError, StorageError

Level = Literal["ok", "warn", "FAIL"]

SITE_POLICY = "Give the site's user or role the policy that manage.py ram_policy --document site prints."
ROLE_POLICY = "Give the role {role} the policy that manage.py ram_policy --document role prints."
TRUST_POLICY = (
    "Give the site's user or role the policy that manage.py ram_policy --document site prints, "
    "and the role {role} the trust policy of --document trust."
)
CONFIGURE = "Run manage.py configure_bucket."


@dataclass(frozen=True, slots=True)
class Finding:
    """`name`: the thing that was checked. `text`: the result. `cure`: the suggested fix; "" when none is needed."""

    level: Level
    name: str
    text: str
    cure: str = ""


def failed(name: str, error: StorageError, cure: str = "") -> Finding:
    """A FAIL with OSS's message, code and request id, and the fix for that code unless another is given."""
    facts = [error.operation]
    if isinstance(error, OssError):
        denied = error.fields.get("AuthAction", "")
        facts += [f"denied {denied}" if denied else "", f"OSS: {error.code}", f"request {error.request_id}"]
    known = ", ".join(fact for fact in facts if fact)
    text = f"{error.message.rstrip('.')} ({known})" if known else error.message.rstrip(".")
    return Finding("FAIL", name, text, cure or advice(error))


def until_failed(*groups: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of each group, up to the first group with a FAIL: what follows depends on it."""
    for group in groups:
        has_failed = False
        for finding in group:
            yield finding
            has_failed = has_failed or finding.level == "FAIL"
        if has_failed:
            return
