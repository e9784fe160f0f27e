"""Configures a bucket for uploads from pages: its CORS rules, the lifecycle rules that abort stale uploads, and the
rules that protect completed uploads from being overwritten.

Rule: OSS replaces all rules on a put. So the rules are read, merged, written and read back. The rules of others stay as
they are, and so do those that other projects made with OSS Uploads. See
https://www.alibabacloud.com/help/en/oss/developer-reference/putbucketcors and putbucketlifecycle.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Any

from uploads.domain.destination import Destination
from uploads.operations import lifecycle_rules, overwrite_rules
from uploads.operations.lifecycle_rules import DELETES, DROP, EMPTY, Fitting
from uploads.operations.needed_rules import days_until_abort, days_until_expiry, protected_prefixes
from uploads.operations.overwrite_rules import FORBIDS, Protection
from uploads.operations.rule_texts import describe_cors, describe_lifecycle, describe_overwrite
from uploads.oss import lifecycle, overwrite
from uploads.oss.client import OssClient
from uploads.oss.cors import CorsConfiguration, CorsRule
from uploads.oss.errors import OssError
from uploads.oss.limits import MAX_CORS_RULES

CORS_RULE = CorsRule(
    allowed_origins=(),
    allowed_methods=("PUT", "POST", "GET", "HEAD", "DELETE"),
    allowed_headers=("*",),
    # Most clients cannot complete without the ETag. The request id identifies a failed request, the CRC64 a part.
    expose_headers=("ETag", "x-oss-request-id", "x-oss-hash-crc64ecma"),
    max_age_seconds=3600,
)
"""The rule that a page needs, without its origin. A rule that differs in the origins alone counts as ours."""


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
    """Rules that it needs and that cannot stand beside those of others, which `apply` leaves out; and rules that stay
    and harm it. Each with what to do."""
    kept: tuple[str, ...] = ()
    """Rules of OSS Uploads that it does not need: of other projects with the same bucket, or of former settings."""
    dropped: frozenset[str] = frozenset()
    """The prefixes of such rules that it loses, because an operator dropped them."""


class NotAvailable(Exception):
    """OSS does not offer this kind of rules to the account, or the access key may not use it. The message says why."""


def changes(
    client: OssClient,
    bucket: str,
    destinations: Iterable[Destination],
    origins: Iterable[str],
    dropped: Collection[str] = (),
) -> Iterator[Change]:
    """The change of the CORS rules, of the lifecycle rules, and of the overwrite protection; each is read when it is
    asked for. `dropped`: the prefixes whose rules of OSS Uploads are kept only as far as the destinations need them.

    Raises StorageError, and ValueError or lifecycle.Contradiction when OSS would refuse the merged rules. The last one
    raises NotAvailable.
    """
    destinations = list(destinations)
    yield plan_cors(client, bucket, list(origins))
    if days_until_abort(destinations) or days_until_expiry(destinations) or dropped:
        yield plan_lifecycle(client, bucket, destinations, dropped)
    yield plan_overwrite(client, bucket, destinations, dropped)


def plan_cors(client: OssClient, bucket: str, origins: Iterable[str]) -> Change:
    """Adds these origins to the bucket's CORS rules. Raises as `changes` does."""
    return _plan(
        f"CORS for {', '.join(origins)}",
        read=lambda: client.get_cors(bucket),
        merge=lambda before: merge_cors(before, origins),
        write=lambda after: client.put_cors(bucket, after),
        describe=describe_cors,
    )


def plan_lifecycle(
    client: OssClient, bucket: str, destinations: Sequence[Destination], dropped: Collection[str] = ()
) -> Change:
    """Aborts stale uploads, and deletes staged objects that are left. Raises as `changes` does."""
    summary = f"abort stale uploads: {_ages(days_until_abort(destinations))}"
    if expirations := days_until_expiry(destinations):
        summary += f"; delete staged objects: {_ages(expirations)}"
    found, overlap = Fitting(), False

    def merge(before: bytes | None) -> bytes | None:
        nonlocal found, overlap
        found = lifecycle_rules.fitting(before, destinations, dropped)
        # The rules in the bucket may overlap already: somebody told OSS to take them.
        overlap = before is not None and lifecycle_rules.overlap(lifecycle.read(before))
        return lifecycle.merged(before, lifecycle_rules.IDS, found.aborts, found.expirations, found.replaced)

    change = _plan(
        summary,
        read=lambda: client.get_lifecycle(bucket),
        merge=merge,
        write=lambda after: client.put_lifecycle(bucket, after, overlap=overlap),
        describe=describe_lifecycle,
    )
    return replace(
        change,
        conflicts=(*_told(found.conflicts), *_harm(found.dangers, DELETES)),
        kept=_told(found.kept),
        dropped=frozenset(found.dropped),
    )


def _told(texts: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{prefix or 'all keys'}: {text}" for prefix, text in texts.items())


def _harm(dangers: Mapping[str, str], text: str) -> tuple[str, ...]:
    """What kept rules do to these destinations, by prefix, with what to do."""
    cures = {prefix: DROP.format(prefix=prefix or EMPTY) for prefix in dangers}
    return _told({prefix: f"{text.format(names=names)}. {cures[prefix]}" for prefix, names in dangers.items()})


def _ages(days: Mapping[str, int]) -> str:
    return ", ".join(f"{prefix or 'all keys'} after {count} days" for prefix, count in days.items()) or "not demanded"


def plan_overwrite(
    client: OssClient, bucket: str, destinations: Sequence[Destination], dropped: Collection[str] = ()
) -> Change:
    """Protects completed uploads. Raises as `changes` does, and NotAvailable."""
    prefixes, found = protected_prefixes(destinations), Protection()

    def merge(before: bytes | None) -> bytes | None:
        nonlocal found
        found = overwrite_rules.protection(before, destinations, dropped)
        return overwrite.merged(before, overwrite_rules.IDS, found.prefixes, found.replaced)

    with _available():
        change = _plan(
            f"no overwriting: {', '.join(prefix or 'all keys' for prefix in prefixes) or 'not demanded'}",
            read=lambda: client.get_overwrite(bucket),
            merge=merge,
            write=lambda after: client.put_overwrite(bucket, after),
            describe=describe_overwrite,
        )

    def apply() -> None:
        with _available():
            change.apply()

    return replace(
        change,
        apply=apply,
        conflicts=_harm(found.dangers, FORBIDS),
        kept=tuple(f"{prefix or 'all keys'}: forbids overwriting" for prefix in found.kept),
        dropped=frozenset(found.dropped),
    )


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
