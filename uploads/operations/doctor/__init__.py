"""The doctor: checks the live configuration and suggests a fix for each problem.

Rule: a finding about OSS comes from a request to OSS (a call, a preflight, a role assumed, an upload made, a callback
made), never from the settings alone. What a check writes is removed again. A check that depends on a failed one is left
out, so that a broken set-up has one FAIL, whose fix mends it.
"""

from collections.abc import Iterator

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.operations.doctor import credentials, site, storage
from uploads.operations.doctor.finding import Finding, until_failed

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
    yield from until_failed(_check_buckets(), credentials.check_role())


def _check_buckets() -> Iterator[Finding]:
    client = oss_client()
    for bucket, destinations in settings.buckets.items():
        yield from storage.check_bucket(client, bucket, destinations)
