"""What becomes of uploads when their user is deleted: `on_delete` of their owner."""

from typing import Any

from django.db import models

from uploads.conf import settings
from uploads.domain.destination import DELETE


def keep_or_delete(collector: Any, field: Any, sub_objs: Any, using: str) -> None:
    """CASCADE or SET_NULL, by the setting `ON_OWNER_DELETE` at the time of the deletion. Raises ValueError.

    Django calls it to collect what would be deleted, for a confirmation page too. So it changes nothing itself.
    """
    action = models.CASCADE if settings.on_owner_delete == DELETE else models.SET_NULL
    action(collector, field, sub_objs, using)


keep_or_delete.lazy_sub_objs = True  # type: ignore[attr-defined]  # As SET_NULL: kept rows are not loaded.
