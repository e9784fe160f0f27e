"""What the URL of a list may ask for: what its page offers, and nothing of columns that are not shown."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin as django_admin
from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.models import User as Account
from django.test import Client, RequestFactory

from uploads.admin import UploadAdmin
from uploads.admin.lookups import OfferedLookups
from uploads.models import Upload

pytestmark = pytest.mark.django_db
LISTS = {name: f"/admin/uploads/{name}/" for name in ("upload", "orphan", "objectremoval", "webhookdelivery")}


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def asked(client: Client, path: str, **query: str) -> int:
    return int(client.get(f"{path}?{urlencode(query)}").status_code)


@pytest.mark.parametrize(
    ("name", "lookup"),
    [
        ("upload", "secret__startswith"),
        ("upload", "secret"),
        ("upload", "idempotency_key__regex"),
        ("upload", "owner__password__startswith"),
        ("upload", "owner__email__contains"),
        ("upload", "owner__id__exact"),
        ("upload", "parts__etag__startswith"),
        ("upload", "events__actor__password__startswith"),
        ("upload", "destination__startswith"),
        ("upload", "created_at_secret"),
        ("upload", "state__regex"),
        ("upload", "nothing"),
        ("orphan", "search__cursor__contains"),
        ("orphan", "key__startswith"),
        ("objectremoval", "owner__startswith"),
        ("webhookdelivery", "body__contains"),
        ("webhookdelivery", "owner__startswith"),
    ],
)
def test_a_lookup_that_the_page_does_not_offer_is_refused(admin: Client, begin: Any, name: str, lookup: str) -> None:
    begin()
    assert asked(admin, LISTS[name], **{lookup: "x"}) == 400
    if name == "upload":
        assert asked(admin, f"{LISTS[name]}export/", **{lookup: "x"}) == 400, "the export is filtered in the same way"


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("upload", {"state": "completed"}),
        ("upload", {"state__exact": "completed", "o": "6", "q": "film", "p": "1"}),
        ("upload", {"state__in": "uploading,completing"}),
        ("upload", {"created_at__gte": "2026-01-01 00:00:00+00:00", "created_at__lt": "2026-01-02 00:00:00+00:00"}),
        ("upload", {"stalled": "yes", "destination": "gone"}),
        ("upload", {"method": "form"}),
        ("orphan", {"kind__exact": "object", "destination": "default"}),
        ("objectremoval", {"pending": "yes", "reason__exact": "owner", "destination": "default"}),
        ("webhookdelivery", {"ending__exact": "dead", "endpoint": "shop"}),
    ],
)
def test_what_the_pages_and_the_documentation_offer_is_found(admin: Client, name: str, query: dict[str, str]) -> None:
    assert asked(admin, LISTS[name], **query) == 200


def test_every_link_of_a_filter_can_be_followed(admin: Client, begin: Any) -> None:
    begin()
    for path in LISTS.values():
        changes = admin.get(path).context["cl"]
        links = [choice["query_string"] for spec in changes.filter_specs for choice in spec.choices(changes)]
        assert len(links) > 3
        assert {admin.get(path + link).status_code for link in links} == {200}


def allowed(options: type[OfferedLookups], model: Any, lookup: str, value: str = "1") -> bool:
    request = RequestFactory().get("/")
    request.user = Account(is_superuser=True)
    return options(model, AdminSite()).lookup_allowed(lookup, value, request)


def test_a_subclass_names_more_columns() -> None:
    class Ours(UploadAdmin):
        also_filtered = ("owner", "owner__is_staff", "error")
        list_filter = ("state", ("content_type", django_admin.AllValuesFieldListFilter))

    found = ["owner", "owner__id__exact", "owner__pk__in", "owner__isnull", "owner_id", "owner__is_staff__exact"]
    found += ["error__code__startswith", "content_type__isnull", "state__in"]
    refused = ["owner__password__startswith", "owner__groups__name", "owner__auth_token__key__startswith", "method"]
    expected = {**dict.fromkeys(found, True), "owner_id": False, **dict.fromkeys(refused, False)}
    assert {lookup: allowed(Ours, Upload, lookup) for lookup in expected} == expected


def test_a_hierarchy_of_dates_is_offered() -> None:
    class Ours(UploadAdmin):
        date_hierarchy = "completed_at"

    assert allowed(Ours, Upload, "completed_at__year")
    assert not allowed(UploadAdmin, Upload, "completed_at__year")


def test_filters_by_other_models_reach_their_keys_alone() -> None:
    class Groups(OfferedLookups):
        list_filter = ("permissions", "user")

    class Permissions(OfferedLookups):
        also_filtered = ("content_type__permission",)

    assert allowed(Groups, Group, "permissions__id__exact")
    assert allowed(Groups, Group, "user__id__exact")
    assert not allowed(Groups, Group, "user__password__startswith")
    assert not allowed(Groups, Group, "permissions__codename")
    assert allowed(Permissions, Permission, "content_type__permission__id")
    assert not allowed(Permissions, Permission, "content_type__permission__codename")
    assert not allowed(Permissions, Permission, "content_type__app_label")


def test_a_column_that_does_not_exist_is_no_way_to_another() -> None:
    class Ours(UploadAdmin):
        also_filtered = ("nothing", "filename__nothing")

    assert not allowed(Ours, Upload, "nothing__startswith")
    assert not allowed(Ours, Upload, "filename__nothing__startswith")


class _Range:
    """As filters of packages have one parameter for each end."""

    def expected_parameters(self) -> list[str]:
        return [f"{self.prefix}_from", f"{self.prefix}_to"]  # type: ignore[attr-defined]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> list[Any]:
        return []

    def queryset(self, request: Any, queryset: Any) -> Any:
        return queryset.filter(size__gte=self.used_parameters[f"{self.prefix}_from"][-1])  # type: ignore[attr-defined]


class _RangeOfColumn(_Range, django_admin.FieldListFilter):
    def __init__(self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str) -> None:
        self.prefix = field_path
        super().__init__(field, request, params, model, model_admin, field_path)


class _RangeOfNone(_Range, django_admin.ListFilter):
    title, prefix = "range", "amount"

    def __init__(self, request: Any, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.used_parameters = {name: params.pop(name) for name in self.expected_parameters() if name in params}


@pytest.mark.parametrize("name", ["size_from", "amount_from"])
def test_filters_of_a_project_with_several_parameters_work(begin: Any, rf: Any, admin_user: Any, name: str) -> None:
    class Ours(UploadAdmin):
        list_filter = (("size", _RangeOfColumn),) if name == "size_from" else (_RangeOfNone,)  # type: ignore[assignment]

    begin(5), begin(7)
    request = rf.get("/", {name: "6"})
    request.user = admin_user
    changes = Ours(Upload, AdminSite()).get_changelist_instance(request)
    assert [upload.size for upload in changes.queryset] == [7]
    for other in ("size_above", "amount", "secret_from"):
        assert not allowed(Ours, Upload, other)


def test_the_popup_of_a_limited_foreign_key_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project's `ForeignKey(Upload, limit_choices_to={"content_type": "video/mp4"})`, with raw_id_fields."""
    limits = [{"content_type": "video/mp4"}, lambda: {"size__lt": 5}, {"filename__iregex": r"\.mp[34]$"}]
    monkeypatch.setattr(Upload._meta, "related_fkey_lookups", limits)
    assert allowed(UploadAdmin, Upload, "content_type", "video/mp4")
    assert allowed(UploadAdmin, Upload, "size__lt", "5")
    assert allowed(UploadAdmin, Upload, "filename__iregex", r"\.mp[34]$")
    assert not allowed(UploadAdmin, Upload, "content_type", "video/webm")
    assert not allowed(UploadAdmin, Upload, "filename__iregex", ".*")


def test_the_popup_of_a_limited_many_to_many_field_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    relation: Any = next(each for each in Permission._meta.related_objects if each.many_to_many)
    monkeypatch.setattr(relation, "limit_choices_to", lambda: {"codename__startswith": "view_", "name": "x"})
    assert allowed(OfferedLookups, Permission, "codename__startswith", "view_")
    assert not allowed(OfferedLookups, Permission, "codename__startswith", "view")
    assert not allowed(OfferedLookups, Permission, "content_type", "x")
