"""What operators measure: calls to OSS, signatures, sweeps; and a line in the log for each call that went wrong.

Rule: names and labels are few and known beforehand (operations, codes, destinations): never a key, a user or a URL.
"""

import logging

from prometheus_client import Counter, Histogram

from uploads.oss.transport import Call

log = logging.getLogger("uploads.oss")

OSS_CALLS = Histogram(
    "uploads_oss_call_seconds",
    "Requests that the backend made to OSS, by operation and by status or OSS's error code.",
    ["operation", "code"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
SIGNATURES = Counter("uploads_signatures", "Requests signed for browsers.", ["destination"])
SWEPT = Counter("uploads_swept", "Uploads that sweeps have dealt with, by what was done.", ["what"])


ANSWERS = {"NoSuchKey", "NoSuchUpload", "NoSuchCORSConfiguration", "NoSuchLifecycle"}
"""Words for "there is none", which is what was asked."""


def oss_call(call: Call) -> None:
    """Count it; and if OSS said no, say so with its request id, by which OSS's support finds it."""
    OSS_CALLS.labels(call.operation, call.code).observe(call.seconds)
    if not call.code.isdigit():
        facts = {"operation": call.operation, "code": call.code, "oss_request_id": call.request_id}
        level = logging.INFO if call.code in ANSWERS else logging.WARNING
        log.log(level, "OSS answered %s to %s", call.code, call.operation, extra=facts)
