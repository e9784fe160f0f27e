"""The app's API in that project: as in any other. And the project's own views: as without the app."""

import logging
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.core.signals import got_request_exception
from django.db import connection, connections
from django.test import Client

from uploads import services
from uploads.localoss.testing import LocalServer
from uploads.models import Upload

pytestmark = pytest.mark.django_db(databases=["default", "other"])
JSON = "application/json"
FILE = {"filename": "a.bin", "size": 300_000, "content_type": "", "destination": "default"}


@pytest.fixture(autouse=True)
def _oss(oss_uploads: LocalServer) -> None:
    pass


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", password="ann")


@pytest.fixture
def member(ann: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(ann)
    return client


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.content
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    return body


def created(member: Client, **values: Any) -> dict[str, Any]:
    answer = member.post("/files/uploads/", {**FILE, **values}, JSON)
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_the_projects_checks_find_nothing_to_say() -> None:
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True)


def test_an_upload_is_created_sent_completed_and_listed(member: Client) -> None:
    body = created(member, sign=1)
    assert (body["size"], body["part_size"] > 0) == (300_000, True)
    for name in ("created_at", "expires_at"):
        assert datetime.fromisoformat(body[name]).tzinfo
    (part,) = body["parts"]
    assert httpx.post(part["url"], data=part["fields"], files={"file": bytes(300_000)}).status_code == 200
    answer = member.post(f"/files/uploads/{body['id']}/complete/", {}, JSON)
    assert (answer.status_code, answer.json()["state"]) == (200, "completed"), answer.content
    created(member)
    listed = member.get("/files/uploads/?kind=xml&format=json&limit=1").json()
    assert [row["state"] for row in listed["results"]] == ["uploading", "completed"]


def test_answers_are_compact_json_in_utf_8(member: Client) -> None:
    body = created(member, filename="Film 名.mp4")
    answer = member.get(f"/files/uploads/{body['id']}/")
    assert answer.headers["Content-Type"] == JSON
    assert '"filename":"Film 名.mp4"'.encode() in answer.content


def test_refusals_are_problems(member: Client) -> None:
    problem(Client().get("/files/uploads/"), 403, "not_authenticated")
    problem(member.post("/files/uploads/", "{", JSON), 400, "parse_error")
    told = problem(member.post("/files/uploads/", [1], JSON), 400, "invalid")
    assert set(told["errors"]) == {"non_field_errors"}
    problem(member.post("/files/uploads/", {**FILE, "oops": 1}, JSON), 400, "invalid")
    problem(member.put("/files/uploads/", {}, JSON), 405, "method_not_allowed")
    problem(member.post("/files/uploads/", {"a": "b"}), 415, "unsupported_media_type")
    problem(member.get("/files/uploads/", headers={"Accept": "text/html"}), 406, "not_acceptable")
    told = problem(member.get("/files/uploads/0d4b2a5e-7a0c-4c39-9a55-5f0f7c1d2e3a/"), 404, "not_found")
    assert "upload" in told["detail"]
    assert member.options("/files/uploads/").status_code == 200


def test_csrf_is_checked_for_a_session(ann: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    problem(client.post("/files/uploads/", FILE, JSON), 403, "csrf_failed")


def test_the_routes_of_uppy_and_the_callback(member: Client) -> None:
    url = member.post("/files/uppy/", {"destination": "default"}, JSON).json()["companion_url"]
    begun = Client().post(f"{url}s3/multipart", {"filename": "a", "type": "text/plain"}, JSON)
    assert begun.status_code == 200, begun.content
    parts = f"{url}s3/multipart/{begun.json()['uploadId']}"
    signed = Client().get(f"{parts}/1?key={begun.json()['key']}").json()
    sent = httpx.put(signed["url"], content=b"hello", headers=signed["headers"])
    body = {"parts": [{"PartNumber": 1, "ETag": sent.headers["ETag"]}]}
    ended = Client().post(f"{parts}/complete?key={begun.json()['key']}", body, JSON)
    assert ended.status_code == 200, ended.content
    assert problem(Client().get(f"{url}nothing"), 404, "not_found")["message"]
    problem(Client().post("/files/oss/callback/", "x", JSON), 403, "callback_refused")


# Authentication


def test_the_project_names_the_authentication_classes_of_the_app(ann: User, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "AUTHENTICATION_CLASSES": ["hostile.framework.Bearer"]}
    answer = Client(headers={"Authorization": "Bearer ann"}).post("/files/uploads/", FILE, JSON)
    assert (answer.status_code, Upload.objects.get().owner) == (201, ann)
    refused = Client(headers={"Authorization": "Bearer bob"}).get("/files/uploads/")
    problem(refused, 401, "authentication_failed")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    session = Client()
    session.force_login(ann)
    problem(session.get("/files/uploads/"), 401, "not_authenticated")


def test_the_tokens_of_the_standalone_site_are_not_needed() -> None:
    assert "rest_framework.authtoken" not in django_settings.INSTALLED_APPS
    assert "rest_framework.authtoken.models" not in sys.modules
    assert Client().post("/files/token/", {"username": "ann", "password": "ann"}, JSON).status_code == 404


# Errors that nobody expects


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("uploads.models.UploadQuerySet.for_user", fail)


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_in_the_app_is_a_problem(
    member: Client, broken: None, settings: Any, caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    settings.DEBUG = debug
    heard: list[Any] = []

    def hear(**signal: Any) -> None:
        heard.append(sys.exc_info()[0])

    got_request_exception.connect(hear)
    try:
        answer = member.get("/files/uploads/", headers={"X-Request-ID": "0123-from.the_proxy"})
    finally:
        got_request_exception.disconnect(hear)
    told = problem(answer, 500, "internal_error")
    assert "0123-from.the_proxy" in told["detail"]
    assert "secret" not in answer.content.decode()
    assert heard == [ZeroDivisionError]
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.name == "django.request"
    assert "ZeroDivisionError: a secret detail" in caplog.text


def test_administrators_get_one_mail_with_the_traceback(member: Client, broken: None) -> None:
    member.get("/files/uploads/")
    (message,) = mail.outbox
    assert "ZeroDivisionError" in message.body


def test_an_error_reaches_the_test_client_and_whoever_propagates_exceptions(
    member: Client, ann: User, broken: None, settings: Any
) -> None:
    strict = Client()
    strict.force_login(ann)
    with pytest.raises(ZeroDivisionError):
        strict.get("/files/uploads/")
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    with pytest.raises(ZeroDivisionError):
        member.get("/files/uploads/")


@pytest.mark.parametrize(("method", "name"), [("get", "Http404"), ("post", "ZeroDivisionError")])
def test_errors_of_the_projects_views_are_the_projects(member: Client, method: str, name: str) -> None:
    answer = getattr(member, method)("/host/missing/")
    assert (answer.status_code, answer.json()) == (418, {"the_hosts": name})


# The schema


def test_the_schema_shows_the_routes_of_the_app_alone() -> None:
    answer = Client().get("/files/schema/?format=json", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200, answer.content
    schema = answer.json()
    assert schema["info"]["title"] == "OSS Uploads"
    assert {"/files/uploads/", "/files/uploads/{id}/complete/", "/files/uppy/"} <= set(schema["paths"])
    assert all(path.startswith("/files/") for path in schema["paths"])
    assert "host" not in answer.content.decode().lower().replace("hosts", "")
    assert schema["paths"]["/files/uploads/"]["post"]["requestBody"]["content"].keys() == {JSON}
    answers = schema["paths"]["/files/uploads/"]["post"]["responses"]
    assert "201" in answers


# Transactions


def test_a_refused_complete_leaves_what_it_recorded(member: Client) -> None:
    """The checkpoint that came with the request stays, though OSS lacks the part: the view runs in no transaction."""
    body = created(member, size=20_000_000)
    done = [{"number": 1, "size": body["part_size"], "etag": "A" * 32}]
    problem(member.post(f"/files/uploads/{body['id']}/complete/", {"done": done}, JSON), 409, "parts_missing")
    row = Upload.objects.get()
    assert row.state == "uploading"
    assert [event.name for event in row.events.all()] == ["begin"]
    member.delete(f"/files/uploads/{body['id']}/")
    assert [event.name for event in row.events.all()] == ["begin", "abort"]


def test_no_view_of_the_app_runs_in_a_transaction(member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    real: Callable[..., Any] = services.begin

    def begin(*arguments: Any, **named: Any) -> Any:
        blocks = [block for alias in connections for block in connections[alias].atomic_blocks]
        seen.append(all(block._from_testcase for block in blocks))
        return real(*arguments, **named)

    monkeypatch.setattr(services, "begin", begin)
    created(member)
    url = member.post("/files/uppy/", {"destination": "default"}, JSON).json()["companion_url"]
    Client().post(f"{url}s3/multipart", {"filename": "a", "type": "text/plain"}, JSON)
    assert seen == [True, True]


def test_a_view_of_the_project_is_told_how_to_call_a_service(member: Client, ann: User, completed_upload: Any) -> None:
    finished = completed_upload(ann)
    waiting = Upload.objects.get(pk=created(member)["id"])
    strict = Client()
    with pytest.raises(services.CalledInTransaction, match="non_atomic_requests"):
        strict.get(f"/host/finish/{waiting.pk}/")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.events.count()) == ("uploading", 1)
    assert strict.get(f"/host/finish/{finished.pk}/").content == b"completed", "what is completed asks OSS for nothing"
    assert not connection.needs_rollback


def test_the_admin_aborts_outside_of_transactions(ann: User, member: Client) -> None:
    ids = [created(member)["id"], created(member, size=20_000_000)["id"]]
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    page = admin.post("/admin/uploads/upload/", {"action": "check_against_oss", "_selected_action": ids}, follow=True)
    assert "2 checked" in page.content.decode()
    asked = admin.post("/admin/uploads/upload/", {"action": "abort_uploads", "_selected_action": ids}, follow=True)
    page = admin.post(asked.redirect_chain[-1][0], follow=True)
    assert admin.post(page.context["next"], headers={"Accept": JSON}).json()["aborted"] == 2
    assert admin.get("/admin/uploads/upload/multipart-uploads/").status_code == 200
    held = ":".join(Upload.objects.exclude(upload_id="").values_list("upload_id", "key")[0])
    page = admin.post("/admin/uploads/upload/multipart-uploads/", {"bucket": "demo-bucket", "selected": [held]})
    assert page.status_code == 302
