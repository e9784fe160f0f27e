"""Folders: what has been uploaded of one, and aborting what is unfinished of it."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests.stack import deliver
from uploads import services
from uploads.domain.errors import StorageBusy
from uploads.domain.phrase import Phrase
from uploads.models import Upload
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db
ROUTE = "/api/uploads/folder/"


@pytest.fixture
def upload(api: APIClient, oss: OssClient) -> Any:
    """Upload a file of a folder, or only begin it."""

    def upload(path: str, *, complete: bool = True, size: int = 3) -> str:
        body = {"filename": path, "relative_path": path, "size": size, "fingerprint": "t1-7", "sign": 1}
        answer = api.post("/api/uploads/", body, format="json").json()
        if complete:
            deliver(answer["parts"][0], b"abc"[:size])
            api.post(f"/api/uploads/{answer['id']}/complete/", {}, format="json")
        return str(answer["id"])

    return upload


def listed(api: APIClient, folder: str, **query: Any) -> set[str]:
    answer = api.get(ROUTE, {"folder": folder, **query})
    assert answer.status_code == 200
    return {each["relative_path"] for each in answer.json()["results"]}


def test_the_uploaded_files_of_a_folder_are_listed(api: APIClient, upload: Any, other_user: Any) -> None:
    first = upload("holiday/a.txt")
    upload("holiday/day 1/b.txt")
    upload("Holiday/c.txt")
    upload("holiday 2/d.txt")
    upload("holiday/e.txt", complete=False)
    assert listed(api, "holiday") == {"holiday/a.txt", "holiday/day 1/b.txt"}
    assert listed(api, "Holiday") == {"Holiday/c.txt"}
    answer = api.get(ROUTE, {"folder": "holiday"}).json()
    entry = {"id": first, "relative_path": "holiday/a.txt", "size": 3, "fingerprint": "t1-7"}
    assert entry in answer["results"]
    assert (answer["next"], answer["unfinished"]) == (None, 1)
    api.force_authenticate(other_user)
    assert listed(api, "holiday") == set()


def test_files_of_long_ago_are_not_listed(api: APIClient, upload: Any) -> None:
    upload("holiday/a.txt")
    Upload.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert listed(api, "holiday") == set()


def test_a_name_is_compared_as_it_is_stored(api: APIClient, upload: Any) -> None:
    upload("cafe\u0301/a.txt")
    assert listed(api, "café") == listed(api, "cafe\u0301") == {"café/a.txt"}
    upload("50%_\\x/b.txt")
    assert listed(api, "50%_\\x") == {"50%_x/b.txt".replace("_x", "__x")}


@pytest.mark.parametrize("name", ["", "..", "a/b", "/", "."])
def test_what_is_no_name_of_a_folder_is_refused(api: APIClient, oss: OssClient, name: str) -> None:
    for method in (api.get, api.delete):
        assert method(f"{ROUTE}?{urlencode({'folder': name})}").status_code == 400


def test_pages(api: APIClient, upload: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uploads.api.pagination.FolderPagination.page_size", 2)
    paths = {f"holiday/{number}.txt" for number in range(5)}
    for path in paths:
        upload(path)
    seen: set[str] = set()
    address: str | None = f"{ROUTE}?folder=holiday"
    while address:
        page = api.get(address).json()
        seen |= {each["relative_path"] for each in page["results"]}
        address = page["next"]
    assert seen == paths
    assert api.get(ROUTE, {"folder": "holiday", "page": "x"}).status_code == 404


def test_the_unfinished_files_of_a_folder_are_aborted_together(
    api: APIClient, upload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uploads.services.folders.ABORTED_AT_ONCE", 2)
    kept = upload("holiday/done.txt"), upload("other/a.txt", complete=False), upload("Holiday/a.txt", complete=False)
    small = [upload(f"holiday/{number}.txt", complete=False) for number in range(2)]
    large = upload("holiday/film.mp4", complete=False, size=20_000_000)
    assert api.delete(f"{ROUTE}?folder=holiday&single=true").json() == {"aborted": 2, "refused": 0, "left": 0}
    small = [*small, *(upload(f"holiday/{number}.txt", complete=False) for number in range(2))]
    answer = api.delete(f"{ROUTE}?folder=holiday")
    assert answer.json() == {"aborted": 2, "refused": 0, "left": 1}
    assert api.delete(f"{ROUTE}?folder=holiday").json() == {"aborted": 1, "refused": 0, "left": 0}
    assert api.delete(f"{ROUTE}?folder=holiday").json() == {"aborted": 0, "refused": 0, "left": 0}
    states = {str(each.pk): each.state for each in Upload.objects.all()}
    assert {states[pk] for pk in (*small, large)} == {"aborted"}
    assert [states[pk] for pk in kept] == ["completed", "uploading", "uploading"]


def test_the_destination_is_obeyed(api: APIClient, upload: Any) -> None:
    upload("holiday/a.txt")
    assert api.get(ROUTE, {"folder": "holiday", "destination": "nowhere"}).status_code == 400


def refuse(*_: Any, **__: Any) -> None:
    raise StorageBusy(Phrase("OSS is busy."))


def test_an_upload_that_ends_meanwhile_is_counted_as_refused(user: Any, upload: Any, monkeypatch: Any) -> None:
    upload("holiday/a.txt", complete=False)

    monkeypatch.setattr("uploads.services.folders.abort", refuse)
    done = services.abort_folder(user, "default", "holiday")
    assert (done.aborted, done.refused, done.left) == (0, 1, 0)
