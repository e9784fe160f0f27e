"""Two apps that would both be `uploads`: each has its own label, tables and permissions."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from library.models import Upload as Own

from uploads.models import Upload

pytestmark = pytest.mark.django_db


def test_each_has_its_own_tables() -> None:
    assert (Own._meta.db_table, Upload._meta.db_table) == ("uploads_upload", "oss_uploads_upload")
    assert apps.get_model("uploads", "Upload") is Own
    assert apps.get_model("oss_uploads", "Upload") is Upload
    Own.objects.create(title="mine")
    assert not Upload.objects.exists()


def test_each_has_its_own_permissions() -> None:
    of_app = Permission.objects.filter(codename="abort_upload").values_list("content_type__app_label", flat=True)
    assert list(of_app) == ["oss_uploads"]
