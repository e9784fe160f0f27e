"""Sizes in texts for people."""

import pytest

from uploads.domain.sizes import readable, readable_pair


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (1999, "1.9 kB"),
        (99_999, "99.9 kB"),
        (999_999, "999 kB"),
        (6_000_000, "6 MB"),
        (500_000_000, "500 MB"),
        (10 * 2**30, "10.7 GB"),
        (48_800 * 2**30, "52.3 TB"),
        (10**19, "10000 PB"),
    ],
)
def test_a_size_is_decimal_and_never_rounded_up(count: int, text: str) -> None:
    assert readable(count) == text


def test_two_sizes_that_look_the_same_are_shown_in_bytes() -> None:
    assert readable_pair(500_000_000, 600_000_000) == ("500 MB", "600 MB")
    assert readable_pair(500_000_000, 500_000_001) == ("500,000,000 bytes", "500,000,001 bytes")
