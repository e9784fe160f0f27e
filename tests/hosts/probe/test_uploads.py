"""What a project gets from the app, tried in the host: with its settings, and with nothing that the recipe lacks."""

import json
import os
from io import StringIO
from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client

API = f"{os.environ.get('PROBE_PREFIX', '')}/api/"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def make_user(name: str, **values: Any) -> Any:
    model: Any = get_user_model()
    return model.objects.create(**{model.USERNAME_FIELD: f"{name}@example.com"}, **values)


def login(client: Client, name: str = "ann") -> Any:
    user = make_user(name)
    client.force_login(user)
    page = client.get(f"{os.environ.get('PROBE_PREFIX', '')}/upload/")
    assert page.status_code == 200
    assert "uploads/oss-uploads.js" in page.content.decode()
    return user


def post(client: Client, path: str, body: Any) -> Any:
    token = client.cookies["csrftoken"].value
    return client.post(
        f"{API}{path}", json.dumps(body), content_type="application/json", headers={"X-CSRFToken": token}
    )


def deliver(part: Any, content: bytes) -> None:
    if part["method"] == "POST":
        answer = httpx.post(part["url"], data=part["fields"], files={"file": ("blob", content)}, timeout=60)
    else:
        answer = httpx.put(part["url"], content=content, headers=part["headers"], timeout=60)
    assert answer.is_success, answer.text


def test_its_settings_and_migrations_are_in_order() -> None:
    call_command("check", stdout=StringIO(), fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def test_a_visitor_of_the_page_is_sent_to_a_login() -> None:
    answer = Client().get(f"{os.environ.get('PROBE_PREFIX', '')}/upload/", follow=True)
    assert (answer.status_code, len(answer.redirect_chain)) == (200, 1)
    assert b'type="password"' in answer.content


def test_the_script_of_the_page_is_there() -> None:
    assert finders.find("uploads/oss-uploads.js")


@pytest.mark.parametrize("size", [3, 40_000_000], ids=["a form", "parts"])
def test_a_file_is_uploaded(client: Client, size: int) -> None:
    user = login(client)
    content = os.urandom(size)
    body = {"destination": "default", "filename": "film.mp4", "size": size, "content_type": "video/mp4", "sign": 100}
    answer = post(client, "uploads/", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["method"], len(made["parts"])) == ("multipart" if size > 3 else "post", made["part_count"])
    for number, part in enumerate(made["parts"]):
        deliver(part, content[number * made["part_size"] : (number + 1) * made["part_size"]])
    completed = post(client, f"uploads/{made['id']}/complete/", {})
    assert completed.status_code == 200, completed.content
    assert completed.json()["state"] == "completed"
    listed = client.get(f"{API}uploads/").json()
    assert [each["id"] for each in listed["results"]] == [made["id"]]

    from uploads.models import Upload

    (upload,) = Upload.objects.for_user(user)
    with upload.open() as file:
        assert file.read() == content


def test_a_refusal_is_a_problem(client: Client) -> None:
    login(client)
    body = {"destination": "nowhere", "filename": "a", "size": 1, "content_type": "a/b"}
    answer = post(client, "uploads/", body)
    assert answer.status_code in (400, 403, 404)
    assert answer["Content-Type"].startswith("application/problem+json")
    assert {"type", "title", "status", "code"} <= answer.json().keys()


def test_an_upload_that_lacks_its_bytes_is_refused_and_stays_as_it_was(client: Client) -> None:
    login(client)
    body = {"destination": "default", "filename": "a", "size": 40_000_000, "content_type": "a/b"}
    made = post(client, "uploads/", body).json()
    answer = post(client, f"uploads/{made['id']}/complete/", {})
    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("application/problem+json")
    assert client.get(f"{API}uploads/{made['id']}/").json()["state"] == "uploading"


def test_nobody_sees_the_uploads_of_others(client: Client) -> None:
    login(client)
    made = post(client, "uploads/", {"destination": "default", "filename": "a", "size": 1, "content_type": "a/b"})
    path = f"{API}uploads/{made.json()['id']}/"
    assert client.get(path).status_code == 200
    other = Client()
    assert other.get(path).status_code in (401, 403)
    other.force_login(make_user("bob"))
    answer = other.get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("application/problem+json")


def test_the_form_field_takes_a_completed_upload(client: Client) -> None:
    from django import forms

    from uploads.forms import UploadField, UploadFormMixin

    class Form(UploadFormMixin, forms.Form):
        file = UploadField(destination="default")

    user = login(client)
    made = post(
        client, "uploads/", {"destination": "default", "filename": "a", "size": 1, "content_type": "a/b", "sign": 1}
    )
    form = Form({"file": made.json()["id"]}, user=user)
    assert not form.is_valid()
    assert f'api="{API}"' in str(form)
    deliver(made.json()["parts"][0], b"x")
    assert post(client, f"uploads/{made.json()['id']}/complete/", {}).status_code == 200
    assert Form({"file": made.json()["id"]}, user=user).is_valid()


def test_the_admin_lists_uploads(client: Client) -> None:
    from uploads.models import Upload

    login(client)
    post(client, "uploads/", {"destination": "default", "filename": "seen.mp4", "size": 1, "content_type": "a/b"})
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    answer = client.get(f"/admin/{Upload._meta.app_label}/upload/")
    assert answer.status_code == 200
    assert "seen.mp4" in answer.content.decode()
