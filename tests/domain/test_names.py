"""Names of files as they are stored and shown: nothing in them changes the direction of text, or leaves a folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.domain.keys import key_problem, safe_filename
from uploads.domain.names import DIRECTION_CONTROLS, clean_filename, clean_relative_path
from uploads.domain.options import disposition

CONTROLS = [chr(c) for c in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]


def test_the_controls_are_those_of_unicode() -> None:
    assert sorted(DIRECTION_CONTROLS) == CONTROLS


@pytest.mark.parametrize("control", CONTROLS, ids=[f"U+{ord(c):04X}" for c in CONTROLS])
def test_a_control_of_direction_is_removed_everywhere(control: str) -> None:
    name = f"photo_{control}gnp.exe"
    assert clean_filename(name) == safe_filename(name) == clean_relative_path(name) == "photo_gnp.exe"
    assert disposition("attachment", name) == 'attachment; filename="photo_gnp.exe"'
    assert clean_relative_path(f"a{control}/b") == "a/b"
    assert key_problem(f"uploads/{control}a")


@given(st.text(max_size=200))
def test_any_name_is_cleaned_once(name: str) -> None:
    cleaned = clean_filename(name)
    assert cleaned
    assert clean_filename(cleaned) == cleaned
    assert not DIRECTION_CONTROLS & set(cleaned)


@pytest.mark.parametrize("name", ["film.mp4", "视频 片段.mp4", "a b/c.txt", "עברית.txt", "میوه‌ها.txt"])
def test_ordinary_names_stay(name: str) -> None:
    assert clean_filename(name) == name


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("", ""),
        ("beach.jpg", "beach.jpg"),
        ("holiday/day 1/beach.jpg", "holiday/day 1/beach.jpg"),
        (" a / b ", "a/b"),
        ("a\x00/b\n", "a/b"),
        ("..\\a/b", ".._a/b"),
    ],
)
def test_a_relative_path(path: str, cleaned: str) -> None:
    assert clean_relative_path(path) == cleaned


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/etc/passwd", "absolute"),
        ("a/../b", "dot segments"),
        ("./a", "dot segments"),
        ("a//b", "empty"),
        ("a/", "empty"),
        (".\u202e./a", "dot segments"),
        ("é/" * 400 + "a", "1024 bytes"),
    ],
)
def test_a_path_that_leaves_its_folder_is_refused(path: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        clean_relative_path(path)
