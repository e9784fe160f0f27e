"""The numbers of the statistics page: uploads by state, by day, by destination and by error.

Rule: read-only; days are UTC days, the last DAYS of them. The database is asked for a bounded time, however many
uploads there are: states are counted to a limit, and days are counted one by one and remembered.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from uploads.admin import display
from uploads.admin.charts import Bar, columns, ranking
from uploads.admin.counting import count
from uploads.admin.days import DayFigures, last_days
from uploads.domain.errors import kinds_of_error
from uploads.domain.states import State
from uploads.models import Upload, UploadQuerySet

DAYS = 30
MAX_FAILED = 1000
"""Failed uploads whose errors are counted, the newest ones."""
STALLED = timedelta(hours=1)
"""An unfinished upload without activity for this long is stalled."""


def statistics() -> dict[str, Any]:
    """The context of the template. `missing`: days that are not counted yet; `continues`: another visit counts more."""
    now = timezone.now()
    start = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [start + timedelta(days=n) for n in range(DAYS)]
    figures, continues = last_days(days, now)
    return {
        "tiles": _tiles(now),
        "charts": _charts([(day.date(), figures.get(day, {})) for day in days]),
        "ranks": [_errors(start), _destinations(figures)],
        "missing": len(days) - len(figures),
        "continues": continues,
    }


def stalled(uploads: UploadQuerySet, now: datetime) -> UploadQuerySet:
    """Those of `uploads` that are unfinished and without activity for STALLED."""
    return uploads.active().filter(updated_at__lt=now - STALLED)


def _tiles(now: datetime) -> list[tuple[str, str, str]]:
    """Label, number in words, and the query of the list that shows these uploads."""
    uploads = Upload.objects.all()
    return [
        (_("Active"), count(uploads.active()).words, "?state__in=uploading,completing"),
        (_("Stalled"), count(stalled(uploads, now)).words, "?stalled=yes"),
        (_("Completed"), count(uploads.filter(state=State.COMPLETED)).words, "?state=completed"),
        (_("Failed"), count(uploads.filter(state=State.FAILED)).words, "?state=failed"),
        (_("Aborted"), count(uploads.filter(state=State.ABORTED)).words, "?state=aborted"),
    ]


def _charts(days: list[tuple[date, DayFigures]]) -> list[SafeString]:
    labels = [
        (date_format(day, "MONTH_DAY_FORMAT"), sum(n for n, _ in by.values()), sum(size for _, size in by.values()))
        for day, by in days
    ]
    return [
        columns([Bar(label, number, f"{number:,}") for label, number, _size in labels], _("Uploads per day")),
        columns([Bar(label, size, display.size(size)) for label, _number, size in labels], _("Bytes per day")),
    ]


def _errors(start: datetime) -> SafeString:
    """Of the newest ones that failed."""
    failed = Upload.objects.filter(state=State.FAILED, created_at__gte=start).order_by("-created_at", "-id")
    codes = failed.annotate(code=KeyTextTransform("code", "error")).values_list("code", flat=True)
    counts = Counter(codes[:MAX_FAILED]).most_common(10)
    titles = {kind.code: kind.title.translated(_) for kind in kinds_of_error()}
    bars = [Bar(titles.get(code, code or _("unknown")), number, f"{number:,}") for code, number in counts]
    return ranking(bars, _("Failed uploads by error"), _("No upload has failed."))


def _destinations(figures: dict[datetime, DayFigures]) -> SafeString:
    sizes: Counter[str] = Counter()
    for by_destination in figures.values():
        sizes.update({name: size for name, (_number, size) in by_destination.items()})
    bars = [Bar(name, size, display.size(size)) for name, size in sizes.most_common(10)]
    return ranking(bars, _("Bytes by destination"), _("There are no uploads."))
