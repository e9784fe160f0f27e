"""Checks of the site itself: its settings, database, cache and metrics."""

import uuid
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.checks import run_checks
from django.db import DatabaseError
from django.db.migrations.executor import MigrationExecutor

from uploads.conf import settings, worker_processes
from uploads.models import Upload
from uploads.models.databases import database
from uploads.operations.doctor.finding import Finding
from uploads.telemetry import shared_directory


def check_settings() -> Iterator[Finding]:
    """Each error that the system checks report; nothing when there is none."""
    for message in run_checks(tags=["uploads"]):
        if message.is_serious() and not message.is_silenced():
            yield Finding("FAIL", "settings", str(message.msg), str(message.hint))


def check_database() -> Iterator[Finding]:
    """That it answers, is migrated, and suits the number of workers."""
    connection = database()
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes(Upload._meta.app_label))
    except DatabaseError as error:
        text = f"does not work: {error}".strip()
        yield Finding("FAIL", "database", text, "Set DATABASE_URL, and start the database server.")
        return
    if pending:
        text = f"{len(pending)} migrations are not applied"
        yield Finding("FAIL", "database", text, "Run manage.py migrate.")
    elif connection.vendor == "sqlite" and worker_processes() > 1:
        text = f"SQLite with {worker_processes()} worker processes: they block each other"
        yield Finding("FAIL", "database", text, "Set DATABASE_URL to a PostgreSQL database, or run one worker process.")
    else:
        yield Finding("ok", "database", f"{connection.display_name}, migrated")


def check_cache() -> Iterator[Finding]:
    """That it returns what was stored, and is shared by all workers."""
    backend = str(django_settings.CACHES["default"]["BACKEND"])
    value = uuid.uuid4().hex
    try:
        cache.set("uploads:doctor", value, 10)
        kept = cache.get("uploads:doctor") == value
    except Exception as error:  # The clients of caches have no common exception.
        yield Finding("FAIL", "cache", f"does not work: {error}", "Set CACHE_URL, and start the cache server.")
        return
    if not kept:
        text = "does not return what was stored"
        yield Finding("FAIL", "cache", text, "Set CACHE_URL to a Redis server, or to locmem://.")
    elif "locmem" in backend and worker_processes() > 1:
        text = f"each of {worker_processes()} worker processes has its own: throttles and credentials are not shared"
        yield Finding("FAIL", "cache", text, "Set CACHE_URL to a Redis server, or run one worker process.")
    else:
        yield Finding("ok", "cache", backend.rpartition(".")[2])


def check_metrics() -> Iterator[Finding]:
    """Who may read them, and that the counters of several workers add up."""
    workers = worker_processes()
    if not settings.metrics_token and not settings.metrics_public:
        yield Finding("ok", "metrics", "off: METRICS_TOKEN is not set, so /metrics refuses every request")
    elif workers > 1 and shared_directory() is None:
        text = f"each of {workers} worker processes counts for itself: /metrics answers with one of them"
        yield Finding("warn", "metrics", text, "Set PROMETHEUS_MULTIPROC_DIR to a directory of the site's own.")
    else:
        readers = "with METRICS_TOKEN" if settings.metrics_token else "for anybody (METRICS_PUBLIC)"
        added = f", the counters of {workers} worker processes added up" if workers > 1 else ""
        yield Finding("ok", "metrics", f"{readers}{added}")
