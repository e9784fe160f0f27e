"""gunicorn's settings for the standalone site: `gunicorn -c python:uploads.site.gunicorn uploads.site.wsgi`.

Rule: one worker with threads, unless WEB_CONCURRENCY says otherwise. The site then answers callbacks while a Complete
waits, and SQLite and a cache in memory suffice. On SIGTERM requests in progress are finished first.
"""

import re
from typing import Any

from prometheus_client import multiprocess

from uploads.telemetry import shared_directory

worker_class = "uploads.site.worker.BufferedWorker"
threads = 8
worker_connections = 8192
"""Open connections of one worker. Beyond that the oldest one that has no complete request is closed."""
timeout = 60
"""Seconds without a sign of life of the worker's event loop, after which gunicorn replaces the worker. Requests run in
threads, so this does not limit them: one that asks OSS several times may take longer."""
graceful_timeout = 30
COUNTERS = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_\d+\.db")
"""The files of prometheus-client's multiprocess mode. Another database in that directory is left alone."""
accesslog = None
"""A request line may hold the capability of a Companion URL. The app logs each event itself."""
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Empties PROMETHEUS_MULTIPROC_DIR, if set: its files are named by process ids, which the system uses again."""
    directory = shared_directory()
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        for path in directory.iterdir():
            if COUNTERS.fullmatch(path.name):
                path.unlink()


def child_exit(server: Any, worker: Any) -> None:
    """What a worker counted stays; only its values of the moment are removed."""
    if shared_directory() is not None:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
