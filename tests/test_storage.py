"""OSS as a Django storage, and reading finished uploads."""

import os
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile

from tests import http
from tests.django_fixtures import Begin
from tests.services.test_services import content_of, send
from uploads import services, storage
from uploads.objects import open_object
from uploads.oss.client import OssClient
from uploads.oss.errors import OssError
from uploads.storage import OssStorage


@pytest.fixture
def media(oss: OssClient) -> OssStorage:
    found = OssStorage(prefix="media/")
    for name in found.listdir("")[1]:
        found.delete(name)
    return found


def test_files_come_back(media: OssStorage) -> None:
    name = media.save("a/ü b.txt", ContentFile(b"hello"))
    assert name == "a/ü b.txt"
    assert media.exists(name)
    assert media.size(name) == 5
    assert media.get_modified_time(name).tzinfo is not None
    with media.open(name) as file:
        assert file.read() == b"hello"
    assert http.get(media.url(name)).content == b"hello"
    assert media.listdir("") == (["a"], [])
    assert media.listdir("a") == ([], ["ü b.txt"])
    assert media.save(name, ContentFile(b"other")) != name, "a name that is taken gets another"
    media.delete(name)
    assert not media.exists(name)
    with pytest.raises(FileNotFoundError):
        media.open(name)
    with pytest.raises(FileNotFoundError):
        media.size(name)


def test_text_is_utf8_and_empty_is_empty(media: OssStorage) -> None:
    with media.open(media.save("t", ContentFile("schön"))) as file:
        assert file.read() == "schön".encode()
    assert media.size(media.save("e", ContentFile(b""))) == 0


def counted(monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> list[None]:
    """Gets an item at each call of the method."""
    method, calls = getattr(kind, name), []

    def counting(*args: Any, **values: Any) -> Any:
        calls.append(None)
        return method(*args, **values)

    monkeypatch.setattr(kind, name, counting)
    return calls


def test_a_large_file_goes_in_parts(media: OssStorage, monkeypatch: pytest.MonkeyPatch, oss: OssClient) -> None:
    monkeypatch.setattr(storage, "MAX_SINGLE_PUT", 1 << 20)
    content = os.urandom(20_000_000)
    name = media.save("large", ContentFile(content))
    assert oss.head("demo-bucket", "media/large").etag.endswith("-3")
    reads = counted(monkeypatch, OssClient, "get_range")
    with media.open(name) as file:
        assert file.read() == content
        assert len(reads) == 3, "8 MiB with each request"
        file.seek(-5, os.SEEK_END)
        assert file.read() == content[-5:]
        file.seek(7)
        assert file.read(3) == content[7:10]
        assert file.tell() == 10


def test_a_large_file_that_fails_leaves_nothing(
    media: OssStorage, monkeypatch: pytest.MonkeyPatch, oss: OssClient
) -> None:
    monkeypatch.setattr(storage, "MAX_SINGLE_PUT", 1 << 20)

    def broken(*_: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(OssClient, "upload_part", broken)
    with pytest.raises(OSError, match="disk"):
        media.save("large", ContentFile(bytes(2 << 20)))
    assert list(oss.all_uploads("demo-bucket", "media/")) == []


@pytest.mark.parametrize("name", ["a//b", "a?b", "a*b", "x" * 1100, "a\x00b"])
def test_invalid_names(media: OssStorage, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        media.exists(name)


def test_public_objects_have_plain_urls(oss: OssClient) -> None:
    assert OssStorage(expires=None).url("a b").endswith("/demo-bucket/a%20b")
    with pytest.raises(ValueError, match="'ab'"):
        OssStorage().open("a", "ab")


@pytest.mark.django_db
def test_a_finished_upload_is_read(begin: Begin) -> None:
    upload = begin(20_000_000, filename='a "b" ü.mp4')
    with pytest.raises(FileNotFoundError):
        upload.open()
    send(upload)
    services.complete(upload)
    with upload.open() as file:
        file.seek(9_000_000)
        assert file.read(10) == content_of(upload)[9_000_000:9_000_010]
    assert http.get(upload.url()).headers["Content-Disposition"].startswith('attachment; filename="a _b_ _.mp4"')
    assert "Content-Disposition" not in http.get(upload.url(expires=60, filename="")).headers


def test_an_object_replaced_while_it_is_read_is_not_mixed(oss: OssClient) -> None:
    oss.put_object("demo-bucket", "mixed", bytes(3 << 20))
    with open_object(oss, "demo-bucket", "mixed") as file:
        file.read(10)
        oss.put_object("demo-bucket", "mixed", b"\x01" * (3 << 20))
        with pytest.raises(OssError, match="PreconditionFailed"):
            file.read()
