"""What a host project can listen to. Sent after the commit: what they tell of is so, and stays so.

Each is sent with `upload` (the row, as it is then) and `actor` (the user who did it, or None). A receiver that fails
is logged and harms neither the upload nor the other receivers: `send_robust`.

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

_BY_EVENT = {
    "begin": upload_created,
    "finish": upload_completed,
    "abort": upload_aborted,
    "fail": upload_failed,
}


def announce(upload: Any, event: str, actor: Any = None) -> None:
    """Log what happened, and tell whoever listens."""
    facts = {"upload": str(upload.pk), "event": str(event), "destination": upload.destination}
    log.info("upload %s", event, extra={**facts, "actor": str(actor.pk) if actor is not None else None})
    signal = _BY_EVENT.get(event)
    if signal is None:
        return
    for receiver, result in signal.send_robust(sender=type(upload), upload=upload, actor=actor):
        if isinstance(result, Exception):
            log.error("a receiver of upload %s failed: %r", event, receiver, exc_info=result, extra=facts)
