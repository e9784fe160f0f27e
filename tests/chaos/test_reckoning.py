"""The reckoning of a run: whatever is wrong at the end fails it, and so does a run that did nothing."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.end import Facts, Found, Row
from tests.chaos.faults import RULES, Deck
from tests.chaos.files import BLOCK, Mix, Spec, blocks, content, digest, specs_of_turn
from tests.chaos.ledger import Entry, Ledger
from tests.chaos.options import Options
from tests.chaos.reckoning import Verdict, Work, reckon, ways_of

SPEC = Spec("film.bin", 7, 3 * BLOCK + 5)
FOLDER = Spec("holiday-1.jpg", 10, 3, "folder")
STREAM = Spec("recording.bin", 8, 2 * BLOCK, "stream")
GONE = Spec("gone.bin", 9, 10)
INJECTED = {"tab closed": 3}
WORK = Work({"chromium": 1}, ["tab closed"])
Change = Callable[[list[Entry], Facts], object]


def entries() -> list[Entry]:
    return [
        Entry("chromium", SPEC, "completed", upload="1"),
        Entry("chromium", STREAM, "kept", upload="2"),
        Entry("python", GONE, "aborted", upload="3"),
        Entry("chromium", FOLDER, "completed"),  # It had arrived before: nobody told the id.
    ]


def facts() -> Facts:
    rows = [
        Row("1", "completed", SPEC.name, "a/film.bin", SPEC.size),
        Row("2", "completed", STREAM.name, "a/recording.bin", BLOCK),
        Row("3", "aborted", GONE.name, "a/gone.bin", GONE.size, "aborted_by_user"),
        Row("4", "completed", FOLDER.name, "a/holiday-1.jpg", FOLDER.size),
    ]
    objects = {
        "a/film.bin": Found(SPEC.size, digest(SPEC.seed, SPEC.size)),
        "a/recording.bin": Found(BLOCK, digest(STREAM.seed, BLOCK)),
        "a/holiday-1.jpg": Found(FOLDER.size, digest(FOLDER.seed, FOLDER.size)),
    }
    return Facts(rows, objects, [], {}, {"POST 201": 3, "POST 503": 1})


def verdict_after(change: Change) -> Verdict:
    given, at_end = entries(), facts()
    change(given, at_end)
    return reckon(given, at_end, WORK, INJECTED)


def test_a_run_in_which_everything_is_right_passes() -> None:
    verdict = reckon(entries(), facts(), WORK, INJECTED)
    assert verdict.wrong == []
    assert (verdict.right, verdict.bytes_right) == (3, SPEC.size + BLOCK + FOLDER.size)


def told(number: int, outcome: str, code: str = "") -> Change:
    def change(given: list[Entry], _: Facts) -> None:
        given[number].outcome, given[number].code = outcome, code  # type: ignore[assignment]

    return change


def row(number: int, **values: Any) -> Change:
    def change(_: list[Entry], at_end: Facts) -> None:
        at_end.rows[number] = replace(at_end.rows[number], **values)

    return change


def bucket(key: str, found: Found | None) -> Change:
    def change(_: list[Entry], at_end: Facts) -> None:
        at_end.objects.pop(key, None)
        if found:
            at_end.objects[key] = found

    return change


def cut_off(given: list[Entry], at_end: Facts) -> None:
    row(0, size=BLOCK)(given, at_end)
    bucket("a/film.bin", Found(BLOCK, digest(SPEC.seed, BLOCK)))(given, at_end)


LIES: dict[str, tuple[Change, str]] = {
    "told completed, and the upload failed": (row(0, state="failed", code="object_mismatch"), "told completed"),
    "told completed, and the row is missing": (lambda given, at_end: at_end.rows.pop(0), "row is missing"),
    "told the upload of somebody else": (
        lambda given, _: setattr(given[0], "upload", "2"),
        "told that the upload of recording.bin is its own",
    ),
    "a file of a folder told completed, and aborted": (row(3, state="aborted", code="x"), "the row is missing"),
    "told aborted, and completed all the same": (row(2, state="completed"), "told aborted"),
    "never told anything": (told(0, ""), "never ended"),
    "failed without a reason": (told(2, "failed", "internal_error"), "failed with 'internal_error'"),
    "the object is missing": (bucket("a/film.bin", None), "there is no object"),
    "the object is of another file": (
        bucket("a/film.bin", Found(SPEC.size, digest(SPEC.seed + 1, SPEC.size))),
        "not what was sent",
    ),
    "the object is cut off": (
        bucket("a/film.bin", Found(BLOCK, digest(SPEC.seed, BLOCK))),
        "the object has 65536",
    ),
    "a file is cut off, and the row agrees": (cut_off, "of 196613 bytes are there"),
    "an object of nobody": (bucket("a/other.bin", Found(1, "0")), "of no completed upload"),
    "an upload left open": (lambda _, at_end: at_end.open_uploads.append("a/film.bin"), "open after the sweep"),
    "an error that nobody expected": (
        lambda _, at_end: at_end.answers.update({"POST 500": 2}),
        "the site answered POST 500 2 times",
    ),
    "a row that is stuck": (row(2, state="completing"), "still completing"),
    "a row that does not say why": (row(2, code=""), "does not say why"),
    "a row of nobody": (row(2, filename="other.bin"), "no client asked for"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(lie: str) -> None:
    change, sentence = LIES[lie]
    verdict = verdict_after(change)
    assert not verdict.passed
    assert any(sentence in each for each in verdict.wrong), verdict.wrong


def test_failures_that_are_explained_are_counted_and_limited() -> None:
    assert verdict_after(told(2, "failed", "object_mismatch")).passed
    many = [Entry("python", Spec(f"{n}.bin", n, 1), "failed", "object_mismatch") for n in range(5)]
    verdict = reckon([*entries(), *many], facts(), WORK, INJECTED)
    assert verdict.wrong == ["python: 5 of 6 files failed"]
    assert verdict.codes == {"python: object_mismatch": 5}


def test_a_run_without_work_fails() -> None:
    verdict = reckon(
        [], Facts([], {}, [], {}, {}), Work({"chromium": 2, "python": 1}, ["tab closed", "OSS killed"]), {}
    )
    assert verdict.wrong == [
        "chromium: only 0 files completed; at least 2 are asked for",
        "python: only 0 files completed; at least 1 are asked for",
        "the fault 'tab closed' was never injected",
        "the fault 'OSS killed' was never injected",
    ]


def test_a_run_that_left_out_a_way_of_uploading_fails() -> None:
    verdict = reckon(entries(), facts(), replace(WORK, ways=["folder", "staged", "huge"]), INJECTED)
    assert verdict.wrong == ["no file was completed as 'staged'", "no file was completed as 'huge'"]


@pytest.mark.parametrize("seed", range(20))
def test_the_first_turns_of_a_page_have_a_folder_a_staged_file_and_a_huge_one(seed: int) -> None:
    luck = random.Random(seed)
    turns = [specs_of_turn(luck, f"file-{turn}", turn, Mix(huge=True)) for turn in (1, 2, 3)]
    assert {spec.how for spec in turns[0]} == {"folder"}
    assert "staged" in ways_of(turns[1][0])
    assert "huge" in ways_of(turns[2][0])


def test_what_is_asked_for_grows_with_the_minutes() -> None:
    options = Options.from_environment({"CHAOS_MINUTES": "10", "CHAOS_LEAST": "4"})
    assert options.least_completed({"chromium": 1, "firefox": 1, "python": 0}) == {"chromium": 40, "firefox": 20}


def test_a_file_that_was_resumed_is_one_file() -> None:
    ledger = Ledger()
    ledger.begin("chromium", [SPEC])
    ledger.tell(SPEC.name, "completed", upload="1")
    ledger.begin("chromium", [SPEC])
    assert [(entry.outcome, entry.upload) for entry in ledger.entries()] == [("completed", "1")]


def test_files_are_the_same_for_the_same_seed_and_differ_block_by_block() -> None:
    whole = content(SPEC)
    assert len(whole) == SPEC.size
    assert whole[:4] == b"\0\0\0\0"
    assert whole[BLOCK : BLOCK + 4] == b"\1\0\0\0"
    assert b"".join(blocks(SPEC.seed, BLOCK + 1)) == whole[: BLOCK + 1]
    assert digest(SPEC.seed, SPEC.size) != digest(SPEC.seed + 1, SPEC.size)


def test_each_fault_comes_before_any_comes_a_third_time() -> None:
    deck = Deck(list(RULES), random.Random(1))
    dealt = [deck.deal() for _ in range(2 * len(RULES))]
    assert {name: dealt.count(name) for name in RULES} == dict.fromkeys(RULES, 2)
