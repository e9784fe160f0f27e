"""The numbers of the statistics page: uploads by state, by day, by destination and by error.

Rule: read-only; days are UTC days, the last DAYS of them.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncDate
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from uploads.admin.charts import Bar, columns, ranking
from uploads.domain.errors import kinds_of_error
from uploads.domain.states import State
from uploads.models import Upload, UploadQuerySet

DAYS = 30
STALLED = timedelta(hours=1)
"""An unfinished upload without activity for this long is stalled."""


def statistics() -> dict[str, Any]:
    """The context of the template."""
    now = timezone.now()
    start = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    recent = Upload.objects.filter(created_at__gte=start).order_by()
    return {
        "tiles": _tiles(now),
        "charts": _charts(recent, [(start + timedelta(days=n)).date() for n in range(DAYS)]),
        "ranks": [_errors(recent), _destinations(recent)],
    }


def stalled(uploads: UploadQuerySet, now: datetime) -> UploadQuerySet:
    """Those of `uploads` that are unfinished and without activity for STALLED."""
    return uploads.active().filter(updated_at__lt=now - STALLED)


def _tiles(now: datetime) -> list[tuple[str, int, str]]:
    """Label, number, and the query of the list that shows these uploads."""
    counts = dict(Upload.objects.order_by().values_list("state").annotate(Count("id")))
    active = counts.get(State.UPLOADING, 0) + counts.get(State.COMPLETING, 0)
    return [
        (_("Active"), active, "?state__in=uploading,completing"),
        (_("Stalled"), stalled(Upload.objects.all(), now).count(), "?stalled=yes"),
        (_("Completed"), counts.get(State.COMPLETED, 0), "?state=completed"),
        (_("Failed"), counts.get(State.FAILED, 0), "?state=failed"),
        (_("Aborted"), counts.get(State.ABORTED, 0), "?state=aborted"),
    ]


def _charts(recent: UploadQuerySet, days: list[date]) -> list[SafeString]:
    rows = recent.annotate(day=TruncDate("created_at")).values_list("day").annotate(Count("id"), Sum("size"))
    by_day = {day: (count, size or 0) for day, count, size in rows}
    labels = [(date_format(day, "MONTH_DAY_FORMAT"), *by_day.get(day, (0, 0))) for day in days]
    return [
        columns([Bar(label, count, f"{count:,}") for label, count, _size in labels], _("Uploads per day")),
        columns([Bar(label, size, filesizeformat(size)) for label, _count, size in labels], _("Bytes per day")),
    ]


def _errors(recent: UploadQuerySet) -> SafeString:
    failed = recent.filter(state=State.FAILED).annotate(code=KeyTextTransform("code", "error"))
    counts = failed.values_list("code").annotate(count=Count("id")).order_by("-count")[:10]
    titles = {kind.code: kind.title.translated(_) for kind in kinds_of_error()}
    bars = [Bar(titles.get(code, code or _("unknown")), count, f"{count:,}") for code, count in counts]
    return ranking(bars, _("Failed uploads by error"), _("No upload has failed."))


def _destinations(recent: UploadQuerySet) -> SafeString:
    rows = recent.values_list("destination").annotate(size=Sum("size")).order_by("-size")[:10]
    bars = [Bar(name, size or 0, filesizeformat(size or 0)) for name, size in rows]
    return ranking(bars, _("Bytes by destination"), _("There are no uploads."))
