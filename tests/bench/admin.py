"""What the pages of the admin cost on PostgreSQL with a million uploads and five million parts.

Runs itself in a child with a PostgreSQL of its own (`tests.postgres`). The ratio is the limit divided by the database
time of the slowest page: 1 is at the limit, more is better.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.on_postgres import run_module

UPLOADS = int(os.environ.get("ADMIN_UPLOADS") or 1_000_000)
PARTS_OF_ONE = 100
VISITS = 3
LIMIT = 300
"""Milliseconds of database time for one page."""
LIST = "/admin/uploads/upload/"
REMOVALS = "/admin/uploads/objectremoval/"


def run() -> dict[str, Any]:
    return run_module("tests.bench.admin")


def _inside() -> dict[str, Any]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    from uploads.localoss.testing import LocalServer

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    fill(UPLOADS)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    with LocalServer() as server:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": server.url}
        times = {name: _milliseconds(client, path) for name, path in pages().items()}
    slowest = max(times, key=lambda name: times[name])
    return {
        "title": f"database time of the admin's pages, {UPLOADS:,} uploads, {UPLOADS * 5:,} parts (limit {LIMIT} ms)",
        "figures": {name: f"{spent:.1f} ms" for name, spent in times.items()} | {"slowest": slowest},
        "ratio": LIMIT / times[slowest],
        "goal": 1,
    }


@contextmanager
def without_indexes(cursor: Any) -> Iterator[None]:
    """Rows are inserted several times as fast when indexes are built afterwards, and references are not checked."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid::regclass::text "
        "IN ('uploads_upload', 'uploads_part', 'uploads_uploadevent', 'uploads_objectremoval') "
        "AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)"
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("SET session_replication_role = replica")
    yield
    cursor.execute("SET session_replication_role = DEFAULT")
    for _, definition in indexes:
        cursor.execute(definition)


def fill(uploads: int) -> None:
    """Of 1,000 users and five destinations, begun in 60 days; a tenth unfinished, some of them with their parts."""
    from django.db import connection

    with connection.cursor() as cursor:
        with without_indexes(cursor):
            _insert(cursor, uploads)
            _insert_removals(cursor, uploads)
        cursor.execute("VACUUM ANALYZE")


def _insert(cursor: Any, uploads: int) -> None:
    cursor.execute(
        "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, "
        "email, date_joined) SELECT 'user' || n, '', false, false, true, '', '', '', now() "
        "FROM generate_series(1, 1000) n"
    )
    cursor.execute("SELECT min(id) FROM auth_user WHERE username LIKE 'user%%'")
    (first,) = cursor.fetchone()
    cursor.execute(
        "INSERT INTO uploads_upload (id, owner_id, state, destination, bucket, key, upload_id, method, filename, "
        "relative_path, content_type, size, is_stream, part_size, fingerprint, metadata, options, secret, "
        "idempotency_key, request_hash, parts_done, bytes_done, created_at, updated_at, expires_at, released_at, "
        "etag, crc64, location, staging_key, final_key, stage, copy_id, error) "
        "SELECT gen_random_uuid(), %s + n %% 1000, (ARRAY['uploading', 'completed', 'completed', 'completed', "
        "'failed', 'completed', 'aborted', 'completed', 'completed', 'completed'])[1 + n %% 10], "
        "CASE WHEN n %% 100000 = 7 THEN 'rare' ELSE 'place' || n %% 7 %% 4 END, 'demo-bucket', "
        "'uploads/' || n %% 1000 || '/' || md5(n::text) || '/film-' || n || '.mp4', upper(md5('u' || n)), "
        "CASE WHEN n %% 3 = 0 THEN 'post' ELSE 'multipart' END, 'Film-' || n || '.mp4', '', 'video/mp4', "
        "20000000, false, 8388608, 'f' || n, '{}', '{}', '', '', '', 0, 0, t, t, now() + interval '7 days', "
        "CASE WHEN n %% 10 = 0 THEN NULL ELSE t END, '', '', '', '', '', '', '', "
        'CASE WHEN n %% 10 = 4 THEN \'{"code": "upload_gone", "detail": "x", "title": "y"}\'::jsonb END '
        "FROM (SELECT n, now() - n * interval '60 days' / %s AS t FROM generate_series(1, %s) n) numbers",
        [first, uploads, uploads],
    )
    cursor.execute(
        "INSERT INTO uploads_part (upload_id, number, etag, size, crc64, recorded_at) "
        "SELECT u.id, n, '5D41402ABC4B2A76B9719D911017C592', 8388608, '7', now() FROM "
        "(SELECT id FROM uploads_upload WHERE state = 'uploading' LIMIT %s) u, generate_series(1, %s) n",
        [uploads * 5 // PARTS_OF_ONE, PARTS_OF_ONE],
    )
    cursor.execute(
        "INSERT INTO uploads_uploadevent (upload_id, name, at, detail) "
        "SELECT id, 'begin', created_at, '{}' FROM uploads_upload"
    )


def _insert_removals(cursor: Any, removals: int) -> None:
    cursor.execute(
        "INSERT INTO uploads_objectremoval (id, upload, destination, bucket, key, upload_id, etag, owner, reason, "
        "requested_at, due_at, look_until, done_at, outcome, attempts) "
        "SELECT gen_random_uuid(), gen_random_uuid(), "
        "CASE WHEN n %% 100000 = 7 THEN 'rare' ELSE 'place' || n %% 4 END, "
        "'demo-bucket', '', '', '', '', CASE WHEN n %% 5 = 0 THEN 'owner' ELSE 'object' END, t, "
        "CASE WHEN n %% 1000 = 0 THEN t END, t, CASE WHEN n %% 1000 <> 0 THEN t END, 'removed', 0 "
        "FROM (SELECT n, now() - n * interval '60 days' / %s AS t FROM generate_series(1, %s) n) numbers",
        [removals, removals],
    )


def pages() -> dict[str, str]:
    """Name → path. Some are found by many, some by few, some by none."""
    from uploads.models import Part, Upload

    some = Part.objects.all()[0].upload
    other = Upload.objects.filter(state="completed")[5000]
    queries = {
        "list": "",
        "list, page 2": "?p=2",
        "list, last page": "?p=200",
        "list, oldest first": "?o=6",
        "uploading": "?state__exact=uploading",
        "completed": "?state__exact=completed",
        "completing (none)": "?state__exact=completing",
        "unfinished": "?state__in=uploading,completing",
        "stalled": "?stalled=yes",
        "a common destination": "?destination=place1",
        "a rare destination": "?destination=rare",
        "a destination of nobody": "?destination=nothing",
        "today": f"?created_at__gte={time.strftime('%Y-%m-%d')}+00%3A00%3A00%2B00%3A00",
        "state and destination": "?state__exact=failed&destination=place3",
        "state and rare destination": "?state__exact=failed&destination=rare",
        "stalled and destination": "?stalled=yes&destination=rare",
        "search: id": f"?q={other.pk}",
        "search: upload id": f"?q={other.upload_id}",
        "search: whole file name": f"?q={other.filename}",
        "search: file names of few": f"?q={other.filename[:-6]}",
        "search: file names of all": "?q=film",
        "search: key": f"?q={other.key}",
        "search: a user's keys": "?q=uploads/77/",
        "search: owner": "?q=user77",
        "search: nothing": "?q=nothing+like+this",
        "search and filter": "?q=user77&state__exact=failed",
        "search: all, in a state of none": "?q=film&state__exact=completing",
    }
    return {
        **{name: LIST + query for name, query in queries.items()},
        "detail with 100 parts": f"{LIST}{some.pk}/change/",
        "detail": f"{LIST}{other.pk}/change/",
        "statistics": f"{LIST}statistics/",
        "multipart uploads at OSS": f"{LIST}multipart-uploads/",
        "removals": REMOVALS,
        "removals, page 2": f"{REMOVALS}?p=2",
        "removals: not done": f"{REMOVALS}?pending=yes",
        "removals: by reason": f"{REMOVALS}?reason__exact=owner",
        "removals: by a reason of none": f"{REMOVALS}?reason__exact=erasure",
        "removals: by destination": f"{REMOVALS}?destination=place1",
        "removals: by rare destination": f"{REMOVALS}?destination=rare",
    }


def _milliseconds(client: Any, path: str) -> float:
    """Median database time of one page; the longest of the statistics, where later visits are served from the cache."""
    from django.core.cache import cache
    from django.db import connection

    spent: list[float] = []

    def timed(execute: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            spent[-1] += (time.perf_counter() - began) * 1000

    cache.clear()
    for _ in range(VISITS):
        spent.append(0.0)
        with connection.execute_wrapper(timed):
            answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
    return max(spent) if "statistics" in path else statistics.median(spent)


if __name__ == "__main__":
    print(json.dumps(_inside()))
