"""The process of `stale_uploads`: makes the rows, or sweeps them and prints a line after each hundredth."""

import json
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402  # Django is set up first
from django.db.models import Count  # noqa: E402
from django.utils import timezone  # noqa: E402

from tests.endurance.stale_uploads import STALE, STEPS, identifier  # noqa: E402
from uploads import services  # noqa: E402
from uploads.conf import settings  # noqa: E402
from uploads.models import Method, Upload  # noqa: E402

ROWS_AT_ONCE = 5000
SIZE = 20_000_000


def fill(username: str) -> None:
    """Rows as they are a day after their uploads have expired."""
    owner, old = get_user_model().objects.get(username=username), timezone.now() - timedelta(days=1)
    common: dict[str, Any] = {
        "owner": owner, "destination": "default", "bucket": settings.bucket, "method": Method.MULTIPART,
        "filename": "a", "content_type": "a/b", "size": SIZE, "part_size": 8 << 20,
        "expires_at": old, "updated_at": old,
    }  # fmt: skip
    for start in range(0, STALE, ROWS_AT_ONCE):
        names = map(identifier, range(start, min(start + ROWS_AT_ONCE, STALE)))
        Upload.objects.bulk_create(Upload(key=f"checked/{name}", upload_id=name, **common) for name in names)


def sweep() -> None:
    """Prints `begin`, how many are done after each step, and a report in JSON."""
    swept: Counter[str] = Counter()
    print("begin", flush=True)
    for number, each in enumerate(services.sweep(), 1):
        swept[each.what] += 1
        if number % max(1, STALE // STEPS) == 0:
            print(number, flush=True)
    states = dict(Upload.objects.values_list("state").annotate(Count("pk")))
    unreleased = Upload.objects.filter(released_at=None).count()
    print(json.dumps({"swept": swept, "states": states, "unreleased": unreleased}), flush=True)


if __name__ == "__main__":
    what, name = sys.argv[1:]
    fill(name) if what == "fill" else sweep()
