"""What an object is given: which values are taken, and which request carries them."""

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
            [{}, {"a": ""}, {"Kind 1": "a+b-c=d._:/"}],
            [{"名": "1"}, {"a": "é"}, {"a": "\n"}, "a=b", {"a": 1}, {"": "x"}, {"a&b": "c"}, {"a": "x" * 257}],
        ),
        ("tagging", [{str(n): "x" for n in range(10)}], [{str(n): "x" for n in range(11)}]),
        ("cache_control", ["no-cache", ""], ["a\r\nX: y", "ü", "x" * 1025, 5]),
        (
            "content_disposition",
            ["inline", "attachment", {"type": "attachment", "filename": 'Über "uns" %\r\n.pdf'}],
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
            [0, 3600, "2027-01-15", "2027-01-15T09:30:00Z", "2027-01-15T09:30:00+08:00"],
            [-1, "3600", True, 1.5, "soon", "2027-13-01", "0001-01-01T00:00:00+08:00"],
        ),
        ("data_encryption", ["SM4"], ["AES256", ""]),
        ("encryption", ["AES256", "KMS", "SM4"], ["aes"]),
        ("forbid_overwrite", [True, False], ["true", 1]),
        ("traffic_limit", [819_200, 838_860_800], [819_199, 838_860_801, "819200"]),
    ],
)
def test_values(name: str, good: list[Any], bad: list[Any]) -> None:
    assert [options.problem(name, value) for value in good] == [None] * len(good)
    assert [value for value in bad if options.problem(name, value) is None] == []


def test_unknown_options_are_refused() -> None:
    assert options.problem("x-oss-object-acl", "private")


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
