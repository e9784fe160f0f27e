"""The page of figures: what came, how much, what stands still, and why things failed. Rule: read only, 30 days."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import TruncDate
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from uploads.admin.drawing import Bar, chart, ranks
from uploads.domain.errors import kinds_of_error
from uploads.domain.states import State
from uploads.models import Upload

DAYS = 30
STALLED = timedelta(hours=1)


def figures() -> dict[str, Any]:
    """For the template."""
    now = timezone.now()
    start = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    recent = Upload.objects.filter(created_at__gte=start).order_by()
    by_day: dict[date, Any] = {
        row["day"]: row
        for row in recent.annotate(day=TruncDate("created_at")).values("day").annotate(n=Count("id"), size=Sum("size"))
    }
    days = [(start + timedelta(days=n)).date() for n in range(DAYS)]
    count = [Bar(_short(day), n := by_day.get(day, {}).get("n", 0), f"{n:,}") for day in days]
    size = [Bar(_short(day), n := by_day.get(day, {}).get("size") or 0, filesizeformat(n)) for day in days]
    states = dict(Upload.objects.order_by().values_list("state").annotate(Count("id")))
    stalled = Upload.objects.active().filter(updated_at__lt=now - STALLED)
    return {
        "tiles": [
            (
                _("Active"),
                sum(states.get(state, 0) for state in (State.UPLOADING, State.COMPLETING)),
                "?state=uploading",
            ),
            (_("Stalled for an hour"), stalled.count(), "?stalled=yes"),
            (_("Completed"), states.get(State.COMPLETED, 0), "?state=completed"),
            (_("Failed"), states.get(State.FAILED, 0), "?state=failed"),
            (_("Aborted"), states.get(State.ABORTED, 0), "?state=aborted"),
        ],
        "charts": [chart(count, _("Uploads a day")), chart(size, _("Bytes a day"))],
        "ranks": [_reasons(recent), _destinations(recent)],
    }


def _short(day: date) -> str:
    return date_format(day, "MONTH_DAY_FORMAT")


def _reasons(recent: Any) -> Any:
    codes = Counter(
        dict(
            recent.filter(state=State.FAILED)
            .annotate(code=KeyTextTransform("code", "error"))
            .values_list("code")
            .annotate(Count("id"))
        )
    )
    titles = {kind.code: kind.title.said(_) for kind in kinds_of_error()}
    bars = [Bar(titles.get(code, code or _("unknown")), n, f"{n:,}") for code, n in codes.most_common(10)]
    return ranks(bars, _("Why uploads failed"), _("None has failed."))


def _destinations(recent: Any) -> Any:
    rows = recent.values_list("destination").annotate(size=Sum("size")).order_by("-size")[:10]
    bars = [Bar(name, size or 0, filesizeformat(size or 0)) for name, size in rows]
    return ranks(bars, _("Bytes by destination"), _("Nothing has come."))
