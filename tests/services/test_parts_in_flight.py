"""A part that is being sent while its upload is aborted: OSS keeps it, and the abort is repeated until nothing is left.

The part is really being sent. The local OSS server has asked for its body (100 Continue), and gets it after the abort.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.test import APIClient

from tests import http
from tests.django_fixtures import Begin
from tests.services.test_sweep import gone, past, run
from tests.stack import client_for
from uploads import services
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.signing import PartRequest

pytestmark = pytest.mark.django_db
RULES = [{"operation": "UploadPart", "survive_abort": True}]


@pytest.fixture(scope="module")
def keeping_server() -> Iterator[LocalServer]:
    """It stores parts that were being sent during an abort, as OSS does."""
    with LocalServer(arguments=["--allow-faults"]) as server:
        http.put(f"{server.url}/-/faults", json={"rules": RULES}).raise_for_status()
        yield server


@pytest.fixture
def oss(keeping_server: LocalServer, settings: Any) -> Iterator[OssClient]:
    """In place of the fixture that all tests share."""
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": keeping_server.url}
    with client_for(keeping_server) as client:
        yield client


@contextmanager
def in_flight(upload: Upload) -> Iterator[Callable[[], int]]:
    """Begin to send part 1. Yields a function that sends the body, and returns the status of OSS's answer."""
    (signed,) = services.sign_parts(upload, [PartRequest(1)])
    url, content = urlsplit(signed.url), b"x" * upload.part_size
    head = [f"PUT {url.path}?{url.query} HTTP/1.1", f"Host: {url.netloc}", f"Content-Length: {len(content)}"]
    head += [f"{name}: {value}" for name, value in signed.headers.items() if name.lower() != "content-length"]
    head += ["Expect: 100-continue", "", ""]
    connection = socket.create_connection((url.hostname or "", url.port or 80), timeout=60)
    with connection, connection.makefile("rb") as answers:
        connection.sendall("\r\n".join(head).encode())
        assert b"100 Continue" in answers.readline(), "OSS has found the upload, and asks for the part"
        answers.readline()

        def finish() -> int:
            connection.sendall(content)
            return int(answers.readline().split()[1])

        yield finish


@pytest.fixture
def uploading(begin: Begin) -> Upload:
    return begin(250_000, part_size=100 * 1024)


def by_the_user(upload: Upload) -> None:
    client = APIClient()
    client.force_authenticate(upload.owner)
    assert client.delete(f"/api/uploads/{upload.pk}/").status_code == 204


def by_an_administrator(upload: Upload) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    client.post(f"/admin/uploads/upload/{upload.pk}/abort/")


def by_the_sweep(upload: Upload) -> None:
    past(upload, expires_at=timedelta(seconds=1))
    assert run() == "1 aborted"


ABORTS = [by_the_user, by_an_administrator, by_the_sweep]


@pytest.mark.parametrize("abort", ABORTS)
def test_a_part_that_arrives_after_the_abort_is_removed_by_the_sweep(
    uploading: Upload, oss: OssClient, abort: Callable[[Upload], None]
) -> None:
    with in_flight(uploading) as finish:
        abort(uploading)
        assert gone(oss, uploading), "OSS says that nothing is left, while the part is on its way"
        assert finish() == 200
    assert not gone(oss, uploading), "OSS has kept the part"
    assert run() == "Nothing to do.", "other parts may be on their way"
    past(uploading, updated_at=timedelta(hours=2), look_again_at=timedelta(seconds=1))
    assert run() == "1 released"
    assert gone(oss, uploading)


@pytest.mark.parametrize("abort", ABORTS)
def test_a_part_that_arrives_during_the_abort_is_removed_by_it(
    uploading: Upload, oss: OssClient, monkeypatch: Any, abort: Callable[[Upload], None]
) -> None:
    real, calls = OssClient.abort, []

    with in_flight(uploading) as finish:

        def abort_and_receive(self: OssClient, *where: str) -> bool:
            was_open = real(self, *where)
            if not calls:
                assert finish() == 200
            calls.append(was_open)
            return was_open

        monkeypatch.setattr(OssClient, "abort", abort_and_receive)
        abort(uploading)
    assert calls == [True, True], "aborted again, because ListParts named the part"
    assert gone(oss, uploading)
    uploading.refresh_from_db()
    assert uploading.released_at is not None


def test_long_after_every_signature_the_sweep_still_looks_whether_nothing_is_left(
    uploading: Upload, oss: OssClient, monkeypatch: Any
) -> None:
    """A part on a slow line may be on its way for longer than its signature is valid."""
    real, calls = OssClient.abort, []
    with in_flight(uploading) as finish:

        def abort_and_receive(self: OssClient, *where: str) -> bool:
            was_open = real(self, *where)
            calls.append(was_open)
            if len(calls) == 1:
                assert finish() == 200
            return was_open

        past(uploading, updated_at=timedelta(days=8), expires_at=timedelta(days=1))
        monkeypatch.setattr(OssClient, "abort", abort_and_receive)
        assert run() == "1 aborted"
    assert calls == [True, True]
    assert gone(oss, uploading)


@pytest.mark.parametrize("abort", [by_the_user, by_an_administrator])
def test_a_failed_abort_is_counted_shown_and_repeated(
    uploading: Upload, oss: OssClient, settings: Any, abort: Callable[[Upload], None]
) -> None:
    sound = settings.UPLOADS
    settings.UPLOADS = {**sound, "OSS_ACCESS_KEY_ID": "deleted"}
    for _ in range(2):
        with suppress(AssertionError):  # The API answers with the error.
            abort(uploading)
        get_user_model().objects.filter(username="root").delete()
    uploading.refresh_from_db()
    assert (uploading.state, uploading.released_at, uploading.attempts) == ("aborted", None, 2)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    page = client.get(f"/admin/uploads/upload/{uploading.pk}/change/").content.decode()
    assert "Failed attempts: 2. " in page
    assert "OSS_ACCESS_KEY_ID" in page
    settings.UPLOADS = sound
    past(uploading, updated_at=timedelta(minutes=11))
    assert run() == "1 released"
    uploading.refresh_from_db()
    assert (uploading.attempts, uploading.sweep_error) == (0, None)
    assert gone(oss, uploading)
