"""The plan holds for every size that OSS can hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.domain.plan import plan
from uploads.oss.limits import GIB, MAX_OBJECT_SIZE, MAX_PART_NUMBER, MAX_PART_SIZE, MIB, MIN_PART_SIZE

SIZES = st.integers(0, MAX_OBJECT_SIZE) | st.integers(0, 100 * GIB) | st.integers(0, 64 * MIB)


@given(size=SIZES, wish=st.none() | st.integers(1, MAX_PART_SIZE))
def test_parts_cover_the_file_within_osss_limits(size: int, wish: int | None) -> None:
    planned = plan(size, wish)
    assert 1 <= planned.part_count <= MAX_PART_NUMBER
    assert MIN_PART_SIZE <= planned.part_size <= MAX_PART_SIZE
    last = planned.size_of(planned.part_count)
    assert (planned.part_count - 1) * planned.part_size + last == size
    assert (0 < last <= planned.part_size) or size == 0


@pytest.mark.parametrize(
    ("size", "part_size", "parts"),
    [
        (0, 8 * MIB, 1),
        (1, 8 * MIB, 1),
        (8 * MIB, 8 * MIB, 1),
        (8 * MIB + 1, 8 * MIB, 2),
        (300 * MIB, 8 * MIB, 38),
        (10 * GIB, 16 * MIB, 640),
        (40 * GIB, 32 * MIB, 1280),
        (1024 * GIB, 162 * MIB, 6473),
        (MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PART_NUMBER),
    ],
)
def test_part_size_grows_with_the_file(size: int, part_size: int, parts: int) -> None:
    planned = plan(size)
    assert (planned.part_size, planned.part_count) == (part_size, parts)


@pytest.mark.parametrize(
    ("size", "wish", "part_size"),
    [
        (300 * MIB, 200_000, 200_000),
        (MAX_PART_NUMBER * 200_000, 200_000, 200_000),
        (MAX_PART_NUMBER * 200_000 + 1, 200_000, MIB),
        (10 * GIB, MIN_PART_SIZE - 1, 2 * MIB),
        (5, 1, MIN_PART_SIZE),
        (None, None, 8 * MIB),
        (None, 16 * MIB, 16 * MIB),
        (None, 1, MIN_PART_SIZE),
    ],
)
def test_a_wish_is_granted_unless_it_needs_too_many_parts(size: int | None, wish: int | None, part_size: int) -> None:
    assert plan(size, wish).part_size == part_size


def test_a_stream_has_no_size_before_its_end() -> None:
    planned = plan(None)
    assert (planned.size, planned.part_count, planned.size_of(MAX_PART_NUMBER)) == (None, None, None)
    assert list(planned.numbers()) == list(range(1, MAX_PART_NUMBER + 1))


@pytest.mark.parametrize(
    ("number", "size"), [(1, 1), (2, 1), (1000, 1), (1001, 2), (1002, 2), (2001, 3), (3500, 4), (10_000, 10)]
)
def test_the_parts_of_a_stream_grow_after_each_thousand(number: int, size: int) -> None:
    """`frontend/tests/engine/stream.test.ts` has the same sizes."""
    assert plan(None, MIB).largest_stream_part(number) == size * MIB


def test_no_part_of_a_stream_exceeds_what_oss_takes() -> None:
    assert plan(None, 3 * GIB).largest_stream_part(1001) == MAX_PART_SIZE


@pytest.mark.parametrize("size", [-1, MAX_OBJECT_SIZE + 1])
def test_what_no_object_can_hold_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        plan(size)


@pytest.mark.parametrize("number", [0, -1, 39])
def test_a_part_outside_the_plan_has_no_size(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 38"):
        plan(300 * MIB).size_of(number)
