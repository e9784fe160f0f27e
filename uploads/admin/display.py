"""How one upload is shown: state, progress, parts, history. Rule: HTML and SVG without scripts or inline styles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from uploads.domain.sizes import readable
from uploads.models import Upload

MAX_CELLS = 200
"""In the strip of parts. With more parts, one cell stands for several."""


def badge(state: str, name: str) -> SafeString:
    """The name of a state, coloured by the state."""
    return format_html('<span class="up-badge up-{}">{}</span>', state, name)


def progress_bar(done: int, total: int, words: str) -> SafeString:
    """A bar with its text; the text alone when `total` is 0."""
    if not total:
        return small(words)
    percent = min(100, 100 * done // total)
    return format_html(
        '<span class="up-bar"><progress max="100" value="{}" aria-label="{} %"></progress></span>{}',
        percent, percent, small(words),
    )  # fmt: skip


def small(words: str) -> SafeString:
    """A line of small text."""
    return format_html('<span class="up-words">{}</span>', words)


def size(count: int | None) -> str:
    """Bytes in a unit that is easy to read."""
    return _("unknown") if count is None else readable(count).translated(_)


def exact_size(count: int) -> str:
    """Bytes in a unit that is easy to read, and their number."""
    return _("{size} ({bytes} bytes)").format(size=size(count), bytes=f"{count:,}")


def age(moment: datetime) -> SafeString:
    """The time since then in its largest unit; the moment itself as a tooltip."""
    exact = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    words = timesince(moment, depth=1)
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, words)


@dataclass(frozen=True, slots=True)
class Cell:
    """The parts `first` to `last`, of which `recorded` are recorded."""

    first: int
    last: int
    recorded: int

    @property
    def fill(self) -> str:
        """`full`, `some` or `none`: the class for CSS."""
        return "full" if self.recorded == self.last - self.first + 1 else "some" if self.recorded else "none"

    @property
    def words(self) -> str:
        """The cell as text."""
        if self.first == self.last:
            words = _("part {number}: recorded") if self.recorded else _("part {number}: missing")
            return words.format(number=self.first)
        words = _("parts {first} to {last}: {recorded} recorded")
        return words.format(first=self.first, last=self.last, recorded=self.recorded)


def cells(numbers: Iterable[int], count: int) -> list[Cell]:
    """The `count` parts of an upload in at most MAX_CELLS cells. `numbers`: the recorded parts."""
    step = max(1, -(-count // MAX_CELLS))
    filled = [0] * -(-count // step)
    for number in numbers:
        if 1 <= number <= count:
            filled[(number - 1) // step] += 1
    return [Cell(i * step + 1, min((i + 1) * step, count), recorded) for i, recorded in enumerate(filled)]


def parts_strip(upload: Upload) -> SafeString:
    """A strip with a cell for each part, which shows the parts that are recorded."""
    count = upload.part_count or max([part.number for part in upload.parts.all()], default=0)
    if upload.state == "completed":
        return format_html("{}", _("The object is complete."))
    if upload.state == "deleted":
        return format_html("{}", _("The object was deleted."))
    if not count:
        return format_html("{}", _("No part is recorded yet."))
    strip = cells(upload.parts.values_list("number", flat=True), count)
    facts = {"recorded": sum(cell.recorded for cell in strip), "count": count, "step": -(-count // len(strip))}
    legend = _("{recorded} of {count} parts recorded")
    if len(strip) < count:
        legend = _("{recorded} of {count} parts recorded; one cell stands for {step} parts")
    drawn = format_html_join(
        "",
        '<rect class="up-{}" x="{}" y="0" width="0.9" height="1"><title>{}</title></rect>',
        ((cell.fill, index, cell.words) for index, cell in enumerate(strip)),
    )
    return format_html(
        '<svg class="up-strip" viewBox="0 0 {} 1" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<p class="up-legend">{}</p>',
        len(strip), _("{recorded} of {count} parts recorded").format(**facts), drawn, legend.format(**facts),
    )  # fmt: skip
