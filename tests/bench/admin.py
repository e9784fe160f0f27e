"""What the pages of the admin cost on PostgreSQL with a million uploads and five million parts.

Runs itself in a child with a PostgreSQL of its own (`tests.postgres`). The ratio is the limit divided by the database
time of the slowest page: 1 is at the limit, more is better.
"""

import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

from tests.bench.admin_rows import fill
from tests.bench.on_postgres import run_module

UPLOADS = int(os.environ.get("ADMIN_UPLOADS") or 1_000_000)
VISITS = 3
LIMIT = 300
"""Milliseconds of database time for one page."""
LIST = "/admin/uploads/upload/"
REMOVALS = "/admin/uploads/objectremoval/"
ORPHANS = "/admin/uploads/orphan/"
DELIVERIES = "/admin/uploads/webhookdelivery/"
ACTIVITY = f"{LIST}activity/"


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
    from uploads.models import UploadCounts

    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    fill(UPLOADS)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    began = time.perf_counter()
    UploadCounts.objects.refresh()
    counted = time.perf_counter() - began
    with LocalServer() as server:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": server.url}
        times = {name: _milliseconds(client, path) for name, path in pages().items()}
    others = {"what the sweep counts, every few minutes": f"{counted:.1f} s", **_export(client)}
    slowest = max(times, key=lambda name: times[name])
    return {
        "title": f"database time of the admin's pages, {UPLOADS:,} uploads, {UPLOADS * 5:,} parts (limit {LIMIT} ms)",
        "figures": {name: f"{spent:.1f} ms" for name, spent in times.items()} | others | {"slowest": slowest},
        "ratio": LIMIT / times[slowest],
        "goal": 1,
    }


def pages() -> dict[str, str]:
    """Name → path. Some are found by many, some by few, some by none."""
    from uploads.models import Orphan, Part, Upload

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
        "orphans": ORPHANS,
        "orphans, last page": f"{ORPHANS}?p=200",
        "orphans: objects": f"{ORPHANS}?kind__exact=object",
        "orphans: by destination": f"{ORPHANS}?destination=place1",
        "orphans: by rare destination": f"{ORPHANS}?destination=rare",
        "an orphan": f"{ORPHANS}{Orphan.objects.held()[0].pk}/change/",
        "deliveries": DELIVERIES,
        "deliveries: dead": f"{DELIVERIES}?ending__exact=dead",
        "deliveries: to one receiver": f"{DELIVERIES}?endpoint=shop",
        "deliveries: to a rare receiver": f"{DELIVERIES}?endpoint=rare",
        "who did what": ACTIVITY,
        "who did what: one": f"{ACTIVITY}?user=user1",
        "who did what: one of few": f"{ACTIVITY}?user=user2",
        "who did what: nobody": f"{ACTIVITY}?user=nobody",
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


def _export(client: Any) -> dict[str, str]:
    """The list as CSV, read to its end: the time, and by how much the memory of the process grows."""
    before, began = _peak_memory(), time.perf_counter()
    size = sum(len(chunk) for chunk in client.get(f"{LIST}export/").streaming_content)
    spent, grown = time.perf_counter() - began, _peak_memory() - before
    return {"export of all uploads": f"{spent:.0f} s, {size / 1_000_000:.0f} MB, {grown / 1_000_000:.0f} MB of memory"}


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(_inside()))
