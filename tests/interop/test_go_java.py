"""The vendor's Go SDKs V1 and V2 and the Java SDK V2, for real: programs of ours against the local OSS."""

import secrets
from typing import Any

import pytest

from tests.interop import toolchains
from uploads.localoss.testing import LocalServer

SEEN = {
    "get": "hello",
    "range": "ell",
    "missing": "404 NoSuchKey",
    "copy": "hello",
    "acl": "public-read",
    "tag": "a b",
    "signed": "signed",
    "uploads": 1,
    "again": "404 NoSuchUpload",
    "aborted": "404 NoSuchUpload",
    "downloaded": True,
    "copied": True,
    "older list": [1, True],
    "exists": False,
    "wrong secret": "403 SignatureDoesNotMatch",
}
"""Of every SDK. Five parts make an object; the third and later ones fail in the upload that is resumed."""

KEYS = ["copied.bin", "copy.txt", "film.bin", "multipart.bin", "signed.txt", "视频 a+b%(1).txt"]
NEWER = {
    **SEEN,
    "head": [5, "text/plain", "7"],
    "parts": [2, 2, 1],
    "dropped": 102_400,
    "resumed": [3, 0, True],
    "keys": KEYS,
    "deleted": 6,
}

signatures = pytest.mark.parametrize("v4", [True, False], ids=["V4", "V1"])


def saw(program: str, server: LocalServer, v4: bool) -> dict[str, Any]:
    """What a program in Go saw."""
    found: dict[str, Any] = toolchains.run(
        [toolchains.go(program)], server, Folder=f"{program}-{secrets.token_hex(4)}/", V4=v4
    )
    return found


@signatures
def test_go_sdk_v1(oss_server: LocalServer, v4: bool) -> None:
    assert saw("v1", oss_server, v4) == {
        **SEEN,
        "copy": "source",
        "head": ["5", "text/plain", "7"],
        "parts": [2, True, "2", 3],
        "dropped": 11,
        "stopped": [True, True, 2],
        "resumed": [3, True, True],
        "keys": [*KEYS, "视频b%(1).txt"],
        "deleted": 7,
    }


@signatures
def test_go_sdk_v2(oss_server: LocalServer, v4: bool) -> None:
    assert saw("v2", oss_server, v4) == {**NEWER, "stopped": [True, 1, 2]}


def test_java_sdk_v2(oss_server: LocalServer) -> None:
    """Both versions of the signature in one Java process, because its start costs more than the rest."""
    seen = toolchains.run(toolchains.java(), oss_server, Folder=f"java-{secrets.token_hex(4)}/")
    expected = {**NEWER, "stopped": ["UploadError", 1, 2]}
    assert seen == {"v1": expected, "v4": expected}
