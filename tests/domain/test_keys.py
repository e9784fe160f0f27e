"""Object names: whatever people call their files, the key stays in its template and harms no client."""

from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uploads.domain.keys import (
    MAX_FILENAME_BYTES,
    FileName,
    key_fields,
    key_problem,
    key_value,
    object_key,
    own_prefix,
    safe_filename,
    safe_path,
    template_problem,
    user_segment,
)
from uploads.domain.names import clean_relative_path

NOW, ID = datetime(2026, 1, 15), UUID(int=7)
TEMPLATE = "uploads/{user_id}/{date:%Y/%m/%d}/{uuid}/{filename}"


@given(filename=st.text(max_size=1024))
def test_any_filename_gives_a_sound_key(filename: str) -> None:
    key = object_key(TEMPLATE, user_id=1, now=NOW, uuid=ID, file=FileName(filename))
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
        ("report ${filename}.txt", "report _{filename}.txt"),
        ("$", "_"),
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


# The path in a folder

IN_FOLDER = "uploads/{user_id}/{uuid}/{path}"


def in_folder(path: str, filename: str = "beach.jpg") -> str:
    return object_key(IN_FOLDER, user_id=1, now=NOW, uuid=ID, file=FileName(filename, clean_relative_path(path)))


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("holiday/day 1/beach.jpg", "holiday/day 1/beach.jpg"),
        ("holiday/.hidden/a*b?.jpg", "holiday/hidden/a_b_.jpg"),
        ("holiday/...x/%2e%2e/beach.jpg", "holiday/x/_2e_2e/beach.jpg"),
        ("cafe\u0301/\u202egnp.exe", "café/gnp.exe"),
        ("${filename}/beach.jpg", "_{filename}/beach.jpg"),
        ("", "beach.jpg"),
    ],
)
def test_a_folder_is_kept_in_the_key(path: str, end: str) -> None:
    assert template_problem(IN_FOLDER) is None
    assert in_folder(path) == f"uploads/1/{ID.hex}/{end}"


@given(path=st.text(max_size=300), filename=st.text(max_size=300))
def test_no_path_leaves_its_place_in_the_template(path: str, filename: str) -> None:
    try:
        key = in_folder(path, filename)
    except ValueError:
        return
    assert key_problem(key) is None
    assert key.startswith(f"uploads/1/{ID.hex}/")
    assert "\\" not in key


def test_a_path_that_makes_the_key_too_long_is_refused() -> None:
    assert len(safe_path("a/" * 400 + "b", "").encode()) == 801
    with pytest.raises(ValueError, match="1023 bytes"):
        in_folder("/".join(["d" * 99] * 10))


def test_without_the_field_only_the_name_is_kept() -> None:
    file = FileName("beach.jpg", "holiday/beach.jpg")
    key = object_key(TEMPLATE, user_id=1, now=NOW, uuid=ID, file=file)
    assert key == f"uploads/1/2026/01/15/{ID.hex}/beach.jpg"


# Values of the site's own


@pytest.mark.parametrize("value", ["acme", "Acme-2", "a", "_", "acme.example.com", "x" * 64, 7, 0])
def test_a_sound_value(value: object) -> None:
    assert key_value(value) == str(value)


HOSTILE = [
    "", None, ".", "..", "a/../b", "../b", "a/b", "/", "a//b", "a\\b", "a..b", ".a", "a.", "x" * 65, "a b", "a\n",
    "a\x00", "a*", "?", "%2e%2e", "ä", "公司", "a\u202eb", "{uuid}", True, False, -1, 1.5, b"acme", ["acme"],
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value(value: object) -> None:
    assert key_value(value) is None


@given(value=st.text(max_size=80))
def test_a_value_that_passes_is_one_segment_of_plain_characters(value: str) -> None:
    if key_value(value) is not None:
        assert value.isascii()
        assert len(value) <= 64
        assert not set(value) & set("/\\*?%{}")
        assert value not in (".", "..")


OWN = "films/{tenant}/{user_id}/{uuid}/{filename}"


def test_values_stand_in_the_key_and_replace_no_field_of_ours() -> None:
    values = {"tenant": "acme", "user_id": "1", "uuid": "x"}
    key = object_key(OWN, user_id=7, now=NOW, uuid=ID, file=FileName("a.mp4"), values=values)
    assert key == f"films/acme/7/{ID.hex}/a.mp4"


@pytest.mark.parametrize(
    ("template", "prefix"),
    [
        (OWN, "films/acme/7/"),
        ("{tenant}/{user_id}/{uuid}", "acme/7/"),
        ("films/{user_id}/{tenant}/{uuid}", "films/7/"),
        ("films/{tenant}/u{user_id}/{uuid}", "films/acme/u7/"),
        ("films/{tenant}/{uuid}", None),  # the prefix of all users of the tenant
        ("films/{tenant}-{user_id}/{uuid}", None),  # of a-1 and 2, as of a and 1-2
        ("films/{tenant}{user_id}/{uuid}", None),
        ("films/x{tenant}/{user_id}/{uuid}", None),
        ("films/{tenant:.2}/{user_id}/{uuid}", None),
        ("films/{other}/{user_id}/{uuid}", None),
        ("films/{date:%Y}/{user_id}/{uuid}", None),
    ],
)
def test_the_prefix_of_one_user_of_one_tenant(template: str, prefix: str | None) -> None:
    assert own_prefix(template, 7, {"tenant": "acme"}) == prefix


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("films/{company}/{uuid}", "unknown field company; use user_id, date, uuid, filename, path, tenant"),
        ("films/{tenant:.3}/{uuid}", "tenant must stand as it is"),
        ("films/{tenant!r}/{uuid}", "tenant must stand as it is"),
        ("films/{tenant.__class__}/{uuid}", "unknown field"),
    ],
)
def test_a_wrong_field_of_the_sites_own(template: str, words: str) -> None:
    assert words in str(template_problem(template, ["tenant"]))
    assert template_problem(OWN, ["tenant"]) is None


@given(one=st.text(min_size=1, max_size=40), other=st.text(min_size=1, max_size=40))
@example(one="a:b", other="a_b")
@example(one="a:b", other=user_segment("a:b"))  # A user may choose this one.
@example(one="a/b", other="a:b")
@example(one="ann#1@example.com", other="ann_1@example.com")
def test_no_two_users_share_a_prefix(one: str, other: str) -> None:
    """Primary keys may be texts. Temporary credentials for one's prefix reach everything below it."""
    prefixes = [own_prefix("u/{user_id}/{uuid}", user) or "" for user in (one, other)]
    assert (prefixes[0] == prefixes[1]) == (one == other)
    assert all(prefix.count("/") == 2 for prefix in prefixes)


def test_an_ordinary_primary_key_stands_in_the_key_as_it_is() -> None:
    assert own_prefix("u/{user_id}/{uuid}", 42) == "u/42/"
    assert own_prefix("u/{user_id}/{uuid}", "ann@example.com") == "u/ann@example.com/"
    assert own_prefix("u/{user_id}/{uuid}", "a$b") == "u/a$b/", "or the prefix of an older version would be another"
    assert own_prefix("u/{user_id}/{uuid}", f"user-{ID.hex}") == f"u/user-{ID.hex}/"
    key = object_key("u/{user_id}/{uuid}", user_id="a:b", now=NOW, uuid=ID, file=FileName("a"))
    assert key.startswith(own_prefix("u/{user_id}/{uuid}", "a:b") or "none")


@given(filename=st.text(max_size=100), user=st.integers(min_value=0))
def test_the_fields_of_a_key_are_found_again(filename: str, user: int) -> None:
    for template in (
        TEMPLATE,
        "u/{date:%Y-%m}/{user_id}-x/{tenant}/{uuid}.{filename}",
        "{user_id}/{uuid}/{uuid}/{path}",
    ):
        values = {"tenant": "a.b"} if "tenant" in template else {}
        file = FileName(filename)
        key = object_key(template, user_id=user, now=NOW, uuid=ID, file=file, values=values)
        fields = key_fields(template, key)
        assert fields is not None
        assert (fields["user_id"], fields["uuid"]) == (str(user), ID.hex)
        assert fields.get("filename", fields.get("path")) == safe_filename(filename)


@pytest.mark.parametrize(
    ("template", "key"),
    [
        (TEMPLATE, "uploads/1/2026/01/15/a.bin"),
        (TEMPLATE, f"uploads/1/2026/01/{ID.hex}/a.bin"),
        (TEMPLATE, f"uploads/1/2026/01/15/{ID.hex}/folder/a.bin"),
        (TEMPLATE, f"other/1/2026/01/15/{ID.hex}/a.bin"),
        ("{path}/{user_id}/{uuid}", f"a/1/{ID.hex}"),
        ("{filename}/{user_id}/{uuid}", f"a/1/{ID.hex}"),
    ],
)
def test_a_key_that_the_template_does_not_give_has_no_fields(template: str, key: str) -> None:
    """Nor has one in which the client could have written the user."""
    assert key_fields(template, key) is None
