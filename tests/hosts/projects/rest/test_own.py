"""The app takes nothing over: the host's API answers as before, and the app's as it does everywhere."""

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_hosts_own_api_answers_as_before(client: Client) -> None:
    assert json.loads(client.get("/v1/articles/1/").content) == {"shop": {"number": 1}}
    missing = client.get("/v1/articles/0/")
    assert missing.status_code == 404
    assert json.loads(missing.content) == {"shop": {"shop_error": "No article 0"}}


def test_the_hosts_names_of_urls_are_its_own() -> None:
    assert reverse("v1:upload-list", kwargs={"number": 1}) == "/v1/articles/1/"
    assert reverse("v1:uploads:upload-list") == "/v1/api/uploads/"


def test_the_hosts_own_login_serves_the_app(client: Client) -> None:
    get_user_model().objects.create_user("ann")
    bearer: Any = {"Authorization": "Bearer ann"}
    body = json.dumps({"destination": "default", "filename": "a", "size": 1, "content_type": "a/b"})
    answer = client.post("/v1/api/uploads/", body, content_type="application/json", headers=bearer)
    assert answer.status_code == 201, answer.content
    assert client.get(f"/v1/api/uploads/{answer.json()['id']}/", headers=bearer).json()["state"] == "uploading"
    stranger = client.get("/v1/api/uploads/", headers={"Authorization": "Bearer eve"})
    assert stranger.status_code == 401
    assert stranger["Content-Type"].startswith("application/problem+json")
