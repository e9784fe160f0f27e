"""Open multipart uploads for administrators, and what is kept of a file's name and path."""

import secrets
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db
ROUTE = "/api/open-uploads/"


@pytest.fixture
def staff(user: Any) -> Any:
    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_upload"))
    return type(user).objects.get(pk=user.pk)


@pytest.fixture
def admin(staff: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(staff)
    return client


def test_pages_by_both_markers_miss_and_repeat_nothing(admin: APIClient, oss: OssClient) -> None:
    prefix = f"open {secrets.token_hex(4)}/"
    keys = [f"{prefix}a\x0bb", f"{prefix}a\x0bb", f"{prefix}ü+%.bin", f"{prefix}z"]
    begun = sorted((key, oss.initiate("demo-bucket", key)) for key in keys)
    seen: list[tuple[str, str]] = []
    query: dict[str, Any] = {"prefix": prefix, "max_uploads": 1}
    while True:
        page = admin.get(ROUTE, query).json()
        seen += [(each["key"], each["upload_id"]) for each in page["uploads"]]
        if page["next_key_marker"] is None:
            break
        query |= {"key_marker": page["next_key_marker"], "upload_id_marker": page["next_upload_id_marker"]}
    assert sorted(seen) == begun
    assert len(seen) == 4
    assert {each["upload"] for each in page["uploads"]} == {None}
    for key, upload_id in begun:
        oss.abort("demo-bucket", key, upload_id)


def test_a_delimiter_sums_up_and_rows_are_named(admin: APIClient, begin: Any, user: Any) -> None:
    upload = begin()
    folder = upload.key.rpartition("/")[0] + "/"
    page = admin.get(ROUTE, {"prefix": upload.key}).json()
    (entry,) = page["uploads"]
    assert (entry["upload"], entry["state"], entry["owner"]) == (str(upload.pk), "uploading", "ann")
    assert (page["bucket"], page["next_key_marker"], page["next_upload_id_marker"]) == ("demo-bucket", None, None)
    page = admin.get(ROUTE, {"prefix": folder.rstrip("/"), "delimiter": "/"}).json()
    assert (page["uploads"], page["prefixes"]) == ([], [folder])


@pytest.mark.parametrize(
    "query",
    [{"bucket": "other"}, {"max_uploads": 0}, {"max_uploads": 1001}, {"key-marker": "a"}, {"prefix": "a" * 2000}],
)
def test_a_wrong_parameter_is_named(admin: APIClient, oss: OssClient, query: dict[str, Any]) -> None:
    answer = admin.get(ROUTE, query)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(query)


FILE = {"destination": "default", "size": 5, "content_type": "image/png"}


def test_name_and_path_are_kept_beside_the_key(api: APIClient, oss: OssClient) -> None:
    body = {**FILE, "filename": "a*b?\u202egnp.exe", "relative_path": "holiday/day 1/\u2066a*b?gnp.exe"}
    answer = api.post("/api/uploads/", body, format="json")
    assert answer.status_code == 201
    upload = api.get(f"/api/uploads/{answer.json()['id']}/").json()
    assert (upload["filename"], upload["relative_path"]) == ("a*b?gnp.exe", "holiday/day 1/a*b?gnp.exe")
    assert upload["key"].endswith("/a_b_gnp.exe")
    assert "holiday" not in upload["key"]


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "é" * 600])
def test_a_wrong_path_is_refused_by_field(api: APIClient, oss: OssClient, path: str) -> None:
    answer = api.post("/api/uploads/", {**FILE, "filename": "a", "relative_path": path}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["relative_path"]


def test_a_template_with_the_path_keeps_the_folder(api: APIClient, oss: OssClient, place: Any) -> None:
    place(key="uploads/{user_id}/{uuid}/{path}")
    body = {**FILE, "filename": "beach.jpg", "relative_path": "holiday/day 1/beach.jpg"}
    upload = api.post("/api/uploads/", body, format="json").json()
    assert upload["key"].endswith("/holiday/day 1/beach.jpg")
    batch = api.post("/api/uploads/batch/", {"uploads": [body]}, format="json").json()
    assert batch["uploads"][0]["key"].endswith("/holiday/day 1/beach.jpg")
    alone = api.post("/api/uploads/", {**FILE, "filename": "beach.jpg"}, format="json").json()
    assert alone["key"].endswith("/beach.jpg")


def test_a_path_that_the_key_cannot_hold_is_refused_by_field(api: APIClient, place: Any) -> None:
    place(key="uploads/{user_id}/{uuid}/{path}")
    body = {**FILE, "filename": "a", "relative_path": "/".join(["d" * 99] * 10)}
    answer = api.post("/api/uploads/", body, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["relative_path"])


def test_the_admin_shows_the_path(client: Any, begin: Any, django_user_model: Any) -> None:
    upload = begin(5, relative_path="holiday/film.mp4")
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert "holiday/film.mp4" in client.get(f"/admin/uploads/upload/{upload.pk}/change/").content.decode()
