"""What an object is given: which values are taken, and which request carries them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uploads.domain import options
from uploads.domain.names import DIRECTION_CONTROLS

BEGUN = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("acl", ["private", "public-read"], ["public", "", None, "private\r\nX: y"]),
        ("storage_class", ["IA"], ["ia", 1]),
        (
            "tagging",
            [{}, {"a": ""}, {"Kind 1": "a+b-c=d._:/"}, {"x" * 128: "y" * 256}],
            [
                {"x" * 129: ""},
                {"名": "1"},
                {"a": "é"},
                {"a": "\n"},
                "a=b",
                {"a": 1},
                {"": "x"},
                {"a&b": "c"},
                {"a": "x" * 257},
            ],
        ),
        ("tagging", [{str(n): "x" for n in range(10)}], [{str(n): "x" for n in range(11)}]),
        ("cache_control", ["no-cache", "", "x" * 1024], ["a\r\nX: y", "ü", "x" * 1025, 5]),
        (
            "content_disposition",
            [
                "inline",
                "attachment",
                {"type": "attachment", "filename": 'Über "uns" %\r\n.pdf'},
                {"type": "inline", "filename": "x"},
                {"type": "inline", "filename": "x" * 200},
            ],
            [
                "attachment; filename=x",
                "",
                ["inline"],
                {"type": "attachment"},
                {"type": "other", "filename": "x"},
                {"type": "inline", "filename": ""},
                {"type": "inline", "filename": "x" * 201},
                {"type": "inline", "filename": "\ud800"},
                {"type": ["inline"], "filename": "x"},
            ],
        ),
        (
            "expires",
            [0, 3600, 316_224_000, "2027-01-15", "2027-01-15T09:30:00Z", "2027-01-15T09:30:00+08:00"],
            [-1, 316_224_001, "3600", True, 1.5, "soon", "2027-13-01", "0001-01-01T00:00:00+08:00"],
        ),
        ("data_encryption", ["SM4"], ["AES256", ""]),
        ("encryption", ["AES256", "KMS", "SM4"], ["aes"]),
        ("forbid_overwrite", [True, False], ["true", 1]),
        ("traffic_limit", [819_200, 838_860_800], [819_199, 838_860_801, "819200", 819_200.5, True]),
    ],
)
def test_values(name: str, good: list[Any], bad: list[Any]) -> None:
    assert [options.problem(name, value) for value in good] == [None] * len(good)
    assert [value for value in bad if options.problem(name, value) is None] == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("x-oss-object-acl", "private", "unknown option"),
        ("acl", "public", "it must be one of default, private, public-read, public-read-write"),
        ("cache_control", "ü", "it must be one line of at most 1024 ASCII characters"),
        ("forbid_overwrite", 1, "it must be true or false"),
        ("traffic_limit", 1, "it must be an integer from 819200 to 838860800 (bit/s)"),
        ("expires", -1, "it must be a number of seconds from 0 to 316224000, or a date such as 2027-01-15T09:30:00Z"),
        ("tagging", {"": "x"}, "a tag's name must have 1 to 128 characters, its value at most 256"),
        ("tagging", {str(n): "x" for n in range(11)}, "an object can have at most 10 tags"),
        (
            "content_disposition",
            "",
            "it must be one of inline, attachment, or map type to one of them and filename to a name of 1 to 200 "
            "characters",
        ),
    ],
)
def test_a_refusal_says_what_is_allowed(name: str, value: Any, words: str) -> None:
    assert str(options.problem(name, value)) == words


def test_each_request_carries_what_oss_takes_there() -> None:
    chosen = {
        "acl": "public-read", "storage_class": "IA", "tagging": {"a b": "c/ü"}, "cache_control": "no-cache",
        "content_disposition": "attachment", "expires": 3600, "encryption": "KMS", "encryption_key_id": "k-1",
        "forbid_overwrite": True, "traffic_limit": 819_200,
    }  # fmt: skip
    begin = options.object_headers(
        chosen, filename="a.mp4", content_type="video/mp4", metadata={"uid": "7"}, begun=BEGUN
    )
    assert begin == {
        "Content-Type": "video/mp4",
        "Cache-Control": "no-cache",
        "Content-Disposition": 'attachment; filename="a.mp4"',
        "Expires": "Thu, 15 Jan 2026 09:30:00 GMT",
        "x-oss-storage-class": "IA",
        "x-oss-server-side-encryption": "KMS",
        "x-oss-server-side-encryption-key-id": "k-1",
        "x-oss-tagging": "a%20b=c%2F%C3%BC",
        "x-oss-forbid-overwrite": "true",
        "x-oss-meta-uid": "7",
    }
    assert options.completion_headers(chosen) == {"x-oss-object-acl": "public-read", "x-oss-forbid-overwrite": "true"}
    assert options.traffic(chosen) == {"x-oss-traffic-limit": "819200"}
    assert not options.fits_a_form(chosen)
    assert options.fits_a_form({**chosen, "tagging": {}})
    assert options.completion_headers({}) == options.traffic({}) == {}


def test_tags_are_joined_as_a_query() -> None:
    chosen = {"tagging": {"team": "a", "kind": "b"}}
    headers = options.object_headers(chosen, filename="a", content_type="a/b", metadata={}, begun=BEGUN)
    assert headers["x-oss-tagging"] == "team=a&kind=b"


def test_while_it_is_staged_nobody_reads_an_object_and_nothing_delays_reading_it() -> None:
    kept = {
        "encryption": "KMS", "encryption_key_id": "k-1", "data_encryption": "SM4",
        "forbid_overwrite": True, "traffic_limit": 819_200,
    }  # fmt: skip
    later = {"acl": "public-read", "storage_class": "Archive", "tagging": {"a": "b"}, "cache_control": "no-cache"}
    assert options.staged({**kept, **later}) == {"acl": "private", **kept}
    assert options.staged({}) == {"acl": "private"}


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The zone of the machine."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("shanghai")
@pytest.mark.parametrize(
    ("expires", "header"),
    [
        ("2027-01-15T09:30:00", "Fri, 15 Jan 2027 09:30:00 GMT"),
        ("2027-01-15", "Fri, 15 Jan 2027 00:00:00 GMT"),
        ("2027-01-15T09:30:00-01:00", "Fri, 15 Jan 2027 10:30:00 GMT"),
        (60, "Thu, 15 Jan 2026 08:31:00 GMT"),
    ],
)
def test_the_date_of_expires_does_not_depend_on_the_zone_of_the_machine(expires: int | str, header: str) -> None:
    chosen = {"expires": expires}
    headers = options.object_headers(chosen, filename="a", content_type="a/b", metadata={}, begun=BEGUN)
    assert headers["Expires"] == header


def test_a_plain_file_name_stays_as_it_is() -> None:
    assert options.disposition("inline", "XX a~1.pdf") == 'inline; filename="XX a~1.pdf"'
    assert options.disposition("inline", 'X"\\%') == "inline; filename=\"X___\"; filename*=UTF-8''X%22%5C%25"


def test_expires_may_be_a_date_and_the_disposition_may_name_the_file() -> None:
    chosen = {
        "expires": "2027-01-15T09:30:00+08:00",
        "content_disposition": {"type": "attachment", "filename": "Übersicht.pdf"},
        "encryption": "KMS",
        "data_encryption": "SM4",
    }
    headers = options.object_headers(chosen, filename="a", content_type="a/b", metadata={}, begun=BEGUN)
    assert headers["Expires"] == "Fri, 15 Jan 2027 01:30:00 GMT"
    named = "attachment; filename=\"_bersicht.pdf\"; filename*=UTF-8''%C3%9Cbersicht.pdf"
    assert headers["Content-Disposition"] == named
    assert headers["x-oss-server-side-data-encryption"] == "SM4"


@pytest.mark.parametrize("name", ["encryption_key_id", "data_encryption"])
def test_options_of_kms_need_kms(name: str) -> None:
    assert options.combination_problem({name: "SM4", "encryption": "KMS"}) is None
    assert options.combination_problem({name: "SM4", "encryption": "AES256"})
    assert options.combination_problem({name: "SM4"})
    assert options.combination_problem({"encryption": "AES256"}) is None


@given(st.text(max_size=80))
def test_any_file_name_is_one_line_and_comes_back(filename: str) -> None:
    value = options.disposition("attachment", filename.encode("utf-8", "replace").decode())
    assert value.isascii()
    assert value.isprintable()
    message = EmailMessage()
    message["Content-Disposition"] = value
    assert message["Content-Disposition"].content_disposition == "attachment"
    if not set(filename) - DIRECTION_CONTROLS:
        assert value == 'attachment; filename=""'
    elif filename.isascii() and filename.isprintable() and not set('"\\%') & set(filename):
        assert value == f'attachment; filename="{filename}"'
    else:
        assert "filename*=UTF-8''" in value
