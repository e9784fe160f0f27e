"""Metrics for operators: calls to OSS, signatures, sweeps; and a log line for each call that failed.

Rule: a label has few values (operations, codes, destinations); no label or log line holds a key, a user or a URL.
"""

import logging
import os
from pathlib import Path

from prometheus_client import Counter, Histogram

from uploads.oss.transport import Call

log = logging.getLogger("uploads.oss")

OSS_CALLS = Histogram(
    "uploads_oss_call_seconds",
    "Requests that the backend made to OSS, by operation and by status or OSS's error code.",
    ["operation", "code"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SIGNATURES = Counter("uploads_signatures", "Requests presigned for browsers.", ["destination"])
SWEPT = Counter("uploads_swept", "Uploads that the sweep processed, by result.", ["what"])

NOT_FOUND = {
    "NoSuchKey", "NoSuchUpload", "NoSuchCORSConfiguration", "NoSuchLifecycle", "NoSuchBucketOverwriteConfig",
    "NoSuchWORMConfiguration",
}  # fmt: skip
"""Codes that answer a question; they are logged as information, not as warnings."""


def shared_directory() -> Path | None:
    """PROMETHEUS_MULTIPROC_DIR, in which the worker processes keep their metrics together; None without it.

    Manual, "Multiprocess Mode": https://prometheus.github.io/client_python/multiprocess/
    """
    path = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(path) if path else None


def oss_call(call: Call) -> None:
    """Counts a call; a failed one is logged with OSS's request id, which OSS's support asks for."""
    OSS_CALLS.labels(call.operation, call.code).observe(call.seconds)
    if not call.code.isdigit():
        facts = {"operation": call.operation, "code": call.code, "oss_request_id": call.request_id}
        level = logging.INFO if call.code in NOT_FOUND else logging.WARNING
        log.log(level, "OSS answered %s with %s", call.operation, call.code, extra=facts)
