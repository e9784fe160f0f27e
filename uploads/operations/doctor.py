"""The doctor: looks at the set-up as it really is, and names the cure.

Rule: every finding comes from something tried (a call, a preflight, a role assumed, a callback made), never from the
settings alone; and nothing that was tried is left behind.
"""

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from uploads.conf import Destination, callback_parameters, settings
from uploads.connection import oss_client
from uploads.domain.errors import from_storage
from uploads.domain.keys import static_prefix
from uploads.operations.bucket import stale_uploads
from uploads.oss import callback, lifecycle, sts
from uploads.oss.client import OssClient, assume_role
from uploads.oss.errors import Denied, OssError, StorageError

Level = Literal["ok", "warn", "FAIL"]
SKEW_SECONDS = 60
"""OSS itself bears 15 minutes; long before that something is wrong with the clock."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`name`: what was looked at; `cure`: what to do, empty when nothing is to be done."""

    level: Level
    name: str
    text: str
    cure: str = ""


def examine() -> Iterator[Finding]:
    """Everything, one finding at a time, the cheapest first. What rests on something broken is not looked at."""
    broken = list(_settings())
    yield from broken or [Finding("ok", "settings", "complete and well-formed")]
    yield from _database()
    yield from _cache()
    if broken:
        return
    credentials = _credentials()
    yield credentials
    if credentials.level == "FAIL":
        return
    for bucket, places in _buckets().items():
        found = list(_bucket(bucket))
        yield from found
        if any(each.level == "FAIL" for each in found):
            continue
        yield from _cors(bucket)
        yield from _lifecycle(bucket, places)
    yield from _role()
    for place in settings.destinations.values():
        if place.callback:
            yield _callback(place)


def _settings() -> Iterator[Finding]:
    for message in run_checks(tags=["uploads"]):
        if message.is_serious():
            yield Finding("FAIL", "settings", str(message.msg), str(message.hint))


def _buckets() -> dict[str, list[Destination]]:
    buckets: dict[str, list[Destination]] = {}
    for place in settings.destinations.values():
        buckets.setdefault(settings.bucket_of(place), []).append(place)
    return buckets


# The house


def workers() -> int:
    """How many processes gunicorn will have, as far as the environment tells."""
    asked = re.search(r"(?:--workers[ =]|-w ?)(\d+)", os.environ.get("GUNICORN_CMD_ARGS", ""))
    return int(asked[1]) if asked else int(os.environ.get("WEB_CONCURRENCY") or 1)


def _database() -> Iterator[Finding]:
    try:
        pending = MigrationExecutor(connection).migration_plan(
            MigrationExecutor(connection).loader.graph.leaf_nodes("uploads")
        )
    except DatabaseError as error:
        yield Finding(
            "FAIL", "database", f"cannot be used: {error}".strip(), "Set DATABASE_URL, and start the database."
        )
        return
    if pending:
        text = f"{len(pending)} migrations are missing"
        yield Finding("FAIL", "database", text, "Run manage.py migrate.")
    elif connection.vendor == "sqlite" and workers() > 1:
        text = f"SQLite, with {workers()} worker processes: they will wait for each other"
        yield Finding("FAIL", "database", text, "Set DATABASE_URL to a PostgreSQL, or run one worker with threads.")
    else:
        yield Finding("ok", "database", f"{connection.display_name}, migrated")


def _cache() -> Iterator[Finding]:
    backend = str(django_settings.CACHES["default"]["BACKEND"])
    mark = uuid.uuid4().hex
    try:
        cache.set("uploads:doctor", mark, 10)
        kept = cache.get("uploads:doctor") == mark
    except Exception as error:  # whatever a cache's client raises
        yield Finding("FAIL", "cache", f"cannot be used: {error}", "Set CACHE_URL, and start what it names.")
        return
    if not kept:
        yield Finding("FAIL", "cache", "forgets what it was given", "Set CACHE_URL to a Redis, or to locmem://.")
    elif "locmem" in backend and workers() > 1:
        text = f"in the memory of each of {workers()} workers: throttles and lent credentials are counted apart"
        yield Finding("FAIL", "cache", text, "Set CACHE_URL to a Redis, or run one worker with threads.")
    else:
        yield Finding("ok", "cache", backend.rpartition(".")[2])


# OSS


def _refused(name: str, error: StorageError) -> Finding:
    ours = from_storage(error)
    told = f" (OSS: {error.code}, request {error.request_id})" if isinstance(error, OssError) else ""
    return Finding("FAIL", name, f"{error.message.rstrip('.')}{told}", ours.detail)


def _credentials() -> Finding:
    """By the one call that needs no right but to exist: an unknown bucket or a denial prove the signature good."""
    try:
        oss_client().bucket_region(settings.bucket)
    except OssError as error:
        if "region" in error.message.lower():
            cure = "Set OSS_REGION to the region's id, such as cn-hangzhou, and OSS_ENDPOINT to the same region's."
            return Finding("FAIL", "region", f"{error.message} ({settings.region})", cure)
        if error.code == "RequestTimeTooSkewed":
            return Finding("FAIL", "clock", "more than 15 minutes off", from_storage(error).detail)
        if error.code not in ("NoSuchBucket", "AccessDenied"):
            return _refused("credentials", error)
    except StorageError as error:
        cure = "Check OSS_ENDPOINT (and OSS_INTERNAL_ENDPOINT), and the way there: DNS, proxy, firewall."
        return Finding("FAIL", "endpoint", f"{settings.internal_endpoint.url}: {error.message}", cure)
    return Finding("ok", "credentials", "OSS accepts them")


def _bucket(bucket: str) -> Iterator[Finding]:
    try:
        region, date = oss_client().bucket_region(bucket)
    except StorageError as error:
        yield _refused(f"bucket {bucket}", error)
        return
    if region.removeprefix("oss-") != settings.region:
        text = f"lies in {region.removeprefix('oss-')}, not in {settings.region}"
        yield Finding("FAIL", f"bucket {bucket}", text, "Set OSS_REGION and OSS_ENDPOINT to the bucket's region.")
        return
    yield Finding("ok", f"bucket {bucket}", f"exists, in {region.removeprefix('oss-')}")
    off = abs((datetime.now(UTC) - date).total_seconds())
    if off > SKEW_SECONDS:
        text = f"{off:.0f} s off from OSS's; at 900 s OSS refuses every request"
        yield Finding("warn", "clock", text, "Set the server's clock by NTP.")
    else:
        yield Finding("ok", "clock", "agrees with OSS's")


def _cors(bucket: str) -> Iterator[Finding]:
    """As a browser would find it."""
    cure = "Run manage.py configure_bucket."
    if not settings.origins:
        yield Finding("warn", "CORS", "no origin to look for", "Set UPLOADS_ORIGINS to the pages' origins.")
    for origin in settings.origins:
        name = f"CORS of {bucket} for {origin}"
        try:
            status, exposed = oss_client().exposed_headers(bucket, origin)
        except StorageError as error:
            yield _refused(name, error)
            continue
        shown = {header.strip().lower() for header in exposed.split(",")}
        if status != 200:
            yield Finding("FAIL", name, "a preflight for PUT is refused: no page there can upload", cure)
        elif "etag" not in shown:
            yield Finding("FAIL", name, "ETag is not exposed: most clients cannot complete", cure)
        elif not {"x-oss-request-id", "x-oss-hash-crc64ecma"} <= shown:
            yield Finding("warn", name, "request id and CRC64 are not exposed: errors are hard to find", cure)
        else:
            yield Finding("ok", name, "pages may upload and read what they need")


def _lifecycle(bucket: str, places: list[Destination]) -> Iterator[Finding]:
    cure = "Run manage.py configure_bucket."
    try:
        document = oss_client().get_lifecycle(bucket)
    except StorageError as error:
        yield _refused(f"lifecycle of {bucket}", error)
        return
    rules = [rule for rule in (lifecycle.read(document) if document else ()) if rule.enabled and rule.abort]
    for prefix in stale_uploads(places):
        name = f"lifecycle of {bucket} for {prefix or 'everything'}"
        if any(prefix.startswith(rule.prefix) for rule in rules):
            yield Finding("ok", name, "stale uploads are given up by OSS itself")
        else:
            yield Finding("warn", name, "nothing gives up uploads that even the sweep missed: they cost money", cure)


# STS


def _role() -> Iterator[Finding]:
    role = settings.sts_role_arn
    if not role:
        yield Finding("ok", "STS", "not set up: no credentials are lent")
        return
    try:
        lent = assume_role(settings.sts_endpoint, settings.credentials, sts.AssumeRole(role, "doctor", 900))
    except StorageError as error:
        yield _refused("STS role", error)
        return
    yield Finding("ok", "STS role", "can be assumed")
    client = OssClient(settings.internal_endpoint, settings.region, lent.credentials)
    try:
        wide = [name for name, attempt in _beyond(client) if not _denied(attempt)]
    finally:
        client.close()
    if wide:
        cure = "Give the role a policy of its own: oss:PutObject, oss:ListParts and oss:AbortMultipartUpload on the "
        cure += "destinations' prefixes is enough. Sessions are narrowed, but the role is what remains if that fails."
        yield Finding("warn", "STS policy", f"the role may also {', '.join(wide)}", cure)
    else:
        yield Finding("ok", "STS policy", "the role may do no more than it must")


def _beyond(client: OssClient) -> Iterator[tuple[str, Callable[[], object]]]:
    """What no browser needs; each is tried on an object that is not there, so that it harms nothing."""
    bucket, key = settings.bucket, f"doctor/{uuid.uuid4().hex}"
    yield "list the bucket", lambda: client._call("ListObjects", "GET", bucket, query=[("max-keys", "1")])
    yield "read objects", lambda: client.head(bucket, key)
    yield "delete objects", lambda: client.delete_object(bucket, key)
    yield "read the bucket's rules", lambda: client.get_cors(bucket)


def _denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except Denied:
        return True
    except StorageError:
        return False
    return False


# Callbacks


def _callback(place: Destination) -> Finding:
    """A tiny object with the destination's own callback, and away with it."""
    name = f"callback of {place.name}"
    bucket, key = settings.bucket_of(place), f"{static_prefix(place.key)}doctor-{uuid.uuid4().hex}"
    asked, _ = callback.encode(callback_parameters(place.callback or {}, {}))
    variables = callback.encoded({"x:upload": str(uuid.uuid4()), "x:secret": "doctor"})
    headers = {"x-oss-callback": asked, "x-oss-callback-var": variables}
    try:
        done = oss_client().put_object(bucket, key, b"", headers)
    except StorageError as error:
        return _refused(name, error)
    finally:
        with suppress(StorageError):
            oss_client().delete_object(bucket, key)
    told = done.callback or {"ok": True}
    message = str(told.get("message", ""))
    if told["ok"] or message == "Error status : 404.":
        # Our own endpoint has heard, believed the signature, and rightly knows no such upload.
        return Finding("ok", name, "OSS reaches it")
    if message == "Error status : 403.":
        cure = "Let OSS_CALLBACK_KEY_URLS hold the beginning of the address of OSS's public key."
        return Finding("FAIL", name, "is reached, and does not believe OSS's signature", cure)
    cure = "Check the url, that it is open to OSS's addresses, and that it answers 200 with JSON within 5 s."
    return Finding("FAIL", name, f"OSS says: {message}", cure)
