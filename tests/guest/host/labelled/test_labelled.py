"""Under another label, everything of the app has the other label, and nothing of the project's is met."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from labelled.holiday.models import Upload as Holiday

from uploads.forms import UploadField
from uploads.models import Upload, permission_name

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture(autouse=True)
def _oss(oss_uploads: Any) -> None:
    pass


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_the_tables_are_those_of_the_migrations() -> None:
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", "oss_uploads", check=True, dry_run=True)
    tables = set(connection.introspection.table_names())
    assert {"uploads_upload", "oss_uploads_upload", "oss_uploads_part", "oss_uploads_uploadevent"} <= tables
    assert "uploads_part" not in tables
    assert apps.get_model("oss_uploads", "Upload") is Upload
    assert apps.get_model("uploads", "Upload") is Holiday
    assert ContentType.objects.get_for_model(Upload).app_label == "oss_uploads"


def test_a_foreign_key_of_the_project_refers_to_an_upload(completed_upload: Any) -> None:
    upload = completed_upload(User.objects.create_user("ann"))
    assert Holiday.objects.create(title="beach", file=upload).file == upload
    with upload.open() as file:
        assert file.read() == b"hello"


def test_permissions_follow_the_label() -> None:
    assert permission_name("abort") == "oss_uploads.abort_upload"
    staff = User.objects.create_user("staff", is_staff=True)
    client, owner = Client(), Client()
    client.force_login(staff)
    owner.force_login(User.objects.create_user("ann"))
    created = owner.post("/files/uploads/", {"filename": "a", "size": 5, "content_type": ""}, JSON).json()
    url = f"/files/uploads/{created['id']}/"
    for label, status in (("uploads", 404), ("oss_uploads", 200)):
        found = Permission.objects.filter(content_type__app_label=label, codename="view_upload")
        staff.user_permissions.set(found)
        assert client.get(url).status_code == status
    staff.user_permissions.add(Permission.objects.get(codename="abort_upload"))
    assert client.delete(url).status_code == 204


@pytest.mark.parametrize("site", ["admin", "backoffice"])
def test_the_admin_has_its_own_pages_and_leaves_the_projects(root: Client, completed_upload: Any, site: str) -> None:
    upload = completed_upload(User.objects.create_user("ann"), filename="beach.jpg")
    pages = reverse("admin:oss_uploads_upload_changelist", current_app=site)
    assert pages == f"/{site}/oss_uploads/upload/"
    page = root.get(pages).content.decode()
    for name in ("statistics", "multipart-uploads"):
        assert f'href="{pages}{name}/"' in page
        assert f'href="{pages}"' in root.get(f"{pages}{name}/").content.decode()
    assert "beach.jpg" in root.get(f"{pages}{upload.pk}/change/").content.decode()
    chosen = {"action": "abort_uploads", "_selected_action": [str(upload.pk)]}
    answer = root.post(pages, chosen, follow=True)
    assert answer.redirect_chain[0][0].startswith(f"{pages}bulk-abort/")
    assert answer.context["next"].startswith(pages)
    assert "the project's own list" in root.get("/admin/uploads/upload/").content.decode()


def test_the_form_field_has_its_own_template() -> None:
    assert "<oss-uploader" in UploadField().widget.render("file", None)


def test_the_doctor_and_the_sweep_work(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sweep_uploads")
    call_command("doctor")
    assert "SQLite, migrated" in capsys.readouterr().out
