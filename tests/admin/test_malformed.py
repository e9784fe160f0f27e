"""Malformed numbers, dates, ids and NUL characters in URLs of the admin: never an error of the server."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from django.contrib.admin import AdminSite
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.utils import timezone

from uploads.admin import UploadAdmin
from uploads.models import Ending, Upload, WebhookDelivery
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db
NUMBERS = ("", "x", "²", "-1", "0", "1.5", "9" * 30, "9" * 5000)
DATES = ("2026-99-99", "10000-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
ODD = (*NUMBERS, *DATES, "(", "\ud800")
NULS = ("\0", "a\0b")
OF_DJANGO = ("p", "o", "q", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters")
FILTERS = {
    "uploads/upload": (
        "state", "state__in", "state__isnull", "state__regex", "stalled", "destination", "method", "created_at",
        "created_at__gte", "created_at__lt", "created_at__year", "created_at__range", "created_at__isnull",
    ),
    "uploads/orphan": ("kind", "kind__in", "destination"),
    "uploads/objectremoval": ("pending", "reason__exact", "destination"),
    "uploads/webhookdelivery": ("ending__in", "endpoint", "id__in"),
    "auth/user": ("is_staff__exact", "groups__id__exact", "groups__id__in", "username", "id__in"),
    "auth/group": ("name", "user", "id__in"),
}  # fmt: skip
MODELS = tuple(FILTERS)


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


@pytest.fixture
def rows(begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one page of uploads, and one webhook. Short pages: hundreds of them are rendered."""
    monkeypatch.setattr(UploadAdmin, "list_per_page", 5)
    begin()
    expires = timezone.now() + timedelta(days=1)
    Upload.objects.bulk_create([Upload(destination="default", part_size=1, expires_at=expires) for _ in range(9)])
    values = {"endpoint": "shop", "upload": uuid4(), "event": "upload.completed", "body": "{}"}
    WebhookDelivery.objects.create(**values, ending=Ending.DEAD, ended_at=timezone.now())


def status(client: Client, path: str, form: dict[str, Any] | None = None) -> int:
    """Of the whole answer. An error of the server is raised. What PostgreSQL refuses ends its transaction."""
    with transaction.atomic():
        answer = client.get(path) if form is None else client.post(path, form)
        if answer.streaming:
            assert b"".join(answer.streaming_content)  # type: ignore[arg-type]
    return int(answer.status_code)


def with_query(path: str, name: str, value: str) -> str:
    return f"{path}?{urlencode({name: value}, errors='surrogatepass')}"


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("model", MODELS)
def test_no_value_in_the_url_of_a_list_is_an_error_of_the_server(admin: Client, model: str) -> None:
    pages = {f"/admin/{model}/": FILTERS[model]}
    if model == "uploads/upload":  # One list stands for all in what Django reads by itself.
        pages = {
            "/admin/uploads/upload/": (*OF_DJANGO, *FILTERS[model]),
            "/admin/uploads/upload/export/": FILTERS[model],
        }
    for path, names in pages.items():
        for name in names:
            for value in ODD:
                assert status(admin, with_query(path, name, value)) in (200, 302, 400, 404), (path, name, value[:30])
            for value in NULS:
                assert status(admin, with_query(path, name, value)) == 400, (path, name, value)
        assert status(admin, with_query(path, "a\0b", "x")) == 400


@pytest.mark.parametrize("model", MODELS)
def test_no_object_id_is_an_error_of_the_server(admin: Client, model: str) -> None:
    for identifier in (*ODD[1:], *NULS, "_00", "_ZZ"):
        for page in ("", "change/", "history/", "delete/", "abort/", "download/", "password/"):
            path = f"/admin/{model}/{quote(identifier, errors='surrogatepass')}/{page}"
            assert status(admin, path) in (302, 400, 403, 404), path[:80]


@pytest.mark.usefixtures("rows")
def test_a_selection_of_what_is_no_id_is_refused(admin: Client) -> None:
    actions = {
        "uploads/upload": ("abort_uploads", "check_against_oss", "delete_selected"),
        "uploads/orphan": ("abort_orphans",),
        "uploads/webhookdelivery": ("deliver_again",),
        "auth/user": ("delete_selected",),
    }
    for model, names in actions.items():
        for action in names:
            for selected in ("", "x", "9" * 30, "9" * 5000, "\0"):
                form = {"action": action, "_selected_action": selected}
                expected = (400,) if model != "uploads/orphan" else (302, 400)  # Without rows there is no action.
                assert status(admin, f"/admin/{model}/", form) in expected, (model, action, selected[:30])


def test_the_other_pages_refuse_them_too(admin: Client, oss: OssClient) -> None:
    for value in ODD:
        for name in ("before", "user"):
            assert status(admin, with_query("/admin/uploads/upload/activity/", name, value)) == 200, (name, value[:30])
    for name in ("before", "user"):
        assert status(admin, with_query("/admin/uploads/upload/activity/", name, "\0")) == 400
    assert status(admin, f"/admin/uploads/upload/bulk-abort/{quote(NULS[0])}/") == 400
    page = "/admin/uploads/upload/multipart-uploads/"
    for name in ("bucket", "prefix", "delimiter", "key-marker", "upload-id-marker"):
        assert admin.get(with_query(page, name, "\0")).status_code == 400
        for value in ("²", "9" * 900, "\ud800"):
            assert admin.get(with_query(page, name, value)).status_code == 200, (name, value[:30])
    assert admin.post(page, {"bucket": "demo-bucket", "selected": "a\0b:key"}).status_code == 400


@pytest.mark.parametrize(("model", "field"), [("upload", "owner"), ("uploadevent", "upload")])
def test_autocompletion_refuses_them_too(admin: Client, model: str, field: str) -> None:
    """Django's page searches any registered model that a foreign key refers to."""
    page = f"/admin/autocomplete/?app_label=uploads&model_name={model}&field_name={field}"
    for value in ODD:
        assert status(admin, f"{page}&{with_query('', 'term', value)[1:]}") == 200, value[:30]
    for value in NULS:
        assert status(admin, f"{page}&{with_query('', 'term', value)[1:]}") == 400


@pytest.mark.usefixtures("rows")
def test_columns_that_a_subclass_names_take_any_value(rf: Any, admin_user: Any) -> None:
    class Ours(UploadAdmin):
        also_filtered = ("owner", "size")

    for name in ("owner__id__in", "owner__id__exact", "size", "size__in", "size__gte"):
        for value in ODD:
            request = rf.get(with_query("/", name, value))
            request.user = admin_user
            try:
                with transaction.atomic():
                    Ours(Upload, AdminSite()).get_changelist_instance(request)
            except IncorrectLookupParameters:
                continue


@pytest.mark.parametrize("query", ["", "e=1"])
def test_an_error_of_a_subclass_is_not_taken_for_one_of_a_value(rf: Any, admin_user: Any, query: str) -> None:
    """It would be hidden: Django leads to the list without filters, and then blames the database."""

    class Ours(UploadAdmin):
        def get_queryset(self, request: Any) -> Any:
            raise ValueError("a mistake of the project")

    request = rf.get(f"/?{query}")
    request.user = admin_user
    with pytest.raises(ValueError, match="of the project"):
        Ours(Upload, AdminSite()).changelist_view(request)
