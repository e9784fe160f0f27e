"""Signals for host projects, sent after the transaction is committed.

Each is sent with `upload` (the row at that time) and `actor` (the user who caused it, or None). They are sent with
`send_robust`: an exception in a receiver is logged, and neither the upload nor other receivers are affected.

    @receiver(upload_completed)
    def make_thumbnail(upload, **kwargs): ...
"""

import logging
from typing import Any

from django.dispatch import Signal

log = logging.getLogger("uploads")

upload_created = Signal()
upload_completed = Signal()
upload_aborted = Signal()
upload_failed = Signal()
upload_deleted = Signal()

_BY_EVENT = {
    "begin": upload_created,
    "finish": upload_completed,
    "abort": upload_aborted,
    "fail": upload_failed,
    "delete": upload_deleted,
}


def announce(upload: Any, event: str, actor: Any = None) -> None:
    """Log the event, and send its signal."""
    facts = {"upload": str(upload.pk), "event": str(event), "destination": upload.destination}
    log.info("upload %s", event, extra={**facts, "actor": str(actor.pk) if actor is not None else None})
    signal = _BY_EVENT.get(event)
    if signal is None:
        return
    for receiver, result in signal.send_robust(sender=type(upload), upload=upload, actor=actor):
        if isinstance(result, Exception):
            log.error("receiver of upload %s failed: %r", event, receiver, exc_info=result, extra=facts)
