"""Running lifecycle rules: old multipart uploads are aborted and expired objects deleted (OSS manual: "Lifecycle
rules").

Rule: a run reads the rules again and keeps no state, so it may be interrupted at any moment. OSS runs them once a day;
here the interval is a setting. Transitions are stored and not run.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from uploads.localoss.lifecycle_rules import reached
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket, StoredObject
from uploads.localoss.store.versions import ObjectRetained, rules_of
from uploads.oss.lifecycle import Rule, read

log = logging.getLogger(__name__)


def run(store: Store, now: datetime) -> int:
    """Run the rules of all buckets once. Returns the number of uploads aborted and objects deleted."""
    return sum(
        _abort_uploads(store, bucket.name, rule, now) + _delete_objects(store, bucket, rule, now)
        for bucket in store.buckets.with_lifecycle()
        for rule in read(bucket.lifecycle or b"")
        if rule.enabled
    )


def start(store: Store, interval: float, clock: Callable[[], datetime]) -> threading.Thread:
    """Run the rules every `interval` seconds, in a thread that ends with the process."""
    thread = threading.Thread(target=_run_repeatedly, args=(store, interval, clock), name="lifecycle", daemon=True)
    thread.start()
    return thread


def _run_repeatedly(store: Store, interval: float, clock: Callable[[], datetime]) -> None:
    pause = threading.Event()
    while True:
        try:
            run(store, clock())
        except Exception:  # The next run may succeed, for instance when a full disk has space again.
            log.exception("running the lifecycle rules failed")
        pause.wait(interval)


def _abort_uploads(store: Store, bucket: str, rule: Rule, now: datetime) -> int:
    prefix = rule.prefix.encode()
    if rule.abort is None:
        return 0
    stale = [
        (key.decode(), identifier)
        for key, identifier, initiated in _under(store, bucket, prefix)
        if reached(rule.abort, _time(initiated), now)
    ]
    return sum(store.uploads.abort(bucket, key, identifier) for key, identifier in stale)


def _under(store: Store, bucket: str, prefix: bytes) -> list[tuple[bytes, str, int]]:
    found = []
    for row in store.uploads.scan(bucket, prefix, None):
        if not row[0].startswith(prefix):
            break
        found.append(row)
    return found


def _delete_objects(store: Store, bucket: Bucket, rule: Rule, now: datetime) -> int:
    """Delete expired objects. One that a retention policy protects stays; with versioning, a delete marker is added."""
    prefix = rule.prefix.encode()
    if rule.expiration is None:
        return 0
    expired = []
    for stored in store.objects.scan(bucket.name, prefix, None):
        if not stored.key.encode().startswith(prefix):
            break
        if reached(rule.expiration, _time(stored.modified), now) and _tagged(stored, rule):
            expired.append(stored.key)
    return sum(_delete_object(store, bucket, key, now) for key in expired)


def _delete_object(store: Store, bucket: Bucket, key: str, now: datetime) -> bool:
    time = int(now.timestamp() * 1000)
    try:
        store.objects.delete(bucket.name, key, rules_of(bucket, time), time)
    except ObjectRetained:
        return False
    return True


def _tagged(stored: StoredObject, rule: Rule) -> bool:
    return set(rule.tags) <= set(parse_qsl(stored.headers.get("x-oss-tagging", ""), keep_blank_values=True))


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
