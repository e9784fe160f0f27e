"""What one user may have: the limits, each at its edge."""

import pytest

from uploads.domain.errors import OverQuota
from uploads.domain.quota import Limits, Usage, check_quota, too_large


@pytest.mark.parametrize(
    ("limits", "usage", "size"),
    [
        (Limits(), Usage(10**6, 10**15), 10**15),
        (Limits(max_active=2), Usage(1), 10**15),
        (Limits(max_bytes_per_day=100), Usage(10**6, 90), 10),
    ],
)
def test_within(limits: Limits, usage: Usage, size: int) -> None:
    check_quota(limits, usage, size)


@pytest.mark.parametrize(
    ("limits", "usage", "size", "field", "words"),
    [
        (Limits(max_active=2), Usage(2), 0, "destination", "2 unfinished uploads; the limit is 2"),
        (Limits(max_bytes_per_day=100), Usage(0, 90), 11, "size", "100 bytes in 24 hours; 10 remain"),
        (Limits(max_bytes_per_day=100), Usage(0, 200), 1, "size", "0 remain"),
    ],
)  # fmt: skip
def test_beyond(limits: Limits, usage: Usage, size: int, field: str, words: str) -> None:
    with pytest.raises(OverQuota, match=words) as caught:
        check_quota(limits, usage, size)
    assert set(caught.value.errors) == {field}


def test_counting_on() -> None:
    assert Usage(1, 5).plus(7) == Usage(2, 12)
    assert not Limits().any
    assert Limits(max_active=1).any
    assert "'films' accepts files of at most 10 bytes; this one has 11" in str(too_large("films", 10, 11))
