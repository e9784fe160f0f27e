"""The stages of a staged upload as a table: each row is what is known, and the one step that follows."""

from dataclasses import replace
from typing import Any

import pytest

from uploads.domain.completion import UNKNOWN, Accept, Stop
from uploads.domain.completion import Facts as CompletionFacts
from uploads.domain.completion import Finish as CompletionFinish
from uploads.domain.completion import decide as decide_completion
from uploads.domain.errors import Conflict, ObjectMismatch, Rejected
from uploads.domain.parts import FilePlan
from uploads.domain.phrase import Phrase
from uploads.domain.plan import Plan
from uploads.domain.sniffing import content_problem
from uploads.domain.staging import (
    BeginCopy,
    Check,
    CompleteCopy,
    CopyParts,
    CopyWhole,
    Facts,
    Finish,
    LookAtCopy,
    LookAtFinal,
    Pass,
    Reject,
    Stage,
    Staged,
    copy_spans,
    decide,
    gone,
    prefix_problem,
    staging_key,
)
from uploads.domain.states import State
from uploads.oss.limits import GIB, MAX_KEY_BYTES, MAX_OBJECT_SIZE, MAX_PART_NUMBER, MAX_PART_SIZE, MIB
from uploads.oss.messages import Completed, Part

STAGED = Staged("E", 25, 7)
COPY = Completed("F", 7, size=25)
NO_CRC64 = replace(COPY, crc64=None)
OTHER = Completed("F", 8, size=25)
SHORT = Completed("F", 7, size=24)
LINK = replace(COPY, headers={"x-oss-object-type": "Symlink"})
NO = Rejected(Phrase("No."))
GONE = gone()
SPANS = {1: (0, 10), 2: (10, 10), 3: (20, 5)}
PARTS = [Part(1, "A", 10), Part(2, "B", 10), Part(3, "C", 5)]


def checking(**known: Any) -> Facts:
    return Facts(Stage.CHECKING, STAGED, **known)


def copying(**known: Any) -> Facts:
    return Facts(Stage.COPYING, STAGED, **known)


def in_parts(**known: Any) -> Facts:
    return copying(**{"final": None, "copy_id": "U", **known}, whole_up_to=10, part_size=10)


ROWS = [
    ("what has arrived is checked", checking(), Check()),
    ("what passed goes on", checking(verdict=None), Pass()),
    ("what did not pass is rejected", checking(verdict=NO), Reject(NO)),
    ("it is gone: it may have been copied", checking(verdict=GONE), LookAtFinal()),
    ("it was copied", checking(verdict=GONE, final=COPY), Finish(COPY)),
    ("it was not copied", checking(verdict=GONE, final=None), Reject(GONE)),
    ("another object is there", checking(verdict=GONE, final=OTHER), Reject(GONE)),
    ("after a crash the copy may be there", copying(), LookAtFinal()),
    ("there is none", copying(final=None), CopyWhole()),
    ("the copy is there", copying(final=COPY), Finish(COPY)),
    ("another object is there, which may be replaced", copying(final=OTHER), CopyWhole()),
    ("the copy is a symbolic link, which may be replaced", copying(final=LINK), CopyWhole()),
    ("OSS has copied: look at it", copying(was_copied=True), LookAtFinal()),
    ("the staged object was replaced meanwhile", copying(final=None, verdict=NO), Reject(NO)),
    ("OSS refuses to replace: it may be the copy", copying(exists=True), LookAtFinal()),
    ("and it is", copying(exists=True, final=COPY), Finish(COPY)),
    ("the largest that is copied whole", copying(final=None, whole_up_to=STAGED.size), CopyWhole()),
    ("a large object", in_parts(copy_id=""), BeginCopy()),
    ("a copy that was begun", in_parts(), LookAtCopy()),
    ("OSS does not know it any more", in_parts(parts=None), BeginCopy()),
    ("no part yet", in_parts(parts=[]), CopyParts(SPANS)),
    ("some parts", in_parts(parts=PARTS[:1]), CopyParts({n: SPANS[n] for n in (2, 3)})),
    ("a part of another size", in_parts(parts=[*PARTS[:2], Part(3, "C", 4)]), CopyParts({3: SPANS[3]})),
    ("all parts", in_parts(parts=PARTS), CompleteCopy(PARTS)),
    ("the copy in parts is there", in_parts(final=COPY), Finish(COPY)),
    ("a size is enough where OSS tells no CRC64", copying(final=NO_CRC64), Finish(NO_CRC64)),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "action"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_table(facts: Facts, action: object) -> None:
    assert decide(facts) == action


@pytest.mark.parametrize("wrong", [OTHER, SHORT, LINK])
def test_a_copy_that_differs_is_removed(wrong: Completed) -> None:
    action = decide(copying(was_copied=True, final=wrong))
    assert isinstance(action, Reject)
    assert isinstance(action.error, ObjectMismatch)
    assert "The copy at the final key differs" in str(action.error)
    assert action.final


def test_an_object_that_must_not_be_replaced_is_left_alone() -> None:
    action = decide(copying(exists=True, final=OTHER))
    assert isinstance(action, Reject)
    assert isinstance(action.error, Conflict)
    assert not action.final


# Where the stages begin


def claimed(**known: Any) -> CompletionFacts:
    file = FilePlan(Plan(25, 100, 1), size=25)
    return CompletionFacts(State.COMPLETING, is_multipart=False, file=file, expected={"etag": "F"}, **known)


def test_a_staged_object_is_accepted_instead_of_finished_and_then_left_to_its_stages() -> None:
    assert decide_completion(claimed(found=COPY)) == CompletionFinish(COPY)
    assert decide_completion(claimed(found=COPY, is_staged=True)) == Accept(COPY)
    assert decide_completion(claimed(found=UNKNOWN, is_staged=True, in_stages=True)) == Stop()


# Sizes and keys


@pytest.mark.parametrize("size", [1, 512 * MIB, 512 * MIB + 1, 3 * GIB, 5000 * GIB, MAX_OBJECT_SIZE])
def test_the_parts_of_a_copy_cover_the_object_and_fit_oss(size: int) -> None:
    spans = copy_spans(size)
    assert len(spans) <= MAX_PART_NUMBER
    assert max(length for _, length in spans.values()) <= MAX_PART_SIZE
    end = 0
    for first, length in spans.values():
        assert first == end
        end += length
    assert end == size


def test_a_staging_key_is_below_its_prefix_however_long_the_final_key_is() -> None:
    assert staging_key("staging/", "films/a", "77") == "staging/films/a"
    long = staging_key("staging/", "f" * MAX_KEY_BYTES, "77")
    assert (long, len(long) <= MAX_KEY_BYTES) == ("staging/77/file", True)
    longest = "é" * 500 + "f" * (MAX_KEY_BYTES - len("staging/") - 1000)
    assert staging_key("staging/", longest, "77") == f"staging/{longest}"
    assert staging_key("staging/", f"{longest}f", "77") == "staging/77/file"


@pytest.mark.parametrize("prefix", ["", "/", "staging", "/staging/", "a//", "a*/", "../", None, 5])
def test_a_staging_prefix_is_a_directory(prefix: Any) -> None:
    assert prefix_problem(prefix)
    assert prefix_problem("staging/") is None


def test_the_record_of_a_staged_object() -> None:
    for staged in (STAGED, Staged("E", 0)):
        assert Staged.from_record(staged.as_record()) == staged


# Types by content

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(20)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("head", "declared", "accepted"),
    [
        (PNG, "image/png", ["image/*"]),
        (PNG, "image/jpeg", ["image/*"]),  # Renamed files are common, and both types are accepted.
        (MP4, "video/quicktime", ["video/quicktime"]),
        (b"PK\x03\x04" + bytes(30), DOCX, [DOCX]),
        (b"\xff\xfb\x90\x00" + bytes(30), "audio/mpeg", ["audio/*"]),
        (b"plain text", "text/plain", ["text/plain"]),
        (b"anything", "application/x-unknown", ["application/*"]),
        (b'<?xml version="1.0"?>\n<svg xmlns="...">', "image/svg+xml", ["image/svg+xml"]),
        (b"<html>", "text/html", []),
        (b"", "image/png", ["image/png"]),
    ],
)
def test_content_of_an_accepted_type_passes(head: bytes, declared: str, accepted: list[str]) -> None:
    assert content_problem(head, declared, accepted) is None


@pytest.mark.parametrize(
    ("head", "declared", "accepted"),
    [
        (b"<html><script>alert(1)</script>", "image/png", ["image/*"]),
        (b"\xef\xbb\xbf  \n<!DOCTYPE html>", "image/png", ["image/*"]),
        (b"<!-- --><html>", "image/png", ["image/*"]),
        (b"<svg onload=alert(1)>", "image/png", ["image/png"]),
        (b"MZ" + bytes(58), "video/mp4", ["video/*"]),
        (b"nothing that begins so", "image/png", ["image/*"]),
        (b"nothing that begins so", "image/png; charset=x", ["image/*"]),
        (PNG, "video/mp4", ["video/*"]),
        (b"PK\x03\x04" + bytes(30), "image/png", ["image/png"]),
    ],
)
def test_content_of_another_type_is_named(head: bytes, declared: str, accepted: list[str]) -> None:
    assert content_problem(head, declared, accepted)
