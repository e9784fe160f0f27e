"""What an object must turn out to be, and how a difference is told."""

from dataclasses import replace

import pytest

from uploads.domain.completion import Facts, Fail, Finish, Refuse, decide, wrong_state
from uploads.domain.errors import Conflict, InvalidUpload, ObjectMismatch, PartsMissing
from uploads.domain.expectations import actual, expected_of_file, expected_of_object, expected_of_parts, mismatch
from uploads.domain.parts import ClientReport, FilePlan, parts_to_complete
from uploads.domain.plan import Plan
from uploads.domain.states import IllegalTransition, State
from uploads.oss.messages import Completed, Part

ONE = FilePlan(Plan(15, 20, 1), size=15)
FOUND = Completed("EE", 7, size=15)


def claimed(**known: object) -> Facts:
    return replace(Facts(State.COMPLETING, is_multipart=False, file=ONE, found=FOUND), **known)  # type: ignore[arg-type]


def test_the_same_names_are_expected_and_held() -> None:
    assert actual(FOUND) == {"etag": "EE", "crc64": "7", "client_crc64": "7"}
    assert actual(Completed("EE")) == {"etag": "EE", "crc64": "", "client_crc64": ""}
    assert expected_of_object(FOUND, ClientReport()) == {"etag": "EE"}
    assert expected_of_object(FOUND, ClientReport(etag="AA", crc64="3")) == {"etag": "AA", "client_crc64": "3"}
    assert (expected_of_file("3"), expected_of_file("")) == ({"client_crc64": "3"}, {})
    empty = [Part(1, "D41D8CD98F00B204E9800998ECF8427E", 0, 0)]
    assert expected_of_parts(empty, ClientReport())["crc64"] == "0"
    assert expected_of_parts([Part(1, "AA", 8, 0)], ClientReport())["crc64"] == "0", "a checksum as any other"


@pytest.mark.parametrize("name", ["etag", "crc64", "client_crc64"])
def test_each_of_them_is_compared(name: str) -> None:
    action = decide(claimed(expected={name: "9"}))
    held = "EE" if name == "etag" else "7"
    assert isinstance(action, Fail)
    assert (action.found, action.error.errors) == (FOUND, {name: ["9", held]})
    assert decide(claimed(expected={name: held})) == Finish(FOUND)


def test_a_checksum_that_oss_does_not_tell_is_not_compared() -> None:
    found = replace(FOUND, crc64=None)
    assert decide(claimed(found=found, expected={"client_crc64": "9"})) == Finish(found)


def test_an_object_of_another_size() -> None:
    action = decide(claimed(found=replace(FOUND, size=14), is_protected=True))
    assert isinstance(action, Fail)
    assert action.error.errors == {"size": ["15", "14"]}


def test_differences_are_told_by_name() -> None:
    error = mismatch({"client_crc64": ("9", "7"), "content-type": ("a/b", "")})
    assert isinstance(error, ObjectMismatch)
    assert str(error) == (
        "The object in the bucket is not the one that was to be uploaded: CRC64 of the file: 9 expected, 7 at OSS, "
        "content-type: a/b expected, - at OSS. It is removed; upload the file again."
    )
    assert error.errors == {"client_crc64": ["9", "7"], "content-type": ["a/b", ""]}


# The fields of errors, by which clients know what to do


def test_an_ended_upload_names_its_state() -> None:
    error = wrong_state(State.ABORTED)
    assert (error.errors, str(error)) == ({"state": ["aborted"]}, "The upload was aborted. Start a new upload.")
    kept = Facts(State.COMPLETED, True, FilePlan(Plan(None, 10, None), is_stream=True, size=5), ClientReport(size=6))
    action = decide(kept)
    assert isinstance(action, Refuse)
    assert action.error.errors == {"state": ["completed"]}
    transition = IllegalTransition(State.ABORTED, "complete")  # type: ignore[arg-type]
    assert (transition.state, transition.event) == (State.ABORTED, "complete")


@pytest.mark.parametrize("found", [None, replace(FOUND, size=14)])
def test_the_one_part_of_a_file_is_named(found: Completed | None) -> None:
    action = decide(Facts(State.UPLOADING, is_multipart=False, file=ONE, found=found))
    assert isinstance(action, Refuse)
    assert isinstance(action.error, PartsMissing)
    assert action.error.errors == {"parts": [1]}
    words = "has not arrived at OSS" if found is None else "OSS has 14 bytes instead of 15"
    assert words in str(action.error)


def test_a_key_that_is_taken_and_free_again() -> None:
    known = Facts(State.UPLOADING, is_multipart=True, file=FilePlan(Plan(15, 10, 2), size=15), key_taken=True)
    first = decide(replace(known, found=None, refusal=Conflict(wrong_state(State.ABORTED).detail)))
    assert isinstance(first, Refuse)
    assert str(first.error) == "The upload was aborted. Start a new upload.", "OSS's own words, where there are some"
    second = decide(replace(known, found=None))
    assert isinstance(second, Refuse)
    assert "must not be overwritten" in str(second.error)


@pytest.mark.parametrize(
    ("file", "report", "field"),
    [
        (FilePlan(Plan(15, 10, 2), size=15), ClientReport(keep=True), "keep"),
        (FilePlan(Plan(None, 10, None), is_stream=True), ClientReport(), "size"),
    ],
)
def test_what_the_client_must_say_otherwise(file: FilePlan, report: ClientReport, field: str) -> None:
    with pytest.raises(InvalidUpload) as caught:
        parts_to_complete(file, [Part(1, "A", 10)], report)
    assert caught.value.errors == {field: [caught.value.detail]}


def test_the_size_of_a_file_is_its_own() -> None:
    assert ONE.size_reported(ClientReport(size=99)) == 15
    stream = FilePlan(Plan(None, 10, None), is_stream=True)
    assert (stream.size_reported(ClientReport(size=99)), stream.size_reported(ClientReport())) == (99, None)
