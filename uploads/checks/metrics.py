"""Reports settings under which metrics are wrong.

Manual, "Multiprocess Mode": https://prometheus.github.io/client_python/multiprocess/
"""

import os
from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.core.checks import CheckMessage, Error, Warning, register

from uploads.conf import settings, worker_processes
from uploads.telemetry import shared_directory


@register("uploads")
def check_metrics(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Contradictions, a directory that cannot be used, and processes that would each count for themselves."""
    return [*_access(), *_directory()]


def _is_readable() -> bool:
    return bool(settings.metrics_token) or _is_public()


def _is_public() -> bool:
    try:
        return settings.metrics_public
    except ValueError:  # Reported as uploads.E023.
        return False


def _access() -> list[CheckMessage]:
    if not (settings.metrics_token and _is_public()):
        return []
    hint = "Leave one of them out: with METRICS_TOKEN nobody reads /metrics without the token."
    return [Error("METRICS_TOKEN and METRICS_PUBLIC are both set.", hint=hint, id="uploads.E066")]


def _directory() -> list[CheckMessage]:
    directory, workers = shared_directory(), worker_processes()
    if directory is not None and not (directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)):
        text = f"PROMETHEUS_MULTIPROC_DIR: {str(directory)!r} is not a directory that this process can write to."
        hint = "Create it for the user of the site, or leave the variable out."
        return [Error(text, hint=hint, id="uploads.E067")]
    if directory is None and workers > 1 and _is_readable():
        text = f"Each of {workers} worker processes counts for itself: /metrics answers with one of them."
        return [Warning(text, hint=MULTIPROC_HINT, id="uploads.W067")]
    return []


MULTIPROC_HINT = "Set PROMETHEUS_MULTIPROC_DIR to a directory of the site's own, which is empty at each start."
