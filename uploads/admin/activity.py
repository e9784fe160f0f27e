"""Who did what: the history of one upload, and the log of what administrators did in the admin.

Rule: nothing is recorded twice. What changes an upload is an event of its history, with the user who did it; Django's
log has what administrators did besides, and what concerns no single upload. Log messages are kept in English.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from uploads.domain.states import Event
from uploads.models import ObjectRemoval, Orphan, Upload, UploadEvent
from uploads.services.common import recorded_advice

EVENT_NAMES = {
    "begin": gettext_lazy("begin"),
    Event.COMPLETE: gettext_lazy("complete"),
    Event.FINISH: gettext_lazy("finish"),
    Event.REOPEN: gettext_lazy("reopen"),
    Event.ABORT: gettext_lazy("abort"),
    Event.FAIL: gettext_lazy("fail"),
    Event.DELETE: gettext_lazy("delete"),
    "owner_deleted": gettext_lazy("user deleted"),
    "replaced": gettext_lazy("replaced"),
}
ABORTED = gettext_noop("Aborted.")
BULK_ABORT = gettext_noop("Confirmed a bulk abort.")
ABORTED_AT_OSS = gettext_noop("Aborted at OSS.")
CHECKED = gettext_noop("Checked against OSS.")
PAGE_SIZE = 50
MAX_DIGITS = 19
"""Of an id: 64 bits."""
MAX_ENTRIES = 200
"""Of the log, in the history of one upload: the newest ones."""


def log(request: HttpRequest, message: str, about: Model | None = None, text: str = "") -> None:
    """Write to Django's log of administrators. `about`: an upload or an orphan; without one, `text` says which."""
    LogEntry.objects.create(
        user_id=cast(Any, request.user.pk),
        content_type=ContentType.objects.get_for_model(type(about) if about else Upload),
        object_id=str(about.pk) if about else None,
        object_repr=(str(about) if about else text)[:200],
        action_flag=CHANGE,
        change_message=message,
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a history. `name`: for the CSS; `who`: in words; `detail`: an error."""

    at: datetime
    name: str
    what: str
    who: str
    detail: str = ""


def moments(upload: Upload) -> list[Moment]:
    """What happened to the upload, the oldest first: by its owner, by administrators, by the sweep."""
    found = [*_events(upload), *_log_entries(upload)]
    if upload.released_at:
        found.append(Moment(upload.released_at, "released", _("OSS has dropped its parts"), _("by the system")))
    return sorted(found, key=lambda moment: moment.at)


def _events(upload: Upload) -> Iterator[Moment]:
    for event in upload.events.select_related("actor"):
        error = recorded_advice(event.detail.get("error") or {}).translated(_)
        what = str(EVENT_NAMES.get(event.name, event.name))
        yield Moment(event.at, event.name, what, _actor(event, upload), error)


def _actor(event: UploadEvent, upload: Upload) -> str:
    if event.actor is None:
        return _("by the system")
    words = _("by {actor}, its owner") if event.actor_id == upload.owner_id else _("by {actor}")
    return words.format(actor=event.actor)


def _log_entries(upload: Upload) -> Iterator[Moment]:
    entries = _log().filter(content_type=ContentType.objects.get_for_model(Upload), object_id=str(upload.pk))
    for entry in entries.exclude(change_message=ABORTED)[:MAX_ENTRIES]:
        yield Moment(entry.action_time, "log", _words(entry), _("by {actor}").format(actor=entry.user))


def _log() -> Any:
    # By the primary key, which has an index: the times of the log have none.
    return LogEntry.objects.select_related("user").order_by("-pk")


def _words(entry: LogEntry) -> str:
    return _(message) if (message := entry.get_change_message()) else str(entry.get_action_flag_display())


def timeline(upload: Upload) -> SafeString:
    """The history as HTML: each moment with its time, who it was, and its error."""
    return format_html(
        '<ol class="up-timeline">{}</ol>',
        format_html_join(
            "",
            '<li class="up-event-{}"><time datetime="{}">{}</time> <strong>{}</strong> <span>{}</span><em>{}</em></li>',
            (
                (each.name, each.at.isoformat(), f"{each.at:%Y-%m-%d %H:%M:%S}", each.what, each.who, each.detail)
                for each in moments(upload)
            ),
        ),
    )


def page(query: Mapping[str, str]) -> dict[str, Any]:
    """The context of the page: the newest entries of the log. `query`: `before` is the id of the last one shown."""
    models = [ContentType.objects.get_for_model(model) for model in (Upload, Orphan, ObjectRemoval)]
    entries = _log().filter(content_type__in=models)
    before = query.get("before", "")
    if before.isdecimal() and len(before) <= MAX_DIGITS:
        entries = entries.filter(pk__lt=int(before))
    if query.get("user"):
        entries = entries.filter(**{f"user__{get_user_model().USERNAME_FIELD}": query["user"]})
    shown = list(entries[: PAGE_SIZE + 1])
    rows = [(entry, _words(entry), _link(entry)) for entry in shown[:PAGE_SIZE]]
    more = shown[PAGE_SIZE - 1].pk if len(shown) > PAGE_SIZE else None
    return {"rows": rows, "before": more, "administrator": query.get("user", "")}


def _link(entry: LogEntry) -> str:
    try:
        return entry.get_admin_url() or ""
    except NoReverseMatch:
        return ""
