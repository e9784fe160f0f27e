"""Reading asks OSS for nothing and writes nothing; one upload alone is looked for, and not for long."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.django_fixtures import Begin
from tests.stack import deliver
from uploads import services
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.signing import PartRequest
from uploads.oss.transport import Transport

pytestmark = pytest.mark.django_db


@pytest.fixture
def silent_oss() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def unreported(begin: Begin) -> list[Upload]:
    return [begin(None, in_one=True, filename=f"{number}") for number in range(30)]


def test_a_list_makes_no_call_to_oss_and_no_write(
    api: APIClient, unreported: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(Transport, "_send", lambda *arguments: calls.append(arguments))
    with CaptureQueriesContext(connection) as queries:
        for query in ("", "?state=uploading", "?fingerprint=x", "?destination=default"):
            assert api.get(f"/api/uploads/{query}").status_code == 200
        assert len(api.get("/api/uploads/").json()["results"]) == 30
    assert calls == []
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []


def test_a_silent_oss_holds_up_neither_the_list_nor_one_upload(
    api: APIClient, unreported: list[Upload], settings: Any, silent_oss: str, impatient: None
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": silent_oss}
    started = time.monotonic()
    assert api.get("/api/uploads/").status_code == 200
    one = api.get(f"/api/uploads/{unreported[0].pk}/")
    assert (one.status_code, one.json()["state"]) == (200, "uploading")
    assert time.monotonic() - started < 40, "one call of one second; repeated, it took a minute"


def test_whoever_looks_all_the_time_asks_oss_every_three_seconds(
    api: APIClient, unreported: list[Upload], oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = OssClient.head

    def head(self: OssClient, bucket: str, key: str, **options: Any) -> Any:
        asked.append(key)
        return real(self, bucket, key, **options)

    def look(upload: Upload, times: int = 5) -> str:
        return str([api.get(f"/api/uploads/{upload.pk}/").json()["state"] for _ in range(times)][-1])

    monkeypatch.setattr(OssClient, "head", head)
    first, second = unreported[:2]
    now = time.time()
    monkeypatch.setattr("django.core.cache.backends.locmem.time.time", lambda: now)
    assert (look(first), look(second), asked) == ("uploading", "uploading", [first.key, second.key])
    (part,) = services.sign_parts(first, [PartRequest(1)])
    assert deliver(part, b"12345").status_code == 200
    assert (look(first), len(asked)) == ("uploading", 2)
    now += 4
    assert look(first, 1) == "completed"
    found = len(asked)
    assert (look(first), len(asked)) == ("completed", found)


# A user who is deleted in the middle


def test_the_user_is_deleted_while_an_upload_is_looked_at(
    api: APIClient, user: Any, begin: Begin, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Between the permission and the answer; each is a problem in words."""
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "delete"}
    real = OssClient.list_parts

    def list_parts(self: OssClient, *where: str) -> Any:
        get_user_model().objects.filter(pk=user.pk).delete()
        return real(self, *where)

    monkeypatch.setattr(OssClient, "list_parts", list_parts)
    for method, path, code in (
        ("post", "complete/", "not_found"),
        ("get", "parts/?source=oss", "not_found"),
        ("delete", "", "not_found"),
    ):
        get_user_model().objects.get_or_create(pk=user.pk, username="ann")
        upload = begin()
        answer = getattr(api, method)(f"/api/uploads/{upload.pk}/{path}", format="json")
        assert (answer["Content-Type"], answer.json()["code"]) == ("application/problem+json", code), method


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limits", [{}, {"max_active_per_user": 5}])
def test_the_user_is_deleted_while_an_upload_begins(
    api: APIClient, user: Any, oss: OssClient, place: Any, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    place(**limits)
    real, opened = OssClient.initiate, []

    def initiate(self: OssClient, *where: Any) -> str:
        get_user_model().objects.filter(pk=user.pk).delete()
        opened.append((*where[:2], real(self, *where)))
        return str(opened[0][2])

    monkeypatch.setattr(OssClient, "initiate", initiate)
    file = {"destination": "default", "filename": "a", "size": 20_000_000, "content_type": "a/b"}
    answer = api.post("/api/uploads/", file, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "no longer exists" in answer.json()["detail"]
    assert opened[0][2] not in {held.upload_id for held in oss.all_uploads("demo-bucket", opened[0][1])}
