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


@pytest.mark.parametrize("size", [-1, MAX_OBJECT_SIZE + 1])
def test_what_no_object_can_hold_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        plan(size)


@pytest.mark.parametrize("number", [0, -1, 39])
def test_a_part_outside_the_plan_has_no_size(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 38"):
        plan(300 * MIB).size_of(number)
