"""Attacks by other pages and by names: forged requests, redirects, scripts in names, another user's identifiers."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.test import APIClient

from tests.django_fixtures import Begin
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db

EVIL = "https://evil.example"
SCRIPT = '"><img src=x onerror=alert(1)><script>alert(1)</script>.mp4'
FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000, "content_type": "video/mp4"}


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


# Another page


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
@pytest.mark.parametrize("path", ["/api/uploads/", "/api/csrf/", "/api/token/", "/api/credentials/"])
def test_no_page_of_another_origin_may_read_an_answer(user: Any, method: str, path: str) -> None:
    client = Client()
    client.force_login(user)
    headers = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    answer = client.generic(method, path, b"{}", content_type="application/json", headers=headers)
    assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []


def test_a_form_of_another_page_changes_nothing_in_the_admin(begin: Begin) -> None:
    upload = begin()
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("root"))
    for path, form in (
        (f"/admin/uploads/upload/{upload.pk}/abort/", {}),
        ("/admin/uploads/upload/", {"action": "abort_uploads", "_selected_action": str(upload.pk)}),
        ("/admin/uploads/upload/multipart-uploads/", {"bucket": upload.bucket, "selected": f"{upload.upload_id}:x"}),
        ("/admin/uploads/upload/bulk-abort/x/next/", {}),
        ("/accounts/logout/", {}),
        ("/language/", {"language": "zh-hans"}),
    ):
        assert client.post(path, form, headers={"Origin": EVIL}).status_code == 403, path
    upload.refresh_from_db()
    assert upload.state == "uploading"


@pytest.mark.parametrize("target", [f"{EVIL}/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)"])
def test_no_link_to_the_site_leads_elsewhere(user: Any, target: str) -> None:
    client = Client()
    answer = client.post("/language/", {"language": "en", "next": target})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user.set_password("ann")
    user.save()
    answer = client.post(f"/accounts/login/?next={target}", {"username": "ann", "password": "ann", "next": target})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get(f"/accounts/login/?next={target}")["Location"] == "/"


def test_pages_run_no_script_of_others_and_stand_in_no_frame(admin: Client) -> None:
    for path in ("/", "/accounts/login/", "/admin/", "/admin/uploads/upload/", "/nowhere/"):
        answer = admin.get(path, follow=True)
        policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert set(policy["script-src"].split()) == {"'self'", "'wasm-unsafe-eval'"}
        assert (policy["frame-ancestors"], answer["X-Frame-Options"]) == ("'none'", "DENY")
        assert (policy["base-uri"], policy["form-action"]) == ("'none'", "'self'")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"


def test_scripts_of_a_page_do_not_read_the_session(user: Any) -> None:
    client = Client()
    client.post("/accounts/login/", {"username": "ann", "password": "ann"})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_an_answer_that_repeats_what_was_sent_is_no_page(api: APIClient) -> None:
    for answer in (
        api.post("/api/uploads/", {**FILE, "<script>": 1}, format="json"),
        api.get("/api/uploads/", {"state": "<script>alert(1)</script>"}),
        api.get("/api/destinations/<script>/"),
        api.get("/api/<script>/"),
    ):
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["X-Content-Type-Options"] == "nosniff"


# Names


def test_a_script_in_a_name_is_text_in_the_admin(admin: Client, begin: Begin, oss: OssClient) -> None:
    upload = begin(filename=SCRIPT, fingerprint=SCRIPT, relative_path="<script>alert(1)<_script>/film.mp4")
    key = f"{upload.key.rpartition('/')[0]}/<script>alert(1)<_script>"
    upload_id = oss.initiate(upload.bucket, key)
    listed = "/admin/uploads/upload/"
    for path in (
        listed,
        f"{listed}?q=%3Cscript%3E",
        f"{listed}?destination=%3Cscript%3E",
        f"{listed}{upload.pk}/change/",
        f"{listed}{upload.pk}/abort/",
        f"{listed}{upload.pk}/delete/",
        f"{listed}{upload.pk}/history/",
        f"{listed}statistics/",
        f"{listed}multipart-uploads/?prefix={upload.key.rpartition('/')[0]}",
        f"{listed}multipart-uploads/?prefix=%3Cscript%3E",
    ):
        page = admin.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
    oss.abort(upload.bucket, key, upload_id)


# Another user's identifiers


@pytest.fixture
def mallory(other_user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(other_user)
    return client


def test_nobody_resumes_the_upload_of_another_by_its_fingerprint(api: APIClient, mallory: APIClient, oss: Any) -> None:
    file = {**FILE, "fingerprint": "known", "resume": True}
    own = api.post("/api/uploads/", file, format="json").json()
    theirs = mallory.post("/api/uploads/", file, format="json")
    assert theirs.status_code == 201
    assert theirs.json()["id"] != own["id"]
    assert own["id"] not in mallory.get("/api/uploads/?fingerprint=known").content.decode()
