"""What one user may have: the limits, each at its edge."""

import pytest

from uploads.domain.errors import OverQuota
from uploads.domain.quota import (
    DEFAULT_RESERVATION,
    Limits,
    Usage,
    beyond_reservation,
    check_quota,
    reservation,
    room,
    too_large,
)


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
        (Limits(max_bytes_per_day=100), Usage(0, 90), 11, "size", "100 bytes in 24 hours; 10 bytes remain"),
        (Limits(max_bytes_per_day=100), Usage(0, 200), 1, "size", "0 bytes remain"),
    ],
)  # fmt: skip
def test_beyond(limits: Limits, usage: Usage, size: int, field: str, words: str) -> None:
    with pytest.raises(OverQuota, match=words) as caught:
        check_quota(limits, usage, size)
    assert set(caught.value.errors) == {field}


def test_the_page_learns_the_sizes_to_say_them_in_its_own_words() -> None:
    with pytest.raises(OverQuota) as caught:
        check_quota(Limits(max_bytes_per_day=100), Usage(0, 90), 11)
    assert caught.value.sizes == {"limit": 100, "left": 10, "size": 11}
    assert too_large("films", 10, 11).sizes == {"limit": 10, "size": 11}
    beyond = beyond_reservation(1500)
    assert (str(beyond), beyond.sizes, set(beyond.errors)) == (
        "This upload may have at most 1.5 kB. That was left of the limits when it began.",
        {"limit": 1500},
        {"size"},
    )


def test_counting_on() -> None:
    assert Usage(1, 5).plus(7) == Usage(2, 12)
    assert not Limits().any
    assert Limits(max_active=1).any
    assert "'films' accepts files of at most 10 bytes; this one has 11 bytes" in str(too_large("films", 10, 11))


# Reservations


@pytest.mark.parametrize(
    ("limits", "used", "max_size", "reserved"),
    [
        (Limits(), 10**15, None, None),
        (Limits(max_active=2), 10**15, 100, 100),
        (Limits(max_bytes_per_day=1000), 0, 100, 100),
        (Limits(max_bytes_per_day=1000), 950, 100, 50),
        (Limits(max_bytes_per_day=1000), 999, 100, 1),
        (Limits(max_bytes_per_day=1000), 400, None, 600),
        (Limits(max_bytes_per_day=10**15), 0, None, DEFAULT_RESERVATION),
        (Limits(max_bytes_per_day=10**15), 0, 10**14, 10**14),
    ],
)
def test_a_file_of_unknown_size_reserves(limits: Limits, used: int, max_size: int | None, reserved: int | None) -> None:
    assert reservation(limits, Usage(1, used), max_size) == reserved


@pytest.mark.parametrize(
    ("limits", "usage"), [(Limits(max_bytes_per_day=1000), Usage(0, 1000)), (Limits(max_active=1), Usage(1))]
)
def test_nothing_is_left_to_reserve(limits: Limits, usage: Usage) -> None:
    with pytest.raises(OverQuota):
        reservation(limits, usage, 10)


@pytest.mark.parametrize(
    ("reserved", "requests", "held", "fits"),
    [
        (100, [(1, None)], {}, [True]),
        (100, [(10, None), (11, None)], {}, [True, False]),
        (101, [(11, None), (12, None)], {}, [True, False]),
        (100, [(1, 100), (1, 101)], {}, [True, False]),
        (100, [(1, 0)], {}, [True]),
        (100, [(11, None), (11, 90), (11, 91)], dict.fromkeys(range(1, 11), 1), [True, True, False]),
        # What follows counts too: a small part may not be replaced by a large one.
        (100, [(1, None), (1, 10), (1, 11)], {1: 1, 2: 90}, [True, True, False]),
        (100, [(2, None)], {1: 100}, [False]),
        # After each thousand, parts are larger by one part size.
        (10_000, [(1000, 10), (1001, None)], {}, [True, False]),
        (10_020, [(1001, 20), (1001, 21), (1002, None)], {}, [True, False, False]),
    ],
)
def test_parts_within_a_reservation(
    reserved: int, requests: list[tuple[int, int | None]], held: dict[int, int], fits: list[bool]
) -> None:
    """With parts of 10 bytes."""
    rooms = room(reserved, 10, [number for number, _ in requests], held)
    assert [free >= (1 if size is None else size) for free, (_, size) in zip(rooms, requests, strict=True)] == fits
