"""The files with the bytes of parts and objects."""

import hashlib
from pathlib import Path

import pytest

from uploads.localoss.store.blobs import CHUNK, Blobs
from uploads.oss.crc64 import crc64

HOLE, TEXT = bytes(CHUNK), b"text" * (CHUNK // 4)
ALMOST = bytes(CHUNK - 1) + b"!"
"""Zeros but for the last byte."""


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    made = Blobs(tmp_path)
    made.create()
    return made


@pytest.mark.parametrize(
    "chunks",
    [
        [HOLE],
        [HOLE, TEXT, HOLE, HOLE],
        [TEXT, HOLE, ALMOST, bytes(3), b"end"],
        [memoryview(HOLE), memoryview(TEXT)[:5], memoryview(bytes(70))],
        [b"\0"],
        [],
        [HOLE * 2],
    ],
)
def test_zeros_are_read_as_they_were_received(blobs: Blobs, chunks: list[bytes | memoryview]) -> None:
    whole = b"".join(bytes(chunk) for chunk in chunks)
    with blobs.receive(chunks) as blob:
        assert b"".join(blobs.read(blob.name, 0, len(whole) + 1)) == whole
    assert (blob.size, blob.md5, blob.crc64) == (len(whole), hashlib.md5(whole).digest(), crc64(whole))


def test_zeros_take_no_room(blobs: Blobs) -> None:
    with blobs.receive([HOLE] * 64) as blob:
        taken = blobs.path(blob.name).stat()
    assert taken.st_size == 64 * CHUNK
    assert taken.st_blocks * 512 < CHUNK
