"""The decision as a table: each row is what is known, and the one action that follows."""

from dataclasses import replace
from typing import Any

import pytest

from uploads.domain.completion import (
    AbortParts,
    Claim,
    Complete,
    Facts,
    Fail,
    Finish,
    LookAtObject,
    LookAtParts,
    Refuse,
    Reopen,
    Stop,
    decide,
)
from uploads.domain.errors import (
    InvalidUpload,
    ObjectMismatch,
    OverQuota,
    PartsMissing,
    StorageBusy,
    StorageRefused,
    TooLarge,
    UploadGone,
    WrongState,
)
from uploads.domain.parts import ClientReport, FilePlan
from uploads.domain.phrase import Phrase
from uploads.domain.plan import Plan
from uploads.domain.states import State, is_final
from uploads.oss.crc64 import combine_all
from uploads.oss.messages import Completed, Part, multipart_etag

UPLOADING, COMPLETING = State.UPLOADING, State.COMPLETING
PARTS = [Part(1, "A1", 10, 7), Part(2, "B2", 5, 9)]
EXPECTED = {"etag": multipart_etag(["A1", "B2"]), "crc64": str(combine_all([(7, 10), (9, 5)]))}
OBJECT = Completed(EXPECTED["etag"], int(EXPECTED["crc64"]), size=15)
ANSWER = Completed(EXPECTED["etag"], int(EXPECTED["crc64"]))
OTHER = Completed("FF-2", 1, size=15)
SHORT = Completed("EE", 1, size=14)
REQUIRED = {"content-type": "video/mp4", "x-oss-object-acl": "default"}
OPEN = replace(OTHER, headers={**REQUIRED, "x-oss-force-download": "true", "content-disposition": "attachment"})
FILE = FilePlan(Plan(15, 10, 2), size=15)
STREAM = FilePlan(Plan(None, 10, None), is_stream=True)
ONE = FilePlan(Plan(15, 20, 1), size=15)
BUSY = StorageBusy(Phrase("Try again."))
NO = StorageRefused(Phrase("No."))


def multipart(state: State = UPLOADING, **known: Any) -> Facts:
    return Facts(state, is_multipart=True, **{"file": FILE, "expected": None, **known})


def claimed(**known: Any) -> Facts:
    return multipart(COMPLETING, **{"expected": EXPECTED, **known})


def single(state: State = UPLOADING, **known: Any) -> Facts:
    return Facts(state, is_multipart=False, **{"file": ONE, **known})


TABLE: list[tuple[str, Facts, Any]] = [
    ("completed already", multipart(State.COMPLETED), Stop),
    ("aborted", multipart(State.ABORTED), WrongState),
    ("failed", multipart(State.FAILED), WrongState),
    # One request
    ("a single file is looked at", single(), LookAtObject),
    ("a single file that is not there", single(found=None), PartsMissing),
    ("a single file of another size", single(found=SHORT), PartsMissing),
    ("a single file that vanished after the claim", single(COMPLETING, found=None), Reopen),
    ("a single file is claimed", single(found=OTHER), Claim({"etag": "FF-2"}, 15)),
    (
        "a single file is claimed as the client reports it",
        single(found=OTHER, report=ClientReport(etag="AA", crc64="3")),
        Claim({"etag": "AA", "client_crc64": "3"}, 15),
    ),
    (
        "a single file is claimed with the checksum that was told before it was sent",
        single(found=OTHER, expected={"client_crc64": "3"}),
        Claim({"etag": "FF-2", "client_crc64": "3"}, 15),
    ),
    (
        "the checksum of the report replaces it",
        single(found=OTHER, expected={"client_crc64": "3"}, report=ClientReport(crc64="4")),
        Claim({"etag": "FF-2", "client_crc64": "4"}, 15),
    ),
    ("a claimed single file ends", single(COMPLETING, found=OTHER, expected={"etag": "FF-2"}), Finish(OTHER)),
    ("a claimed single file that differs", single(COMPLETING, found=OTHER, expected={"etag": "AA"}), ObjectMismatch),
    ("a single file of unknown size", single(file=replace(STREAM), found=SHORT), Claim({"etag": "EE"}, 14)),
    # Parts
    ("parts are looked at first", multipart(), LookAtParts),
    ("all parts are there", multipart(parts=PARTS), Claim(EXPECTED, 15)),
    (
        "the client's CRC64 is expected too",
        multipart(parts=PARTS, report=ClientReport(crc64="3")),
        Claim({**EXPECTED, "client_crc64": "3"}, 15),
    ),
    (
        "so is the one that was told before",
        multipart(parts=PARTS, expected={"client_crc64": "3", "etag": "of a claim that was reopened"}),
        Claim({**EXPECTED, "client_crc64": "3"}, 15),
    ),
    (
        "without CRC64 of every part only the ETag is expected",
        multipart(parts=[replace(PARTS[0], crc64=None), PARTS[1]]),
        Claim({"etag": EXPECTED["etag"]}, 15),
    ),
    ("claimed: OSS is asked", claimed(parts=PARTS), Complete(PARTS)),
    ("a part beyond the plan is left out", claimed(parts=[*PARTS, Part(3, "C3", 1)]), Complete(PARTS)),
    ("OSS has completed", claimed(parts=PARTS, found=ANSWER), Finish(ANSWER)),
    ("OSS has completed something else", claimed(parts=PARTS, found=replace(ANSWER, etag="X-2")), ObjectMismatch),
    # Missing parts
    ("a part is missing: perhaps the object is there", multipart(parts=PARTS[:1]), LookAtObject),
    ("a part is missing, no object", multipart(parts=PARTS[:1], found=None), PartsMissing),
    ("a part is missing, another object", multipart(parts=PARTS[:1], found=SHORT), PartsMissing),
    ("a part is missing after the claim", claimed(parts=PARTS[:1], found=None), Reopen),
    ("a part is missing, the object is whole", multipart(parts=PARTS[:1], found=OTHER), AbortParts),
    ("the leftover parts are aborted", multipart(parts=None, found=OTHER), Claim({"etag": "FF-2"}, 15)),
    (
        "claimed from that object",
        multipart(COMPLETING, parts=None, found=OTHER, expected={"etag": "FF-2"}),
        Finish(OTHER),
    ),
    ("a part of the wrong size", multipart(parts=[replace(PARTS[0], size=9), PARTS[1]], found=None), PartsMissing),
    (
        "a part that arrived damaged",
        multipart(parts=PARTS, found=None, file=replace(FILE, recorded_crc64={2: "8"})),
        PartsMissing,
    ),
    # The multipart upload is gone
    ("gone: perhaps the object is there", multipart(parts=None), LookAtObject),
    ("gone, no object", multipart(parts=None, found=None), UploadGone),
    ("gone, another object", multipart(parts=None, found=SHORT), UploadGone),
    ("gone, the object", claimed(parts=None, found=OBJECT), Finish(OBJECT)),
    ("gone, an object that is not the one that was claimed", claimed(parts=None, found=OTHER), ObjectMismatch),
    ("gone, no object, after the claim", claimed(parts=None, found=None), UploadGone),
    # A left-over `expected` of an upload that was reopened proves nothing.
    ("reopened, gone, another object", multipart(parts=None, found=SHORT, expected=EXPECTED), UploadGone),
    # OSS's answer to Complete
    ("the answer was lost: look", claimed(parts=PARTS, answer_lost=True), LookAtObject),
    ("the answer was lost, the object is there", claimed(parts=PARTS, answer_lost=True, found=OBJECT), Finish(OBJECT)),
    ("the answer was lost, no object yet", claimed(parts=PARTS, answer_lost=True, found=None), Stop),
    ("the answer was lost, an object of before", claimed(parts=PARTS, answer_lost=True, found=OTHER), Stop),
    ("OSS cannot now", claimed(parts=PARTS, refusal=BUSY), StorageBusy),
    ("OSS refuses", claimed(parts=PARTS, refusal=NO), Reopen),
    ("OSS has refused, and the upload is open again", multipart(parts=PARTS, refusal=NO), StorageRefused),
    ("the key is taken: look", claimed(parts=PARTS, refusal=NO, key_taken=True), LookAtObject),
    (
        "the key is taken by our own object",
        claimed(parts=PARTS, refusal=NO, key_taken=True, found=OBJECT),
        Finish(OBJECT),
    ),
    (
        "the key is taken by another object",
        claimed(parts=PARTS, refusal=NO, key_taken=True, found=OTHER),
        ObjectMismatch,
    ),
    ("the key was taken, and is free again", claimed(parts=PARTS, refusal=NO, key_taken=True, found=None), Reopen),
    # The object's attributes
    ("an object with the required attributes", single(COMPLETING, found=OPEN, required=REQUIRED), Finish(OPEN)),
    (
        "a single file with another attribute is claimed before it fails",
        single(found=OPEN, required={}),
        Claim({"etag": "FF-2"}, 15),
    ),
    ("a single file with another attribute", single(COMPLETING, found=OPEN, required={}), ObjectMismatch),
    (
        "an object made by other means with another attribute",
        claimed(
            parts=None,
            found=replace(OBJECT, headers={**REQUIRED, "x-oss-object-acl": "public-read"}),
            required=REQUIRED,
        ),
        ObjectMismatch,
    ),
    (
        "OSS's answer to Complete describes nothing",
        claimed(parts=PARTS, found=ANSWER, required=REQUIRED),
        Finish(ANSWER),
    ),
    (
        "a single file of another size that cannot be replaced is claimed",
        single(found=SHORT, is_protected=True),
        Claim({"etag": "EE"}, 15),
    ),
    (
        "a single file of another size that cannot be replaced",
        single(COMPLETING, found=SHORT, is_protected=True, expected={"etag": "EE"}),
        ObjectMismatch,
    ),
    # Somebody has seen the object
    ("seen: look there first", multipart(object_confirmed=True), LookAtObject),
    ("seen, and it is there", multipart(object_confirmed=True, found=OBJECT), AbortParts),
    ("seen, claimed, and it is there", claimed(object_confirmed=True, found=OBJECT), Finish(OBJECT)),
    ("seen, but it is another one: the parts decide", claimed(object_confirmed=True, found=OTHER), LookAtParts),
    ("seen, but it is not there: the parts decide", multipart(object_confirmed=True, found=None), LookAtParts),
    # Streams
    ("a stream needs a size", multipart(file=STREAM, parts=PARTS), InvalidUpload),
    ("a stream with its size", multipart(file=STREAM, parts=PARTS, report=ClientReport(size=15)), Claim(EXPECTED, 15)),
    (
        "a stream lacks bytes",
        multipart(file=STREAM, parts=PARTS, report=ClientReport(size=16), found=None),
        PartsMissing,
    ),
    (
        "a stream with a gap",
        multipart(file=STREAM, parts=PARTS[1:], report=ClientReport(size=5), found=None),
        PartsMissing,
    ),
    (
        "a stream without a part",
        multipart(file=STREAM, parts=[], report=ClientReport(size=0), found=None),
        PartsMissing,
    ),
    (
        "a stream that is too large",
        multipart(file=replace(STREAM, max_size=14), parts=PARTS, report=ClientReport(size=15)),
        TooLarge,
    ),
    (
        "a stream beyond its reservation",
        multipart(file=replace(STREAM, reserved=14), parts=PARTS, report=ClientReport(size=15)),
        OverQuota,
    ),
    (
        "a stream as its client lists it",
        multipart(file=STREAM, parts=PARTS, report=ClientReport(parts={1: "A1", 2: "B2"})),
        Claim(EXPECTED, 15),
    ),
    (
        "a stream whose client lists another part",
        multipart(file=STREAM, parts=PARTS, report=ClientReport(parts={1: "A1", 2: "FF"}), found=None),
        PartsMissing,
    ),
    (
        "a stream that is kept: a part after a gap is left out",
        multipart(file=STREAM, parts=[*PARTS, Part(4, "D4", 10, 3)], report=ClientReport(keep=True)),
        Claim(EXPECTED, 15),
    ),
    (
        "a stream that is kept: its second part is damaged",
        multipart(file=replace(STREAM, recorded_crc64={2: "1"}), parts=PARTS, report=ClientReport(keep=True)),
        Claim({"etag": multipart_etag(["A1"]), "crc64": "7"}, 10),
    ),
    (
        "a stream that is kept, up to its reservation",
        multipart(file=replace(STREAM, reserved=14), parts=PARTS, report=ClientReport(keep=True)),
        Claim({"etag": multipart_etag(["A1"]), "crc64": "7"}, 10),
    ),
    (
        "a stream of which nothing can be kept",
        multipart(file=STREAM, parts=PARTS[1:], report=ClientReport(keep=True), found=None),
        PartsMissing,
    ),
    (
        "a kept stream, claimed: whoever repeats the call knows nothing of it",
        claimed(file=replace(STREAM, size=15), parts=[*PARTS, Part(3, "C3", 10, 3)]),
        Complete(PARTS),
    ),
    ("a file is not kept", multipart(parts=PARTS, report=ClientReport(keep=True)), InvalidUpload),
    (
        "a stream of unknown size, and somebody has seen its object",
        multipart(file=STREAM, found=SHORT, object_confirmed=True),
        AbortParts,
    ),
    (
        "a stream of unknown size whose parts are there: the object is another",
        multipart(file=STREAM, parts=PARTS, found=SHORT),
        InvalidUpload,
    ),
    (
        "a stream, gone, an object of unknown size",
        multipart(file=STREAM, parts=None, found=SHORT),
        Claim({"etag": "EE"}, 14),
    ),
    (
        "a stream, gone, an object as large as its limits",
        multipart(file=replace(STREAM, max_size=14, reserved=14), parts=None, found=SHORT),
        Claim({"etag": "EE"}, 14),
    ),
    (
        "a stream, gone, an object that is too large",
        multipart(file=replace(STREAM, max_size=13), parts=None, found=SHORT),
        TooLarge,
    ),
    (
        "a stream, gone, an object beyond its reservation",
        multipart(file=replace(STREAM, reserved=13), parts=None, found=SHORT, report=ClientReport(size=14)),
        OverQuota,
    ),
    (
        "a stream that is too large, and somebody has seen its object",
        multipart(file=replace(STREAM, max_size=13), found=SHORT, object_confirmed=True),
        TooLarge,
    ),
    (
        "a single file of unknown size beyond its reservation",
        single(file=replace(STREAM, reserved=13), found=SHORT),
        OverQuota,
    ),
]


@pytest.mark.parametrize(("facts", "action"), [pytest.param(f, a, id=name) for name, f, a in TABLE])
def test_what_follows(facts: Facts, action: Any) -> None:
    decided = decide(facts)
    if isinstance(decided, Refuse | Fail):
        assert isinstance(decided.error, action)
        assert isinstance(decided, Fail) == (action in (UploadGone, ObjectMismatch, TooLarge, OverQuota))
    elif isinstance(action, type):
        assert type(decided) is action
    else:
        assert decided == action


def test_every_action_stands_in_the_table() -> None:
    assert {type(decide(facts)) for _, facts, _ in TABLE} == {
        LookAtParts, LookAtObject, AbortParts, Claim, Complete, Finish, Fail, Reopen, Refuse, Stop,
    }  # fmt: skip


def test_no_action_moves_an_upload_that_has_ended() -> None:
    for _, facts, _ in TABLE:
        for state in (State.COMPLETED, *filter(is_final, State)):
            assert isinstance(decide(replace(facts, state=state)), Stop | Refuse)


def test_missing_parts_are_named() -> None:
    decided = decide(multipart(parts=PARTS[1:], found=None))
    assert isinstance(decided, Refuse)
    assert decided.error.errors == {"parts": [1]}
    # Uppy lists ETags, and no sizes: parts of another size would leave holes.
    odd = [Part(1, "A", 100), Part(2, "B", 50), Part(3, "C", 100)]
    report = ClientReport(parts={part.number: part.etag for part in odd})
    decided = decide(multipart(file=STREAM, parts=odd, report=report, found=None))
    assert isinstance(decided, Refuse)
    assert decided.error.errors == {"parts": [2]}


def test_a_mismatch_names_both_values() -> None:
    decided = decide(claimed(parts=None, found=OTHER))
    assert isinstance(decided, Fail)
    assert decided.error.errors == {"etag": [EXPECTED["etag"], "FF-2"], "crc64": [EXPECTED["crc64"], "1"]}
