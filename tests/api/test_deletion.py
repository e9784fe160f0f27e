"""DELETE of a completed upload: where the destination allows it, and by whom."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from tests.services.test_services import send
from uploads import services
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def completed(begin: Begin) -> Upload:
    upload = begin(1000)
    send(upload)
    return services.complete(upload)


@pytest.fixture
def staff() -> Callable[..., APIClient]:
    def staff(*permissions: str) -> APIClient:
        boss = get_user_model().objects.create_user(f"boss {permissions}", is_staff=True)
        boss.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = APIClient()
        client.force_authenticate(boss)
        return client

    return staff


def path(upload: Upload) -> str:
    return f"/api/uploads/{upload.pk}/"


def test_a_destination_without_allow_delete_refuses(api: APIClient, oss: OssClient, completed: Upload) -> None:
    problem = api.delete(path(completed))
    assert (problem.status_code, problem["Content-Type"]) == (409, "application/problem+json")
    assert problem.json()["code"] == "deletion_not_allowed"
    assert oss.head(completed.bucket, completed.key)
    assert api.get(path(completed)).json()["state"] == "completed"


def test_a_destination_with_allow_delete_removes_the_object(
    api: APIClient,
    oss: OssClient,
    place: Place,
    completed: Upload,
    user: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    place(allow_delete=True)
    with django_capture_on_commit_callbacks(execute=True):
        assert [api.delete(path(completed)).status_code for _ in range(2)] == [204, 204]
    with pytest.raises(NotFound):
        oss.head(completed.bucket, completed.key)
    assert api.get(path(completed)).json()["state"] == "deleted"
    assert [upload["state"] for upload in api.get("/api/uploads/?state=deleted").json()["results"]] == ["deleted"]
    last = completed.events.last()
    assert last is not None
    assert (last.name, last.actor) == ("delete", user)
    for call in ("complete/", "parts/sign/"):
        problem = api.post(
            f"{path(completed)}{call}", {"parts": [{"number": 1}]} if "sign" in call else {}, format="json"
        )
        assert (problem.status_code, problem.json()["code"]) == (409, "wrong_state")


def test_the_other_calls_do_not_delete(api: APIClient, place: Place, completed: Upload, other_user: Any) -> None:
    place(allow_delete=True)
    stranger = APIClient()
    stranger.force_authenticate(other_user)
    assert stranger.delete(path(completed)).status_code == 404
    completed.refresh_from_db()
    assert completed.state == "completed"


def test_staff_who_may_abort_may_not_delete(place: Place, completed: Upload, staff: Callable[..., APIClient]) -> None:
    place(allow_delete=True)
    problem = staff("abort_upload").delete(path(completed))
    assert (problem.status_code, problem.json()["code"]) == (403, "forbidden")
    assert staff("abort_upload", "delete_upload").delete(path(completed)).status_code == 204


def test_uploads_without_an_owner_are_seen_by_staff_alone(
    api: APIClient, completed: Upload, other_user: Any, user: Any, staff: Callable[..., APIClient]
) -> None:
    user.delete()
    stranger = APIClient()
    stranger.force_authenticate(other_user)
    assert stranger.get(path(completed)).status_code == stranger.delete(path(completed)).status_code == 404
    assert stranger.get("/api/uploads/").json()["results"] == []
    assert staff("view_upload").get(path(completed)).json()["state"] == "completed"


def test_open_uploads_of_nobody_are_listed(begin: Begin, user: Any, staff: Callable[..., APIClient]) -> None:
    upload = begin(9_000_000)
    user.delete()
    listed = staff("view_upload").get(f"/api/open-uploads/?prefix={upload.key}").json()["uploads"]
    assert [(each["key"], each["owner"]) for each in listed] == [(upload.key, None)]
