"""Configures a bucket for uploads from pages: its CORS rules, the lifecycle rules that abort stale uploads, and the
rules that protect completed uploads from being overwritten.

Rule: OSS replaces all rules on a put. So the rules are read, merged, written and read back; the rules of others stay
as they are. See https://www.alibabacloud.com/help/en/oss/developer-reference/putbucketcors and putbucketlifecycle.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Any

from uploads.domain.destination import Destination, outermost_prefixes
from uploads.operations import lifecycle_rules
from uploads.oss import lifecycle, overwrite
from uploads.oss.client import OssClient
from uploads.oss.cors import CorsConfiguration, CorsRule
from uploads.oss.errors import OssError
from uploads.oss.limits import MAX_CORS_RULES

SECONDS_PER_DAY = 86_400
CORS_RULE = CorsRule(
    allowed_origins=(),
    allowed_methods=("PUT", "POST", "GET", "HEAD", "DELETE"),
    allowed_headers=("*",),
    # Most clients cannot complete without the ETag. The request id identifies a failed request, the CRC64 a part.
    expose_headers=("ETag", "x-oss-request-id", "x-oss-hash-crc64ecma"),
    max_age_seconds=3600,
)
"""The rule that a page needs, without its origin. A rule that differs in the origins alone counts as ours."""
OVERWRITE_IDS = "oss-uploads-forbid-"
"""The beginning of the IDs of our overwrite rules."""
MARGIN_DAYS = 7
"""OSS counts from the begin of an upload, and the expiry moves with each activity: an upload may take this many days
longer than `upload_expires`."""


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between the rules that a bucket has and those that it needs."""

    summary: str
    """The rules that it needs, in one line."""
    diff: str
    """A unified diff; "" when the bucket needs no change."""
    apply: Callable[[], None]
    """Writes the rules and reads them back. Raises StorageError, RuntimeError when OSS returns other rules, and for the
    overwrite protection NotAvailable."""
    conflicts: tuple[str, ...] = ()
    """Rules that it needs and OSS would refuse beside those of others, each with what to do. `apply` leaves them out.
    """


class NotAvailable(Exception):
    """OSS does not offer this kind of rules to the account, or the access key may not use it. The message says why."""


def changes(
    client: OssClient, bucket: str, destinations: Iterable[Destination], origins: Iterable[str]
) -> Iterator[Change]:
    """The change of the CORS rules, of the lifecycle rules, and of the overwrite protection; each is read when it is
    asked for.

    Raises StorageError, and ValueError or lifecycle.Contradiction when OSS would refuse the merged rules. The last one
    raises NotAvailable.
    """
    destinations = list(destinations)
    yield plan_cors(client, bucket, list(origins))
    aborts, expirations = days_until_abort(destinations), days_until_expiry(destinations)
    if aborts or expirations:
        yield plan_lifecycle(client, bucket, aborts, expirations)
    yield plan_overwrite(client, bucket, protected_prefixes(destinations))


def plan_cors(client: OssClient, bucket: str, origins: Iterable[str]) -> Change:
    """Adds these origins to the bucket's CORS rules. Raises as `changes` does."""
    return _plan(
        f"CORS for {', '.join(origins)}",
        read=lambda: client.get_cors(bucket),
        merge=lambda before: merge_cors(before, origins),
        write=lambda after: client.put_cors(bucket, after),
        describe=describe_cors,
    )


def plan_lifecycle(client: OssClient, bucket: str, aborts: Mapping[str, int], expirations: Mapping[str, int]) -> Change:
    """By key prefix, the days after which OSS aborts a multipart upload, and deletes an object. Raises as `changes`."""
    summary = f"abort stale uploads: {_ages(aborts)}"
    if expirations:
        summary += f"; delete staged objects: {_ages(expirations)}"

    conflicts: dict[str, str] = {}

    def merge(before: bytes | None) -> bytes:
        found = lifecycle_rules.fitting(before, aborts, expirations)
        conflicts.update(found.conflicts)
        return lifecycle.merged(before, lifecycle_rules.IDS, found.aborts, found.expirations)

    change = _plan(
        summary,
        read=lambda: client.get_lifecycle(bucket),
        merge=merge,
        # Rules of others may overlap already: somebody told OSS to take them.
        write=lambda after: client.put_lifecycle(
            bucket, after, overlap=lifecycle_rules.overlap(lifecycle_rules.rules_of_others(after))
        ),
        describe=describe_lifecycle,
    )
    return replace(change, conflicts=tuple(f"{prefix or 'all keys'}: {why}" for prefix, why in conflicts.items()))


def _ages(days: Mapping[str, int]) -> str:
    return ", ".join(f"{prefix or 'all keys'} after {count} days" for prefix, count in days.items())


def plan_overwrite(client: OssClient, bucket: str, prefixes: Sequence[str]) -> Change:
    """Protects all keys with these prefixes. Raises as `changes` does, and NotAvailable."""
    with _available():
        change = _plan(
            f"no overwriting: {', '.join(prefix or 'all keys' for prefix in prefixes) or 'not demanded'}",
            read=lambda: client.get_overwrite(bucket),
            merge=lambda before: overwrite.merged(before, OVERWRITE_IDS, prefixes),
            write=lambda after: client.put_overwrite(bucket, after),
            describe=describe_overwrite,
        )

    def apply() -> None:
        with _available():
            change.apply()

    return replace(change, apply=apply)


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except OssError as error:
        if error.retryable or error.code == "NoSuchBucket":
            raise
        raise NotAvailable(f"{error.message} ({error.code})") from error


def _plan(
    summary: str,
    *,
    read: Callable[[], Any],
    merge: Callable[[Any], Any],
    write: Callable[[Any], None],
    describe: Callable[[Any], list[str]],
) -> Change:
    before = read()
    after = merge(before)
    lines = unified_diff(describe(before), describe(after), "in the bucket", "required", n=99, lineterm="")

    def apply() -> None:
        write(after)
        if describe(read()) != describe(after):
            raise RuntimeError("The bucket's rules are not those just written. Another program may be changing them.")

    return Change(summary, "\n".join(lines), apply)


def merge_cors(before: CorsConfiguration, origins: Iterable[str]) -> CorsConfiguration:
    """Our rule with its old and new origins first, since the first rule that matches decides; then the others.

    Raises ValueError when the bucket would have more rules than OSS allows.
    """
    ours = [rule for rule in before.rules if _is_ours(rule)]
    allowed = dict.fromkeys([*(origin for rule in ours for origin in rule.allowed_origins), *origins])
    others = [rule for rule in before.rules if not _is_ours(rule)]
    rules = (replace(CORS_RULE, allowed_origins=tuple(allowed)), *others) if allowed else tuple(others)
    if len(rules) > MAX_CORS_RULES:
        raise ValueError(f"The bucket would have {len(rules)} CORS rules; OSS allows {MAX_CORS_RULES}. Remove some.")
    return CorsConfiguration(rules, before.response_vary)


def _is_ours(rule: CorsRule) -> bool:
    """Compared as OSS returns rules: AllowedHeader in lower case."""
    return (
        set(rule.allowed_methods) == set(CORS_RULE.allowed_methods)
        and rule.allowed_headers == CORS_RULE.allowed_headers
        and {name.lower() for name in rule.expose_headers} == {name.lower() for name in CORS_RULE.expose_headers}
        and rule.max_age_seconds == CORS_RULE.max_age_seconds
    )


def days_until_abort(destinations: Iterable[Destination]) -> dict[str, int]:
    """For `plan_lifecycle`: by key prefix, the days after which an unfinished upload is stale.

    OSS allows no rule inside another's prefix, so the outer prefix stands for all within it, with the longest time.
    A destination without a prefix of its own has none: the rule would abort uploads of other applications.
    """
    own = [each for each in destinations if each.has_own_prefix]
    return {
        prefix: MARGIN_DAYS + max(upload_days(each) for each in own if any(p.startswith(prefix) for p in each.prefixes))
        for prefix in outermost_prefixes(own)
    }


def protected_prefixes(destinations: Iterable[Destination]) -> list[str]:
    """For `plan_overwrite`: the prefixes of destinations that forbid overwriting.

    A prefix that also holds the keys of a destination that allows it is left out.
    """
    destinations = list(destinations)
    allowing = [each.prefix for each in destinations if not each.forbid_overwrite]
    return [
        prefix
        for prefix in outermost_prefixes(each for each in destinations if each.forbid_overwrite)
        if not any(other.startswith(prefix) for other in allowing)
    ]


def upload_days(destination: Destination) -> int:
    """The whole days after which an unfinished upload without activity is stale."""
    return -(-destination.upload_expires // SECONDS_PER_DAY)


def days_until_expiry(destinations: Iterable[Destination]) -> dict[str, int]:
    """For `plan_lifecycle`: by staging prefix, the days after which a staged object is deleted.

    It is the time of an unfinished upload, as a staged object is one that was not checked or not copied.
    """
    days: dict[str, int] = {}
    for destination in destinations:
        if destination.stage:
            prefix = destination.stage_prefix
            days[prefix] = max(days.get(prefix, 0), upload_days(destination) + MARGIN_DAYS)
    return days


def describe_cors(configuration: CorsConfiguration) -> list[str]:
    """The rules as lines, to show and to compare."""
    lines: list[str] = []
    for rule in configuration.rules:
        lines += [
            f"rule for {', '.join(rule.allowed_origins)}",
            f"    methods: {', '.join(rule.allowed_methods)}",
            f"    request headers: {', '.join(name.lower() for name in rule.allowed_headers) or 'none'}",
            f"    exposed headers: {', '.join(rule.expose_headers) or 'none'}",
            f"    preflight cache: {rule.max_age_seconds or 0} s",
        ]
    return lines


def describe_lifecycle(document: bytes | None) -> list[str]:
    """The rules as lines, to show and to compare; none for a bucket without a document."""
    if document is None:
        return []
    lines: list[str] = []
    for rule in sorted(lifecycle.read(document), key=lambda rule: rule.id):
        lines.append(f"rule {rule.id} for {rule.prefix or 'all keys'}: {', '.join(rule.actions)}")
        if rule.abort and rule.abort.days is not None:
            lines.append(f"    multipart uploads aborted after {rule.abort.days} days")
        if rule.expiration and rule.expiration.days is not None:
            lines.append(f"    objects deleted after {rule.expiration.days} days")
        if not rule.enabled:
            lines.append("    disabled")
    return lines


def describe_overwrite(document: bytes | None) -> list[str]:
    """The rules as lines, to show and to compare; none for a bucket without a document."""
    if document is None:
        return []
    return [
        f"rule {rule.id}: no overwriting of {rule.prefix or 'all keys'}"
        + (f" that end in {rule.suffix}" if rule.suffix else "")
        + (f" by {', '.join(rule.principals)}" if rule.principals else "")
        for rule in sorted(overwrite.read(document), key=lambda rule: rule.id)
    ]
