"""Object names: whatever people call their files, the key stays in its template and harms no client."""

from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.domain.keys import MAX_FILENAME_BYTES, key_problem, object_key, safe_filename, template_problem

NOW, ID = datetime(2026, 1, 15), UUID(int=7)
TEMPLATE = "uploads/{user_id}/{date:%Y/%m/%d}/{uuid}/{filename}"


@given(filename=st.text(max_size=1024))
def test_any_filename_gives_a_sound_key(filename: str) -> None:
    key = object_key(TEMPLATE, user_id=1, now=NOW, uuid=ID, filename=filename)
    assert key_problem(key) is None
    assert key.startswith(f"uploads/1/2026/01/15/{ID.hex}/")
    assert key.count("/") == TEMPLATE.format(user_id=1, date=NOW, uuid="u", filename="f").count("/")
    assert len(safe_filename(filename).encode()) <= MAX_FILENAME_BYTES


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("film.mp4", "film.mp4"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..", "file"),
        ("", "file"),
        ("a*b?.mp4", "a_b_.mp4"),
        ("视频 片段.mp4", "视频 片段.mp4"),
        ("a\x00b\nc.txt", "abc.txt"),
        ("x" * 500 + ".mp4", "x" * 196 + ".mp4"),
        ("\u202egnp.exe", "gnp.exe"),
        ("cafe\u0301.txt", "café.txt"),
    ],
)
def test_filename(filename: str, safe: str) -> None:
    assert safe_filename(filename) == safe


@pytest.mark.parametrize(
    "key", ["", "/a", "\\a", "a*", "a?", "a/../b", "a/./b", "a//b", "..", "a\x01", "é" * 512, "a/.."]
)
def test_a_key_that_harms_is_refused(key: str) -> None:
    assert key_problem(key)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{filename}", "must contain {uuid}"),
        ("/{uuid}", "start with"),
        ("a//{uuid}", "segments"),
        ("{uuid}/{secret}", "unknown field secret"),
        ("{uuid", "expected"),
        ("*/{uuid}", "wildcards"),
        (7, "must be a string"),
    ],
)
def test_a_wrong_template_is_told_in_words(template: object, words: str) -> None:
    assert words in str(template_problem(template))


def test_the_default_template_is_sound() -> None:
    assert template_problem(TEMPLATE) is None
