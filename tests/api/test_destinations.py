"""What a page knows before an upload: the limits of its destination. And after it: a link, and who aborted."""

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from tests.services.test_services import send
from uploads import services
from uploads.api import examples
from uploads.localoss.config import DEMO_ROLE
from uploads.models import Upload
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db


def test_a_page_learns_the_limits_and_what_is_left(api: APIClient, place: Place, begin: Begin) -> None:
    place(
        max_size=5_000_000,
        content_types=["video/*"],
        max_active_per_user=3,
        max_bytes_per_user_per_day=9_000_000,
        download_expires=3600,
    )
    begin(4_000_000)
    answer = api.get("/api/destinations/default/").json()
    assert answer == {
        "name": "default",
        "max_size": 5_000_000,
        "content_types": ["video/*"],
        "uploads_left": 2,
        "max_bytes_per_day": 9_000_000,
        "bytes_left": 5_000_000,
        "downloads": True,
    }
    assert list(answer) == list(examples.DESTINATION.value)


def test_a_destination_without_limits_says_so_in_one_query_less(
    api: APIClient, place: Place, django_assert_num_queries: Any
) -> None:
    place()
    with django_assert_num_queries(0):
        answer = api.get("/api/destinations/default/").json()
    limits = ("max_size", "uploads_left", "max_bytes_per_day", "bytes_left")
    assert [answer[limit] for limit in limits] == [None] * 4
    assert (answer["content_types"], answer["downloads"]) == ([], False)


def test_who_may_not_upload_learns_no_limit(api: APIClient, place: Place) -> None:
    place(permission="cinema.add_film", max_size=5)
    assert api.get("/api/destinations/default/").json()["code"] == "forbidden"
    assert api.get("/api/destinations/nothing/").json()["code"] == "invalid"
    assert APIClient().get("/api/destinations/default/").status_code in (401, 403)


# Download links


def completed(begin: Begin, **values: Any) -> Upload:
    upload = begin(1000, **values)
    send(upload)
    return services.complete(upload)


def test_the_link_opens_the_object_without_a_login(api: APIClient, oss: OssClient, place: Place, begin: Begin) -> None:
    place(download_expires=3600)
    upload = completed(begin)
    answer = api.get(f"/api/uploads/{upload.pk}/download/")
    assert "no-store" in answer["Cache-Control"]
    assert list(answer.json()) == list(examples.DOWNLOAD.value)
    found = httpx.get(answer.json()["url"], trust_env=False)
    assert (found.status_code, len(found.content)) == (200, 1000)
    assert found.headers["content-disposition"] == 'attachment; filename="film.mp4"'
    opened = api.get(f"/api/uploads/{upload.pk}/download/?inline=true").json()["url"]
    assert httpx.get(opened, trust_env=False).headers["content-disposition"].startswith("inline")
    assert list(api.get(f"/api/uploads/{upload.pk}/download/?inline=null").json()["errors"]) == ["inline"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "image/svg+xml; charset=utf-8",
        "application/xhtml+xml",
        "image/x+xml",
        "video/X+XML; a=b",
        "image/png, text/html",
        "image/png;,text/html",
        "image/png;a=b,text/html",
        "image/png;a=" + "x" * 243,
    ],
)
def test_a_type_that_can_run_scripts_is_saved_not_opened(
    api: APIClient, oss: OssClient, place: Place, begin: Begin, content_type: str
) -> None:
    place(download_expires=3600)
    upload = completed(begin, content_type=content_type, filename="page")
    url = api.get(f"/api/uploads/{upload.pk}/download/?inline=true").json()["url"]
    assert httpx.get(url, trust_env=False).headers["content-disposition"].startswith("attachment")


def test_a_type_with_parameters_is_opened(api: APIClient, oss: OssClient, place: Place, begin: Begin) -> None:
    place(download_expires=3600)
    for content_type in ("Image/PNG", "text/plain; charset=utf-8", "video/webm;codecs=vp9,opus"):
        upload = completed(begin, content_type=content_type, filename="file")
        url = api.get(f"/api/uploads/{upload.pk}/download/?inline=true").json()["url"]
        assert httpx.get(url, trust_env=False).headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize("content_type", ["image/png, text/html", "image/png;,text/html"])
def test_a_second_type_is_no_way_around_the_types_of_a_destination(
    api: APIClient, oss: OssClient, place: Place, user: Any, settings: Any, content_type: str
) -> None:
    sts = {"OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": settings.UPLOADS["OSS_ENDPOINT"]}
    settings.UPLOADS = {**settings.UPLOADS, **sts}
    place(credentials="prefix", content_types=["image/*"])
    key = f"{services.issue_prefix_credentials(user, 'default').prefix}{uuid4()}.png"
    oss.put_object("demo-bucket", key, b"<script>alert(1)</script>", {"Content-Type": content_type})
    answer = api.post("/api/uploads/register/", {"destination": "default", "key": key}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == ["content_type"]


def test_no_link_where_the_destination_gives_none_or_nothing_is_completed(
    api: APIClient, oss: OssClient, place: Place, begin: Begin
) -> None:
    place()
    upload = completed(begin)
    assert api.get(f"/api/uploads/{upload.pk}/download/").json()["code"] == "not_offered"
    place(download_expires=3600)
    assert api.get(f"/api/uploads/{begin(5).pk}/download/").json()["code"] == "wrong_state"


def test_staff_need_two_permissions_for_files_of_others_and_the_log_says_who_took_them(
    oss: OssClient, place: Place, begin: Begin, user: Any
) -> None:
    place(download_expires=3600)
    path = f"/api/uploads/{completed(begin).pk}/download/"
    boss = get_user_model().objects.create_user("boss", is_staff=True)
    codes = []
    for permissions in (["view_upload"], ["download_upload"], ["view_upload", "download_upload"]):
        boss.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = APIClient()
        client.force_authenticate(get_user_model().objects.get(pk=boss.pk))
        codes.append(client.get(path).status_code)
    assert codes == [404, 404, 200]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (boss, "Downloaded the file.")
    page = Client()
    page.force_login(get_user_model().objects.create_superuser("root"))
    history = page.get(f"/admin/uploads/upload/{entry.object_id}/change/").content.decode()
    assert history.index("Downloaded the file.") < history.index("by boss")
    owner = APIClient()
    owner.force_authenticate(user)
    assert owner.get(path).status_code == 200
    assert LogEntry.objects.count() == 1, "of the owner nothing is logged"


def test_without_the_admin_there_is_no_log_of_it(
    oss: OssClient, place: Place, begin: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place(download_expires=3600)
    upload = completed(begin)
    boss = get_user_model().objects.create_superuser("boss")
    client = APIClient()
    client.force_authenticate(boss)
    monkeypatch.setattr(apps, "is_installed", lambda name: False)
    caplog.set_level(logging.INFO, "uploads.downloads")
    link = client.get(f"/api/uploads/{upload.pk}/download/").json()["url"]
    assert not LogEntry.objects.exists()
    (record,) = caplog.records
    assert (vars(record)["upload"], vars(record)["user"]) == (str(upload.pk), str(boss.pk))
    assert parse_qs(urlsplit(link).query)["x-oss-signature"][0] not in caplog.text


# Who aborted


def test_the_owner_is_told_who_aborted(api: APIClient, user: Any, begin: Begin) -> None:
    boss = get_user_model().objects.create_superuser("boss")
    by_user, by_boss, expired = begin(5), begin(5), begin(5)
    services.abort(by_user, actor=user)
    services.abort(by_boss, actor=boss)
    Upload.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(days=1))
    list(services.sweep())
    codes = [api.get(f"/api/uploads/{each.pk}/").json()["error"]["code"] for each in (by_user, by_boss, expired)]
    assert codes == ["aborted_by_user", "aborted_by_administrator", "expired"]
    assert api.get(f"/api/uploads/{by_boss.pk}/").json()["error"]["detail"] == "An administrator aborted it."


def test_many_that_expire_together_say_so(api: APIClient, begin: Begin) -> None:
    uploads = [begin(5) for _ in range(3)]
    Upload.objects.update(expires_at=timezone.now() - timedelta(days=1))
    list(services.sweep())
    for upload in uploads:
        upload.refresh_from_db()
        assert (upload.state, upload.error["code"]) == ("aborted", "expired")
