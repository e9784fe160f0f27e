"""Small pictures for the admin: badges, bars, the strip of parts, charts. Rule: HTML and SVG, no script, no style."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.domain.states import Event
from uploads.models import Upload, UploadEvent
from uploads.services.common import from_record

EVENT_NAMES = {
    "begin": gettext_lazy("begin"),
    Event.COMPLETE: gettext_lazy("complete"),
    Event.FINISH: gettext_lazy("finish"),
    Event.REOPEN: gettext_lazy("reopen"),
    Event.ABORT: gettext_lazy("abort"),
    Event.FAIL: gettext_lazy("fail"),
}
MAX_CELLS = 200
"""Of a strip: with more parts than these, one cell stands for several."""


def badge(state: str, name: str) -> SafeString:
    return format_html('<span class="up-badge up-{}">{}</span>', state, name)


def bar(done: int, whole: int | None, words: str) -> SafeString:
    """A progress bar that reads well aloud too."""
    if not whole:
        return format_html('<span class="up-words">{}</span>', words)
    percent = min(100, 100 * done // whole)
    return format_html(
        '<span class="up-bar"><progress max="100" value="{}" aria-label="{} %"></progress></span>'
        '<span class="up-words">{}</span>',
        percent, percent, words,
    )  # fmt: skip


def size(count: int | None) -> str:
    return _("not known yet") if count is None else filesizeformat(count)


@dataclass(frozen=True, slots=True)
class Cell:
    """Parts `first` to `last`, of which `there` have arrived."""

    first: int
    last: int
    there: int

    @property
    def fill(self) -> str:
        whole = self.last - self.first + 1
        return "full" if self.there == whole else "some" if self.there else "none"


def cells(numbers: Iterable[int], count: int) -> list[Cell]:
    """The parts of an upload, in at most MAX_CELLS cells."""
    step = max(1, -(-count // MAX_CELLS))
    filled = [0] * -(-count // step)
    for number in numbers:
        if 1 <= number <= count:
            filled[(number - 1) // step] += 1
    return [Cell(i * step + 1, min((i + 1) * step, count), there) for i, there in enumerate(filled)]


def strip(upload: Upload) -> SafeString:
    """What is there and what is missing."""
    count = upload.part_count or max([part.number for part in upload.parts.all()], default=0)
    if upload.state == "completed":
        return format_html("{}", _("The object is complete."))
    if not count:
        return format_html("{}", _("No part has arrived yet."))
    found = cells(upload.parts.values_list("number", flat=True), count)
    there = sum(cell.there for cell in found)
    blocks = format_html_join(
        "",
        '<rect class="up-{}" x="{}" y="0" width="0.9" height="1"><title>{}</title></rect>',
        ((cell.fill, index, _words(cell)) for index, cell in enumerate(found)),
    )
    legend = _("{there} of {count} parts are recorded")
    if len(found) < count:
        legend = _("{there} of {count} parts are recorded, {step} to a cell")
    facts = {"there": there, "count": count, "step": -(-count // len(found))}
    return format_html(
        '<svg class="up-strip" viewBox="0 0 {} 1" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<p class="up-legend">{}</p>',
        len(found), _("{there} of {count} parts").format(**facts), blocks, legend.format(**facts),
    )  # fmt: skip


def _words(cell: Cell) -> str:
    if cell.first == cell.last:
        return (_("part {number}: there") if cell.there else _("part {number}: missing")).format(number=cell.first)
    return _("parts {first} to {last}: {there} there").format(first=cell.first, last=cell.last, there=cell.there)


def timeline(events: Iterable[UploadEvent]) -> SafeString:
    """Who did what, when."""
    rows = (
        (
            event.name,
            event.at.isoformat(),
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            EVENT_NAMES.get(event.name, event.name),
            _("by {actor}").format(actor=event.actor) if event.actor else _("by the system"),
            from_record(event.detail.get("error") or {})["detail"].said(_),
        )
        for event in events
    )
    return format_html(
        '<ol class="up-timeline">{}</ol>',
        format_html_join(
            "",
            '<li class="up-event-{}"><time datetime="{}">{}</time> <strong>{}</strong> <span>{}</span><em>{}</em></li>',
            rows,
        ),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: int
    shown: str


def chart(bars: Sequence[Bar], title: str) -> SafeString:
    """Upright bars, one a day or so; each tells its value."""
    most = max((each.value for each in bars), default=0) or 1
    columns = format_html_join(
        "",
        '<rect x="{}" y="{}" width="0.8" height="{}"><title>{}: {}</title></rect>',
        (
            (i + 0.1, f"{40 - 38 * b.value / most:.2f}", f"{38 * b.value / most:.2f}", b.label, b.shown)
            for i, b in enumerate(bars)
        ),
    )
    top = max(bars, key=lambda bar: bar.value).shown if bars else "0"
    first, last = (bars[0].label, bars[-1].label) if bars else ("", "")
    return format_html(
        '<figure class="up-chart"><figcaption>{} <span>{}</span></figcaption>'
        '<svg viewBox="0 0 {} 40" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<p class="up-legend"><span>{}</span><span>{}</span></p></figure>',
        title, _("most in a day: {most}").format(most=top), max(1, len(bars)), title, columns, first, last,
    )  # fmt: skip


def ranks(bars: Sequence[Bar], title: str, empty: str) -> SafeString:
    """Lying bars, the longest first."""
    most = max((each.value for each in bars), default=0) or 1
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th><td><progress max="{}" value="{}"></progress></td>'
        '<td class="up-number">{}</td></tr>',
        ((b.label, most, b.value, b.shown) for b in bars),
    )
    body = format_html('<table class="up-ranks">{}</table>', rows) if bars else format_html("<p>{}</p>", empty)
    return format_html('<section class="up-panel"><h2>{}</h2>{}</section>', title, body)
