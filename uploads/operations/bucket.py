"""The bucket made ready for uploads from pages: its CORS rules, and the lifecycle rules that give up stale uploads.

Rule: OSS replaces all rules on a put, so read, merge, put, read back; rules that others wrote stay as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff

from uploads.conf import Destination
from uploads.domain.keys import static_prefix
from uploads.oss import lifecycle
from uploads.oss.client import OssClient
from uploads.oss.limits import MAX_CORS_RULES
from uploads.oss.messages import CorsConfiguration, CorsRule

RULE = CorsRule(
    allowed_origins=(),
    allowed_methods=("PUT", "POST", "GET", "HEAD", "DELETE"),
    allowed_headers=("*",),
    # Without ETag on view most clients cannot complete; the request id makes errors findable, the CRC64 provable.
    expose_headers=("ETag", "x-oss-request-id", "x-oss-hash-crc64ecma"),
    max_age_seconds=3600,
)
"""What a page needs, but for its origin. A rule that differs in the origins alone is taken for ours."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a put would change; `diff` is empty when nothing would."""

    before: CorsConfiguration
    after: CorsConfiguration
    diff: str


RULE_IDS = "oss-uploads-abort-"
"""How the IDs of our lifecycle rules begin."""
GRACE_DAYS = 1
"""OSS goes round after the sweep has: what the sweep could not reach, and only that, is left to the lifecycle."""


@dataclass(frozen=True, slots=True)
class LifecycleChange:
    """The same for the lifecycle; documents as OSS has them."""

    after: bytes
    diff: str


def plan_lifecycle(client: OssClient, bucket: str, aborts: Mapping[str, int]) -> LifecycleChange:
    """`aborts`: key prefix → days after which a multipart upload under it is given up."""
    before = client.get_lifecycle(bucket)
    after = lifecycle.merged(before, RULE_IDS, aborts)
    lines = unified_diff(
        describe_lifecycle(before), describe_lifecycle(after), "in the bucket", "wanted", n=99, lineterm=""
    )
    return LifecycleChange(after, "\n".join(lines))


def apply_lifecycle(client: OssClient, bucket: str, change: LifecycleChange) -> None:
    """Put, and read back. Raises RuntimeError when OSS has something else than what was put."""
    client.put_lifecycle(bucket, change.after)
    if describe_lifecycle(client.get_lifecycle(bucket)) != describe_lifecycle(change.after):
        raise RuntimeError("The bucket's lifecycle rules are not what was just written: does somebody else write too?")


def stale_uploads(destinations: Iterable[Destination]) -> dict[str, int]:
    """For `plan_lifecycle`: each place that uploads go to, and when what lies there unfinished is stale. OSS allows no
    rule inside another's prefix, so the widest stands for all within it, with the longest of their times."""
    days = [(static_prefix(each.key), -(-each.upload_expires // 86_400) + GRACE_DAYS) for each in destinations]
    widest: dict[str, int] = {}
    for prefix, count in sorted(days):
        home = next((known for known in widest if prefix.startswith(known)), prefix)
        widest[home] = max(count, widest.get(home, 0))
    return widest


def describe_lifecycle(document: bytes | None) -> list[str]:
    """A line a fact, for people and for comparing."""
    if document is None:
        return []
    lines: list[str] = []
    for rule in sorted(lifecycle.read(document), key=lambda rule: rule.id):
        lines.append(f"rule {rule.id} for {rule.prefix or 'everything'}: {', '.join(rule.actions)}")
        if rule.abort and rule.abort.days is not None:
            lines.append(f"    multipart uploads given up after {rule.abort.days} days")
        if not rule.enabled:
            lines.append("    disabled")
    return lines


def plan_cors(client: OssClient, bucket: str, origins: Iterable[str]) -> Change:
    """Read the bucket's rules and merge ours in."""
    before = client.get_cors(bucket)
    after = merge_cors(before, origins)
    lines = unified_diff(describe(before), describe(after), "in the bucket", "wanted", n=99, lineterm="")
    return Change(before, after, "\n".join(lines))


def apply_cors(client: OssClient, bucket: str, change: Change) -> None:
    """Put, and read back. Raises RuntimeError when OSS has something else than what was put."""
    client.put_cors(bucket, change.after)
    found = client.get_cors(bucket)
    if describe(found) != describe(change.after):
        raise RuntimeError("The bucket's CORS rules are not what was just written: does somebody else write them too?")


def merge_cors(before: CorsConfiguration, origins: Iterable[str]) -> CorsConfiguration:
    """Our rule first, since the first that matches decides; origins that it had stay. Others follow untouched."""
    ours = [rule for rule in before.rules if _is_ours(rule)]
    wanted = dict.fromkeys([*(origin for rule in ours for origin in rule.allowed_origins), *origins])
    others = [rule for rule in before.rules if not _is_ours(rule)]
    rules = (replace(RULE, allowed_origins=tuple(wanted)), *others) if wanted else tuple(others)
    if len(rules) > MAX_CORS_RULES:
        raise ValueError(f"The bucket would have {len(rules)} CORS rules; OSS allows {MAX_CORS_RULES}. Remove some.")
    return CorsConfiguration(rules, before.response_vary)


def _is_ours(rule: CorsRule) -> bool:
    """Compared as OSS gives rules back: it lowers the case of AllowedHeader."""
    return (
        set(rule.allowed_methods) == set(RULE.allowed_methods)
        and rule.allowed_headers == RULE.allowed_headers
        and {name.lower() for name in rule.expose_headers} == {name.lower() for name in RULE.expose_headers}
        and rule.max_age_seconds == RULE.max_age_seconds
    )


def describe(configuration: CorsConfiguration) -> list[str]:
    """A line a fact, for people and for comparing."""
    lines: list[str] = []
    for rule in configuration.rules:
        lines += [
            f"rule for {', '.join(rule.allowed_origins)}",
            f"    methods {', '.join(rule.allowed_methods)}",
            f"    headers {', '.join(name.lower() for name in rule.allowed_headers) or 'none'}",
            f"    exposed {', '.join(rule.expose_headers) or 'none'}",
            f"    preflights cached {rule.max_age_seconds or 0} s",
        ]
    return lines
