"""The pauses of the sweep: they grow, and there is a last attempt."""

from datetime import timedelta

import pytest

from uploads.domain.retries import MAX_ATTEMPTS, is_last, pause


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 1440), (12, 1440), (10**6, 1440)]
)
def test_pauses_double_up_to_a_day(attempts: int, minutes: int) -> None:
    assert pause(attempts) == timedelta(minutes=minutes)


def test_refusals_have_an_end_and_silence_has_none() -> None:
    assert not is_last(MAX_ATTEMPTS - 1, retryable=False)
    assert is_last(MAX_ATTEMPTS, retryable=False)
    assert not is_last(10**6, retryable=True)
