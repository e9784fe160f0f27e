"""The doctor: checks the live configuration and suggests a fix for each problem.

Rule: a finding about OSS comes from a request to OSS (a call, a preflight, a role assumed, a callback made), never from
the settings alone. An object that a check writes is deleted again.
"""

from collections.abc import Iterator

from uploads.conf import settings
from uploads.operations.doctor import callbacks, credentials, site, storage
from uploads.operations.doctor.finding import Finding

__all__ = ["Finding", "examine"]


def examine() -> Iterator[Finding]:
    """All findings, one at a time, the fastest checks first. A check that depends on a failed one is left out."""
    broken = list(site.check_settings())
    yield from broken or [Finding("ok", "settings", "complete and well-formed")]
    yield from site.check_database()
    yield from site.check_cache()
    if broken:
        return
    yield from site.check_metrics()
    accepted = credentials.check_credentials()
    yield accepted
    if accepted.level == "FAIL":
        return
    for bucket, destinations in settings.buckets.items():
        yield from storage.check_bucket(bucket, destinations)
    yield from credentials.check_role()
    for destination in settings.destinations.values():
        if destination.callback:
            yield callbacks.check_callback(destination)
