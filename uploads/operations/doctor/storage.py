"""Checks of one bucket: its region, the clock, CORS and lifecycle rules."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from uploads.conf import settings
from uploads.connection import oss_client, oss_clock
from uploads.domain.destination import Destination
from uploads.operations.bucket import days_until_abort, days_until_expiry
from uploads.operations.doctor.finding import Finding, failed
from uploads.oss import lifecycle
from uploads.oss.errors import StorageError

SKEW_SECONDS = 60
"""A server with NTP is never one minute off."""
CONFIGURE = "Run manage.py configure_bucket."


def check_bucket(bucket: str, destinations: Sequence[Destination]) -> Iterator[Finding]:
    """All findings about a bucket; its rules are checked only if it exists in the region of the settings."""
    try:
        location, date = oss_client().bucket_region(bucket)
    except StorageError as error:
        yield failed(f"bucket {bucket}", error)
        return
    region = location.removeprefix("oss-")
    if region != settings.region:
        text = f"is in {region}, not in {settings.region}"
        yield Finding("FAIL", f"bucket {bucket}", text, "Set OSS_REGION and OSS_ENDPOINT to the bucket's region.")
        return
    yield Finding("ok", f"bucket {bucket}", f"exists in {region}")
    yield _clock(date)
    yield from _cors(bucket)
    yield from _lifecycle(bucket, destinations)


def _clock(date: datetime) -> Finding:
    """`date`: the time at OSS, a moment ago."""
    skew = (date - oss_clock().local()).total_seconds()
    if abs(skew) > SKEW_SECONDS:
        direction = "behind" if skew > 0 else "ahead of"
        text = f"is {abs(skew):.0f} s {direction} OSS's; requests are signed with OSS's time, up to 24 hours off"
        return Finding("warn", "clock", text, "Synchronise the server's clock by NTP.")
    return Finding("ok", "clock", "agrees with OSS's")


def _cors(bucket: str) -> Iterator[Finding]:
    """By a real preflight for each origin."""
    if not settings.origins:
        yield Finding("warn", "CORS", "not checked: no origin is set", "Set UPLOADS_ORIGINS to the pages' origins.")
    for origin in settings.origins:
        name = f"CORS of {bucket} for {origin}"
        try:
            status, exposed = oss_client().exposed_headers(bucket, origin)
        except StorageError as error:
            yield failed(name, error)
            continue
        headers = {header.strip().lower() for header in exposed.split(",")}
        if status != 200:
            yield Finding("FAIL", name, "OSS refuses a preflight for PUT: pages there cannot upload", CONFIGURE)
        elif "etag" not in headers:
            yield Finding("FAIL", name, "ETag is not exposed: most clients cannot complete an upload", CONFIGURE)
        elif not {"x-oss-request-id", "x-oss-hash-crc64ecma"} <= headers:
            text = "the request id and CRC64 are not exposed: errors are hard to trace, and parts are not verified"
            yield Finding("warn", name, text, CONFIGURE)
        else:
            yield Finding("ok", name, "pages may upload, and read the headers that they need")


def _lifecycle(bucket: str, destinations: Sequence[Destination]) -> Iterator[Finding]:
    try:
        document = oss_client().get_lifecycle(bucket)
    except StorageError as error:
        yield failed(f"lifecycle of {bucket}", error)
        return
    enabled = [rule for rule in (lifecycle.read(document) if document else ()) if rule.enabled]
    yield from _expiry(bucket, destinations, [rule.prefix for rule in enabled if rule.expiration and not rule.tags])
    rules = [rule for rule in enabled if rule.abort]
    for prefix in days_until_abort(destinations):
        name = f"lifecycle of {bucket} for {prefix or 'all keys'}"
        if any(prefix.startswith(rule.prefix) for rule in rules):
            yield Finding("ok", name, "OSS aborts stale uploads")
        else:
            text = "no rule aborts stale uploads: parts that the sweep misses cost money until somebody aborts them"
            yield Finding("warn", name, text, CONFIGURE)


def _expiry(bucket: str, destinations: Sequence[Destination], expiring: Sequence[str]) -> Iterator[Finding]:
    """That OSS deletes staged objects which the sweep misses. `expiring`: the prefixes whose objects expire."""
    for prefix in days_until_expiry(destinations):
        name = f"staging prefix {prefix} of {bucket}"
        if any(prefix.startswith(outer) for outer in expiring):
            yield Finding("ok", name, "OSS deletes staged objects that are left")
        else:
            yield Finding("warn", name, "no rule deletes staged objects that are left", CONFIGURE)
