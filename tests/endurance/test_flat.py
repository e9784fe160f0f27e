"""What counts as flat, and as a steady pace."""

import random

import pytest

from tests.endurance.flat import Sample, growth, rise, slowdown, tenths
from tests.endurance.sparse_file import expected_crc64
from uploads.oss.crc64 import crc64


def line(slope: float, *, noise: float = 0, count: int = 100) -> list[Sample]:
    luck = random.Random(1)
    return [Sample(100 * n, 50 + slope * n + luck.uniform(-noise, noise)) for n in range(count)]


def warming(count: int = 100) -> list[Sample]:
    """Grows in the first third, and no more."""
    return [Sample(n, min(n, count // 3)) for n in range(count)]


def test_the_rise_is_that_of_the_second_half() -> None:
    assert rise(line(2)) == pytest.approx(2 * 49)
    assert rise(line(-1)) == pytest.approx(-49)
    assert rise(warming()) == 0
    assert abs(rise(line(0, noise=10))) < 10


def test_a_leak_is_found_in_noise() -> None:
    (sentence,) = growth("the files", line(0.2, noise=3), 4)[1]
    assert sentence.startswith("the files: rises by ")
    assert sentence.endswith("; at most 4 is allowed")
    assert growth("the files", line(0, noise=3), 4)[1] == []


def test_a_measurement_without_samples_is_no_proof() -> None:
    assert growth("the files", line(0, count=12), 4)[1] == ["the files: only 6 samples of the second half"]
    assert growth("the files", [Sample(5, 1)] * 40, 4)[1] == ["the files: no work was done between the samples"]


def test_tenths_are_read_between_samples() -> None:
    seconds = [Sample(done, done / 10) for done in (7, 33, 60, 100)]
    assert tenths(seconds, 100) == pytest.approx([1.0] * 10)
    late = [Sample(90, 9), Sample(100, 14)]
    assert tenths(late, 100)[-1] == pytest.approx(5)


def test_a_pace_that_falls_is_reported() -> None:
    assert slowdown(10, 15) == []
    assert slowdown(10, 15.1) == ["the last tenth took 15.1 s, the first 10.0 s: more than 1.5 times as long"]


def test_the_crc64_of_the_sparse_file_is_that_of_its_bytes() -> None:
    every, size = 1 << 20, (5 << 20) + 100
    whole = bytearray(size)
    for number, at in enumerate(range(0, size, every), 1):
        whole[at : at + 8] = number.to_bytes(8, "little")
    assert expected_crc64(size, every) == crc64(bytes(whole))
