"""Whether something has stopped growing, and whether work goes on at the same pace. Rule: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_SLOWDOWN = 1.5
"""The last tenth of the work may take so many times as long as the first."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A value, and how much of the work was done when it was taken."""

    done: float
    value: float


def second_half(samples: Sequence[Sample]) -> list[Sample]:
    """The samples of the second half of the work. ValueError for fewer than ten: they show nothing."""
    half = [each for each in samples if each.done >= max((each.done for each in samples), default=0) / 2]
    if len(half) < 10:
        raise ValueError(f"only {len(half)} samples of the second half")
    return half


def rise(samples: Sequence[Sample]) -> float:
    """By how much the least-squares line through the second half rises from its beginning to its end."""
    half = second_half(samples)
    mean_done = sum(each.done for each in half) / len(half)
    spread = sum((each.done - mean_done) ** 2 for each in half)
    if not spread:
        raise ValueError("no work was done between the samples")
    slope = sum((each.done - mean_done) * each.value for each in half) / spread
    return slope * (half[-1].done - half[0].done)


def growth(name: str, samples: Sequence[Sample], most: float) -> tuple[str, list[str]]:
    """A figure, and a sentence if the value has risen by more than `most` in the second half of the work."""
    try:
        risen = rise(samples)
    except ValueError as error:
        return "not known", [f"{name}: {error}"]
    values = [each.value for each in second_half(samples)]
    figure = f"{sum(values) / len(values):.1f} on average, at most {max(values):.1f}, line {risen:+.2f}"
    if risen > most:
        return figure, [f"{name}: rises by {risen:.2f} in the second half; at most {most:g} is allowed"]
    return figure, []


def tenths(samples: Sequence[Sample], whole: float) -> list[float]:
    """How much the value grows in each tenth of the work, between the samples that are next to its ends."""
    marks = [_at(samples, whole * tenth / 10) for tenth in range(11)]
    return [after - before for before, after in pairwise(marks)]


def _at(samples: Sequence[Sample], done: float) -> float:
    """The value when so much was done, on the line between two samples."""
    before = Sample(0, 0)
    for sample in samples:
        if sample.done >= done:
            share = (done - before.done) / (sample.done - before.done) if sample.done > before.done else 0
            return before.value + share * (sample.value - before.value)
        before = sample
    return before.value


def slowdown(first: float, last: float) -> list[str]:
    """A sentence if the last tenth took too much longer than the first. Both in seconds."""
    if last > MAX_SLOWDOWN * first:
        return [f"the last tenth took {last:.1f} s, the first {first:.1f} s: more than {MAX_SLOWDOWN:g} times as long"]
    return []
