"""The parts with which an upload is completed: what is missing or wrong is named by its number."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from uploads.domain.errors import OverQuota, PartsMissing, TooLarge
from uploads.domain.parts import ClientReport, FilePlan, parts_to_complete
from uploads.domain.plan import Plan
from uploads.oss.messages import Part

FILE = FilePlan(Plan(25, 10, 3), size=25)
STREAM = FilePlan(Plan(None, 10, None), is_stream=True)
HELD = [Part(1, "A", 10, 1), Part(2, "B", 10, 2), Part(3, "C", 5, 3)]


def stream(*sizes: int) -> list[Part]:
    return [Part(number, f"E{number}", size) for number, size in enumerate(sizes, 1)]


def refused(file: FilePlan, listed: Sequence[Part], report: ClientReport) -> PartsMissing:
    with pytest.raises(PartsMissing) as caught:
        parts_to_complete(file, listed, report)
    return caught.value


def listed_by_client(parts: Sequence[Part]) -> ClientReport:
    return ClientReport(parts={part.number: part.etag for part in parts})


@pytest.mark.parametrize(
    ("listed", "recorded", "wrong"),
    [
        (HELD[1:], {}, [1]),
        ([], {}, [1, 2, 3]),
        ([HELD[0], Part(2, "B", 9), HELD[2]], {}, [2]),
        (HELD, {3: "4"}, [3]),
        ([HELD[0], HELD[1], Part(3, "C", 5, None)], {3: "4"}, None),
        (HELD, {3: "3", 4: "9"}, None),
    ],
)
def test_what_is_missing_or_wrong_of_a_file(
    listed: list[Part], recorded: dict[int, str], wrong: list[int] | None
) -> None:
    file = FilePlan(FILE.plan, size=25, recorded_crc64=recorded)
    if wrong is None:
        assert [part.number for part in parts_to_complete(file, listed, ClientReport())] == [1, 2, 3]
        return
    error = refused(file, listed, ClientReport())
    assert error.errors == {"parts": wrong}
    assert f"{len(wrong)} of 3 parts are missing" in str(error)


def test_the_gaps_of_a_stream_are_named() -> None:
    one, _, three, four = stream(10, 10, 10, 10)
    for listed, gaps in (([one, three], [2]), ([four], [1, 2, 3]), ([], [1])):
        size = sum(part.size for part in listed)
        error = refused(STREAM, listed, ClientReport(size=size))
        assert (error.errors, str(error)) == ({"parts": gaps}, "Parts are missing at OSS: send them again.")


def test_damaged_parts_of_a_stream_are_named() -> None:
    file = FilePlan(STREAM.plan, is_stream=True, recorded_crc64={1: "1", 2: "9", 3: "8"})
    error = refused(file, HELD, ClientReport(size=25))
    assert (error.errors, str(error)) == ({"parts": [2, 3]}, "Parts arrived damaged: send them again.")


def test_bytes_that_a_stream_lacks_are_counted() -> None:
    error = refused(STREAM, stream(10, 4), ClientReport(size=15))
    assert error.errors == {"parts": [], "size": [14]}
    assert "OSS has 14 of 15 bytes" in str(error)


@pytest.mark.parametrize("reserved", [13, None])
def test_a_stream_beyond_what_it_may_have(reserved: int | None) -> None:
    file = FilePlan(STREAM.plan, is_stream=True, max_size=None if reserved else 13, reserved=reserved)
    file = replace(file, destination="films")
    assert len(parts_to_complete(file, stream(10, 3), ClientReport(size=13))) == 2
    with pytest.raises(OverQuota if reserved else TooLarge, match="13" if reserved else "films"):
        parts_to_complete(file, stream(10, 4), ClientReport(size=14))


# Parts that the client lists, as Uppy does: it reports no size


def test_they_are_compared_with_those_at_oss() -> None:
    assert refused(STREAM, [], listed_by_client([])).errors == {"parts": [1]}
    held = stream(10, 10, 3)
    assert parts_to_complete(STREAM, held, listed_by_client(held)) == held
    lower = ClientReport(parts={part.number: part.etag for part in stream(10, 10, 3)})
    assert parts_to_complete(STREAM, [Part(p.number, p.etag.lower(), p.size) for p in held], lower)
    for reported, wrong in (
        (held[:2], [3]),
        ([*held, Part(4, "E4", 1)], [4]),
        ([held[0], Part(2, "FF", 10), held[2]], [2]),
    ):
        error = refused(STREAM, held, listed_by_client(reported))
        assert error.errors == {"parts": wrong}
        assert str(error).startswith(f"1 parts at OSS differ from the {len(reported)} parts listed")


@pytest.mark.parametrize(
    ("sizes", "odd"),
    [
        ((10, 10, 10), []),
        ((10, 10, 1), []),
        ((10, 11, 9), []),
        ((10, 9, 11), []),
        ((10, 8, 10), [2]),
        ((10, 12, 1), [2]),
        ((10, 10, 12), [3]),
        ((8, 10, 10), [2, 3]),
        ((4,), []),
    ],
)
def test_all_but_the_last_have_one_size(sizes: tuple[int, ...], odd: list[int]) -> None:
    """One byte more or less is Uppy's rounding."""
    held = stream(*sizes)
    if not odd:
        assert parts_to_complete(STREAM, held, listed_by_client(held)) == held
        return
    error = refused(STREAM, held, listed_by_client(held))
    assert error.errors == {"parts": odd}
    assert f"{len(odd)} differ" in str(error)


# An interrupted stream


@pytest.mark.parametrize(
    ("listed", "limits", "kept"),
    [
        (stream(10, 10, 3), {}, 3),
        ([stream(10)[0], Part(3, "E3", 1)], {}, 1),
        (stream(10, 10, 3), {"max_size": 20}, 2),
        (stream(10, 10, 3), {"max_size": 23, "reserved": 22}, 2),
        (stream(10, 10, 3), {"reserved": 23}, 3),
        ([Part(1, "A", 10, 1), Part(2, "B", 10, 2)], {"recorded_crc64": {2: "3"}}, 1),
    ],
)
def test_its_unbroken_beginning_is_kept(listed: list[Part], limits: dict[str, object], kept: int) -> None:
    file = FilePlan(STREAM.plan, is_stream=True, **limits)  # type: ignore[arg-type]
    assert parts_to_complete(file, listed, ClientReport(keep=True)) == listed[:kept]


def test_of_a_stream_without_its_first_part_nothing_can_be_kept() -> None:
    error = refused(STREAM, [Part(2, "B", 10)], ClientReport(keep=True))
    assert error.errors == {"parts": [1]}


def test_a_claimed_stream_is_completed_with_the_parts_it_was_claimed_with() -> None:
    file = FilePlan(STREAM.plan, is_stream=True, size=20)
    later = stream(10, 10, 3)
    for report in (ClientReport(), ClientReport(size=20), ClientReport(keep=True)):
        assert parts_to_complete(file, later, report) == later[:2]
    assert refused(file, later[:1], ClientReport(size=20)).errors == {"parts": [], "size": [10]}, "one is gone since"
    assert refused(file, later, ClientReport(size=24)).errors == {"parts": [], "size": [23]}
    assert parts_to_complete(file, later, ClientReport(size=23)) == later
