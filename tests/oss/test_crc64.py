"""CRC64 against the vendors' values."""

import hashlib
from typing import Any

import pytest

from tests.vectors_reader import vectors
from uploads.oss.crc64 import combine, combine_all, crc64
from uploads.oss.messages import multipart_etag

VECTORS = vectors("crc64")


def bytes_of(data: dict[str, Any]) -> bytes:
    match data["kind"]:
        case "utf8":
            return str(data["value"]).encode()
        case "hex":
            return bytes.fromhex(data["value"])
        case "repeat":
            return bytes.fromhex(data["byte_hex"]) * int(data["count"])
        case "sha256_counter":
            size = int(data["count"])
            blocks = (hashlib.sha256(f"{data['seed']}:{i}".encode()).digest() for i in range(size // 32 + 1))
            return b"".join(blocks)[:size]
        case kind:
            raise AssertionError(f"unknown kind of data: {kind}")


@pytest.mark.parametrize("vector", VECTORS["values"], ids=lambda v: v["id"])
def test_value(vector: dict[str, Any]) -> None:
    data = bytes_of(vector["data"])
    assert len(data) == int(vector["size"])
    assert crc64(data) == int(vector["crc64_decimal"])
    half = len(data) // 2
    assert crc64(memoryview(data)[half:], crc64(data[:half])) == int(vector["crc64_decimal"])


@pytest.mark.parametrize("vector", VECTORS["combine"], ids=lambda v: v["id"])
def test_combination(vector: dict[str, Any]) -> None:
    assert combine(int(vector["crc1"]), int(vector["crc2"]), int(vector["size2"])) == int(vector["combined"])


@pytest.mark.parametrize("vector", VECTORS["objects"], ids=lambda v: v["id"])
def test_object_of_parts(vector: dict[str, Any]) -> None:
    parts = vector["parts"]
    assert combine_all((int(p["hash_crc64ecma"]), int(p["size"])) for p in parts) == int(vector["object_crc64"])
    assert f'"{multipart_etag(p["etag"] for p in parts)}"' == vector["multipart_etag"]


@pytest.mark.parametrize("vector", vectors("multipart_etag")["vectors"], ids=lambda v: v["etag"])
def test_multipart_etag_recorded_from_oss(vector: dict[str, Any]) -> None:
    assert multipart_etag(f'"{etag.lower()}"' for etag in vector["part_etags"]) == vector["etag"]
