"""Django's admin: a window on all uploads, and a hand to stop them."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from uploads.models import Upload

pytestmark = pytest.mark.django_db
LIST = "/admin/uploads/upload/"


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def test_the_list_shows_whose_upload_it_is_and_how_far(admin: Client, begin: Any) -> None:
    begin(20_000_000, filename="holiday.mp4")
    page = admin.get(LIST).content.decode()
    assert all(text in page for text in ("holiday.mp4", "ann", "0 % (0 of 3)", "uploading"))
    assert "holiday.mp4" not in admin.get(f"{LIST}?q=nothing").content.decode()


def test_the_detail_shows_the_history_and_lets_nothing_be_changed(admin: Client, begin: Any) -> None:
    upload = begin()
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "begin" in page
    assert 'name="_save"' not in page
    assert admin.post(f"{LIST}{upload.pk}/change/", {"state": "completed"}).status_code == 403
    assert admin.get(f"{LIST}add/").status_code == 403


def test_the_action_aborts_by_the_service(admin: Client, begin: Any) -> None:
    upload = begin()
    chosen = {"action": "abort_uploads", "_selected_action": [str(upload.pk)]}
    assert "1 aborted" in admin.post(LIST, chosen, follow=True).content.decode()
    upload.refresh_from_db()
    assert (upload.state, upload.released_at is not None) == ("aborted", True)
    assert upload.events.last().actor.username == "root"


def test_staff_without_the_permission_cannot_abort(begin: Any) -> None:
    upload, client = begin(), Client()
    staff = get_user_model().objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(LIST).status_code == 403
    client.post(LIST, {"action": "abort_uploads", "_selected_action": [str(upload.pk)]})
    assert Upload.objects.get().state == "uploading"
