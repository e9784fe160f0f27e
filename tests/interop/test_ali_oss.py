"""The vendor's JavaScript client, ali-oss, for real: in Node against the local OSS."""

import pytest

from tests.interop.support import drive
from uploads.localoss.testing import LocalServer


@pytest.mark.parametrize("v4", [True, False], ids=["V4", "V1"])
def test_it_puts_resumes_lists_and_deletes(oss_server: LocalServer, v4: bool) -> None:
    assert drive(oss_server, "ali-oss.mjs", v4=v4) == {
        "put": 200,
        "head": [200, "5", "text/plain", {"uid": "7"}],
        "get": "hello",
        "range": "ell",
        "stopped": True,
        "resumed": True,
        "etag": True,
        "same": True,
        "listed": True,
        "gone": "NoSuchUpload",
        "copied": 200,
        "folder": ["interop/copy.bin", "interop/film.bin", "interop/视频 a+b%2F(1)'~.bin"],
        "oldList": 1,
        "acl": "public-read",
        "public": 200,
        "tags": {"team": "a b"},
        "cors": 1,
        "lifecycle": "3",
        "signed": 200,
        "deletedMany": 2,
        "deleted": 404,
    }


def test_a_wrong_secret_is_refused_as_oss_refuses_it(oss_server: LocalServer) -> None:
    error = drive(oss_server, "ali-oss.mjs", accessKeySecret="wrong", wrong=True)["error"]
    assert (error["code"], error["status"]) == ("SignatureDoesNotMatch", 403)
    assert len(error["requestId"]) == 24


def test_the_forms_that_it_signs_are_taken(oss_server: LocalServer) -> None:
    assert drive(oss_server, "ali-oss-form.mjs") == {
        "v4": [204, ""],
        "refused": 403,
        "v1": [200, ""],
        "stored": "hello",
    }
