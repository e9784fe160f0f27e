"""Charts for the statistics page. Rule: HTML and SVG without scripts or inline styles, readable without seeing them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

HEIGHT = 40
"""Of the drawing, in SVG units; the tallest column leaves a margin of 2."""


@dataclass(frozen=True, slots=True)
class Bar:
    """`shown`: the value as text, with its unit."""

    label: str
    value: int
    shown: str


def columns(bars: Sequence[Bar], title: str) -> SafeString:
    """A column chart, one column for each day, each with its value as a tooltip."""
    top = max(bars, key=lambda bar: bar.value, default=Bar("", 0, "0"))
    scale = (HEIGHT - 2) / (top.value or 1)
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="0.8" height="{}"><title>{}: {}</title></rect>',
        (
            (i + 0.1, f"{HEIGHT - scale * bar.value:.2f}", f"{scale * bar.value:.2f}", bar.label, bar.shown)
            for i, bar in enumerate(bars)
        ),
    )
    maximum = _("maximum per day: {most}").format(most=top.shown)
    first, last = (bars[0].label, bars[-1].label) if bars else ("", "")
    return format_html(
        '<figure class="up-chart"><figcaption>{} <span>{}</span></figcaption>'
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<p class="up-legend"><span>{}</span><span>{}</span></p></figure>',
        title, maximum, max(1, len(bars)), HEIGHT, title, drawn, first, last,
    )  # fmt: skip


def ranking(bars: Sequence[Bar], title: str, empty: str) -> SafeString:
    """A table with a bar in each row, in the given order; `empty` is shown when there is no row."""
    most = max((bar.value for bar in bars), default=0) or 1
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th><td><progress max="{}" value="{}"></progress></td>'
        '<td class="up-number">{}</td></tr>',
        ((bar.label, most, bar.value, bar.shown) for bar in bars),
    )
    body = format_html('<table class="up-ranks">{}</table>', rows) if bars else format_html("<p>{}</p>", empty)
    return format_html('<section class="up-panel"><h2>{}</h2>{}</section>', title, body)
