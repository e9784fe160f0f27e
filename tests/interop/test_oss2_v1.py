"""oss2 as most programs still run it: signature version 1."""

import os
from collections.abc import Iterator
from pathlib import Path

import oss2
import pytest

from uploads.localoss.testing import LocalServer


@pytest.fixture
def bucket(oss_server: LocalServer) -> Iterator[oss2.Bucket]:
    auth = oss2.Auth(oss_server.access_key_id, oss_server.access_key_secret)
    session = oss2.Session()
    yield oss2.Bucket(auth, oss_server.url, oss_server.bucket, session=session)
    session.session.close()


def test_it_puts_gets_lists_and_deletes(bucket: oss2.Bucket) -> None:
    key = "v1/视频 a+b%(1).txt"
    headers = {"Content-Type": "text/plain", "x-oss-meta-a": "b"}
    assert bucket.put_object(key, b"hello", headers=headers).status == 200
    assert bucket.get_object(key, byte_range=(1, 3)).read() == b"ell"
    assert bucket.head_object(key).headers["x-oss-meta-a"] == "b"
    bucket.delete_object(key)
    with pytest.raises(oss2.exceptions.NotFound):
        bucket.head_object(key)


def test_it_resumes_by_its_own_checkpoint(bucket: oss2.Bucket, tmp_path: Path) -> None:
    path, content = tmp_path / "film.bin", os.urandom(450_000)
    path.write_bytes(content)
    store, seen = oss2.ResumableStore(root=str(tmp_path)), []

    def stop(consumed: int, total: int | None) -> None:
        seen.append(consumed)
        if consumed >= 204_800:
            raise InterruptedError

    options = {"store": store, "multipart_threshold": 1, "part_size": 102_400, "num_threads": 1}
    with pytest.raises(InterruptedError):
        oss2.resumable_upload(bucket, "v1/film.bin", str(path), progress_callback=stop, **options)
    seen.clear()
    oss2.resumable_upload(
        bucket, "v1/film.bin", str(path), progress_callback=lambda consumed, total: seen.append(consumed), **options
    )
    assert seen[0] >= 102_400
    assert bucket.get_object("v1/film.bin").read() == content


def test_its_signed_urls_are_accepted(bucket: oss2.Bucket) -> None:
    url = bucket.sign_url("PUT", "v1/signed.txt", 60, headers={"Content-Type": "text/plain"}, slash_safe=True)
    assert bucket.put_object_with_url(url, b"x", headers={"Content-Type": "text/plain"}).status == 200
    assert bucket.get_object_with_url(bucket.sign_url("GET", "v1/signed.txt", 60)).read() == b"x"
