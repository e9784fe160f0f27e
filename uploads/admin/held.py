"""What OSS holds beside the objects of uploads, and what it costs: totals that the sweep has counted, and the oldest.

Rule: OSS is not asked here. The totals are one row; the oldest ones are read by an index.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Min
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.admin import display
from uploads.conf import settings
from uploads.domain.states import State
from uploads.models import ENDED, UNFINISHED, HeldGroup, Kind, Method, Orphan, OrphanSearch, Upload, UploadCounts
from uploads.services.common import recorded_advice

OLDEST = 15
"""Rows of the list of the oldest."""
KIND_NAMES = {
    UNFINISHED: gettext_lazy("Unfinished uploads"),
    ENDED: gettext_lazy("Ended, not dropped yet"),
    Kind.MULTIPART: gettext_lazy("Orphaned multipart uploads"),
    Kind.OBJECT: gettext_lazy("Orphaned objects"),
}
AGE_NAMES = (
    gettext_lazy("less than a day"), gettext_lazy("1 to 7 days"), gettext_lazy("7 to 30 days"),
    gettext_lazy("more than 30 days"),
)  # fmt: skip
"""By the limits of `models.AGES`."""


@dataclass(frozen=True)
class Held:
    """Bytes at OSS. `cost`: for a month, in words; empty without a price."""

    bytes: int

    @property
    def size(self) -> str:
        return display.size(self.bytes)

    @property
    def cost(self) -> str:
        return cost(self.bytes)


@dataclass(frozen=True)
class Sum(Held):
    """Of one cell or row."""

    number: int


@dataclass(frozen=True)
class Old(Held):
    """One of the oldest. `page`: where it is shown, or ""; `action`: the page that asks before it acts, or None."""

    kind: str
    name: str
    page: str
    destination: str
    began: datetime
    problem: str
    action: str | None
    words: str


def cost(count: int) -> str:
    price = settings.storage_price
    return price.of(count) if price else ""


def figures(site: str) -> dict[str, Any]:
    """The context of the template. `site`: the name of the admin site, for links."""
    groups, counted_at = UploadCounts.objects.latest_held()
    searches = OrphanSearch.objects.all()
    incomplete = searches.filter(ended_at=None).exists()
    failed = searches.filter(error__isnull=False).values_list("prefix", "error")
    return {
        "counted_at": counted_at,
        "searched_at": None if incomplete else searches.aggregate(at=Min("ended_at"))["at"],
        "failed_searches": [(prefix, recorded_advice(error or {}).translated(_)) for prefix, error in failed],
        "price": settings.storage_price,
        "kinds": list(KIND_NAMES.values()),
        "tables": [
            (_("By destination"), _("Destination"), list(_rows(groups, "destination", str))),
            (_("By age"), _("Age"), list(_rows(groups, "age", lambda age: str(AGE_NAMES[age])))),
        ],
        "oldest": oldest(site),
    }


def _rows(groups: Any, name: Any, label: Any) -> Iterator[tuple[str, list[Sum], Sum]]:
    """For each value of `name`: its label, a sum for each kind, and the sum of all; at last the totals."""
    values = sorted({group[name] for group in groups})
    for value in values:
        chosen = [group for group in groups if group[name] == value]
        yield label(value), [_sum(chosen, kind) for kind in KIND_NAMES], _sum(chosen)
    if len(values) > 1:
        yield _("Total"), [_sum(groups, kind) for kind in KIND_NAMES], _sum(groups)


def _sum(groups: "list[HeldGroup]", kind: str = "") -> Sum:
    chosen = [group for group in groups if kind in ("", group["kind"])]
    return Sum(number=sum(group["number"] for group in chosen), bytes=sum(group["bytes"] for group in chosen))


def oldest(site: str) -> list[Old]:
    """The oldest of all kinds. Uploads that are sent in one request hold nothing before they are completed."""
    found: list[Old] = []
    multipart = Upload.objects.filter(method=Method.MULTIPART)
    for state in (State.UPLOADING, State.COMPLETING):
        rows = multipart.filter(state=state).order_by("created_at", "id")[:OLDEST]
        found += [_upload(each, UNFINISHED, site) for each in rows]
    ended = Upload.objects.filter(state__in=[State.ABORTED, State.FAILED], released_at=None)
    found += [_upload(each, ENDED, site) for each in ended.order_by("updated_at")[:OLDEST]]
    found += [_orphan(each, site) for each in Orphan.objects.held()[:OLDEST]]
    return sorted(found, key=lambda each: each.began)[:OLDEST]


def _upload(upload: Upload, kind: str, site: str) -> Old:
    # While it is being completed, it cannot be aborted.
    may = upload.state != State.COMPLETING
    return Old(
        kind=str(KIND_NAMES[kind]),
        name=upload.filename,
        page=page_url(site, "upload", "change", upload.pk),
        destination=upload.destination,
        began=upload.created_at,
        bytes=upload.bytes_done,
        problem=recorded_advice(upload.sweep_error).translated(_) if upload.sweep_error else "",
        action=page_url(site, "upload", "abort", upload.pk) if may else None,
        words=_("Abort") if kind == UNFINISHED else _("Abort again"),
    )


def _orphan(orphan: Orphan, site: str) -> Old:
    is_multipart = orphan.kind == Kind.MULTIPART
    return Old(
        kind=str(KIND_NAMES[Kind(orphan.kind)]),
        name=orphan.key,
        page=page_url(site, "orphan", "change", orphan.pk),
        destination=orphan.destination,
        began=orphan.began_at,
        bytes=orphan.bytes,
        problem=recorded_advice(orphan.error).translated(_) if orphan.error else "",
        action=page_url(site, "orphan", "abort", orphan.pk) if is_multipart else None,
        words=_("Abort at OSS"),
    )


def page_url(site: str, model: str, page: str, *arguments: object) -> str:
    """The path of a page; "" in an admin site that does not have this model, since a project may leave it out."""
    try:
        return reverse(f"admin:{Upload._meta.app_label}_{model}_{page}", args=arguments, current_app=site)
    except NoReverseMatch:
        return ""
