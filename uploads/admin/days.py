"""The uploads of each day, by destination, kept in the cache: a day that is over is counted once a day, not at each
visit of the page.

Rule: today is counted at each visit, and the days before it from the newest back, one at least, until BUDGET_SECONDS
are spent. The next visit continues.
"""

from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

from django.core.cache import cache
from django.db.models import Count, Sum

from uploads.models import Upload

DayFigures = dict[str, tuple[int, int]]
"""Destination → uploads and bytes."""
BUDGET_SECONDS = 0.1
DAY_SECONDS = 24 * 3600


class Days(NamedTuple):
    """The figures of the days that are counted by now. `continues`: another visit will have more of them."""

    figures: dict[datetime, DayFigures]
    continues: bool


def last_days(days: list[datetime], now: datetime) -> Days:
    """The figures of `days`, which are given by their beginnings."""
    keys = {day: f"uploads:day:{day:%Y-%m-%d}" for day in days}
    kept = cache.get_many(list(keys.values()))
    figures = {day: kept[key] for day, key in keys.items() if key in kept}
    running = [day for day in days if day + timedelta(days=1) > now]
    figures |= {day: _count(day) for day in running}
    counted, deadline = [], monotonic() + BUDGET_SECONDS
    for day in sorted(set(days) - set(figures), reverse=True):
        figures[day] = _count(day)
        cache.set(keys[day], figures[day], DAY_SECONDS)
        counted.append(keys[day])
        if monotonic() > deadline:
            break
    # A cache may keep nothing, such as Django's DummyCache.
    return Days(figures, len(figures) < len(days) and bool(cache.get_many(counted)))


def _count(day: datetime) -> DayFigures:
    begun = Upload.objects.filter(created_at__gte=day, created_at__lt=day + timedelta(days=1))
    rows = begun.order_by().values_list("destination").annotate(Count("id"), Sum("size"))
    return {name: (number, size or 0) for name, number, size in rows}
