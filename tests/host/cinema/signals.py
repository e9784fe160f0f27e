"""An example of listening: keeps a note of what was completed."""

from typing import Any

from django.dispatch import receiver

from uploads.signals import upload_completed

completed: list[str] = []


@receiver(upload_completed)
def note(upload: Any, **_: Any) -> None:
    completed.append(upload.filename)
