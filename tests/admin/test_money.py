"""The admin's figures of what OSS holds, the list of orphans, the export, the download, and who did what."""

import csv
import io
import logging
import time
import tracemalloc
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from tests import http
from tests.admin.test_admin import LIST, abort, admin, completed
from tests.services.test_services import send
from uploads import services
from uploads.admin import export
from uploads.domain.price import storage_price
from uploads.models import Kind, Orphan, Upload, UploadCounts, orphan_id
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db
__all__ = ["admin"]
ORPHANS = "/admin/uploads/orphan/"
GB = 1024**3


def staff(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=[f"{name}_upload" for name in permissions]))
    client = Client()
    client.force_login(user)
    return client


def orphan(
    key: str = "uploads/7/film.mp4", kind: Kind = Kind.MULTIPART, upload_id: str = "A1", **values: Any
) -> Orphan:
    began = timezone.now() - timedelta(days=40)
    return Orphan.objects.create(
        id=orphan_id("demo-bucket", key, upload_id), kind=kind, destination="default", bucket="demo-bucket", key=key,
        upload_id=upload_id, bytes=10 * GB, began_at=began, seen_at=began,
    )  # fmt: skip


# What is held, and what it costs


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 CNY"), (1, "< 0.01 CNY"), (10 * GB, "1.20 CNY"), (20_000 * GB, "2,400.00 CNY")]
)
def test_the_cost_of_bytes(count: int, words: str) -> None:
    price = storage_price("0.12 CNY")
    assert price is not None
    assert price.of(count) == words


def test_the_page_shows_bytes_and_costs_by_destination_and_age_and_the_oldest_first(
    admin: Client, begin: Any, settings: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "STORAGE_PRICE": "0.12 CNY"}
    young = begin(20_000_000, filename="young.mp4")
    send(young, 1)
    services.synchronize_parts(young)
    found = orphan()
    UploadCounts.objects.refresh()
    page = admin.get(f"{LIST}statistics/")
    (_, _, destinations), (_, _, ages) = page.context["tables"]
    assert [(label, [each.number for each in cells]) for label, cells, _ in destinations] == [("default", [1, 0, 1, 0])]
    assert [label for label, _, _ in ages] == ["less than a day", "more than 30 days", "Total"]
    assert ages[1][2].cost == "1.20 CNY"
    names = [old.name for old in page.context["oldest"]]
    assert names == [found.key, "young.mp4"]
    text = page.content.decode()
    assert "at 0.12 CNY for a GB and a month" in text
    assert f"{ORPHANS}{found.pk}/abort/" in text
    assert f"{LIST}{young.pk}/abort/" in text


def test_without_a_price_there_are_bytes_only(admin: Client) -> None:
    orphan()
    text = admin.get(f"{LIST}statistics/").content.decode()
    assert "Set STORAGE_PRICE to see costs." in text
    assert "Cost per month" not in text
    assert "CNY" not in text


def test_the_figures_ask_nothing_from_oss(admin: Client, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    orphan()
    UploadCounts.objects.refresh()
    assert admin.get(f"{LIST}statistics/").status_code == 200


def test_who_may_only_view_sees_no_action(begin: Any) -> None:
    upload, found = begin(20_000_000), orphan()
    client = staff("view")
    text = client.get(f"{LIST}statistics/").content.decode()
    assert upload.filename in text
    assert "/abort/" not in text
    assert client.post(f"{ORPHANS}{found.pk}/abort/").status_code == 403
    assert client.get(ORPHANS).status_code == 200
    client.logout()
    assert client.get(ORPHANS).status_code == 302


# Orphans


def at_oss(oss: OssClient, key: str) -> Orphan:
    return orphan(key, upload_id=oss.initiate("demo-bucket", key))


def test_an_orphan_is_aborted_after_it_was_asked(admin: Client, oss: OssClient) -> None:
    found = at_oss(oss, "uploads/orphan-one/film.mp4")
    page = f"{ORPHANS}{found.pk}/abort/"
    assert found.key in admin.get(page).content.decode()
    assert list(oss.all_uploads("demo-bucket", found.key)) != [], "asking changes nothing"
    assert "Aborted at OSS" in admin.post(page, follow=True).content.decode()
    assert list(oss.all_uploads("demo-bucket", found.key)) == []
    assert found.key not in admin.get(ORPHANS).content.decode()
    entry = LogEntry.objects.get()
    assert (entry.user.get_username(), entry.change_message) == ("root", "Aborted at OSS.")
    assert "film.mp4" not in entry.object_repr


def test_a_failed_abort_of_an_orphan_is_shown(admin: Client, settings: Any, oss: OssClient) -> None:
    found = at_oss(oss, "uploads/orphan-two/film.mp4")
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ACCESS_KEY_ID": "deleted"}
    admin.post(f"{ORPHANS}{found.pk}/abort/")
    text = admin.get(ORPHANS).content.decode()
    assert "Failed attempts: 1. " in text
    assert "OSS_ACCESS_KEY_ID" in admin.get(f"{LIST}statistics/").content.decode()
    oss.abort("demo-bucket", found.key, found.upload_id)


def test_many_orphans_are_aborted_in_batches(admin: Client, oss: OssClient) -> None:
    found = [at_oss(oss, f"uploads/orphans/{number}") for number in range(3)]
    kept = orphan("uploads/orphans/object", Kind.OBJECT, "")
    chosen = {"action": "abort_orphans", "_selected_action": [str(each.pk) for each in [*found, kept]]}
    asked = admin.post(ORPHANS, chosen, follow=True)
    assert "Uploads to abort: 3." in asked.content.decode()
    page = admin.post(asked.redirect_chain[-1][0], follow=True)
    job = admin.post(page.context["next"], headers={"Accept": "application/json"}).json()
    while not job["over"]:
        job = admin.post(page.context["next"], headers={"Accept": "application/json"}).json()
    assert job["aborted"] == 3
    assert list(oss.all_uploads("demo-bucket", "uploads/orphans/")) == []
    assert Orphan.objects.held().get() == kept


def test_an_orphan_that_got_a_part_or_a_row_since_it_was_listed_is_refused(
    admin: Client, begin: Any, oss: OssClient
) -> None:
    busy, upload = at_oss(oss, "uploads/orphan-busy/film.mp4"), begin(20_000_000)
    oss.upload_part("demo-bucket", busy.key, busy.upload_id, 1, b"x")
    known = orphan(upload.key, upload_id=upload.upload_id)
    for each, why in ((busy, "got a part of it in the last 24 hours"), (known, "belongs to an upload by now")):
        assert why in admin.post(f"{ORPHANS}{each.pk}/abort/", follow=True).content.decode()
        assert [held.upload_id for held in oss.all_uploads("demo-bucket", each.key)] == [each.upload_id]
        each.refresh_from_db()
        assert (each.attempts, each.due_at, each.gone_at) == (0, None, None)
    assert not LogEntry.objects.exists()
    oss.abort("demo-bucket", busy.key, busy.upload_id)


def test_orphans_in_a_batch_that_got_a_part_are_refused(admin: Client, oss: OssClient) -> None:
    busy, quiet = (at_oss(oss, f"uploads/orphans/{name}") for name in ("busy", "quiet"))
    oss.upload_part("demo-bucket", busy.key, busy.upload_id, 1, b"x")
    chosen = {"action": "abort_orphans", "_selected_action": [str(each.pk) for each in (busy, quiet)]}
    asked = admin.post(ORPHANS, chosen, follow=True)
    page = admin.post(asked.redirect_chain[-1][0], follow=True)
    job = admin.post(page.context["next"], headers={"Accept": "application/json"}).json()
    assert (job["over"], job["aborted"], job["failed"], job["refused"][0][0]) == (True, 1, 1, busy.key)
    assert [held.key for held in oss.all_uploads("demo-bucket", "uploads/orphans/")] == [busy.key]
    oss.abort("demo-bucket", busy.key, busy.upload_id)


# The file


def test_the_link_saves_the_file_for_a_minute_and_is_in_no_log(
    admin: Client, begin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upload = completed(begin)
    detail = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert f"{LIST}{upload.pk}/download/" in detail
    assert "Signature" not in detail
    answer = admin.get(f"{LIST}{upload.pk}/download/")
    url = answer.headers["Location"]
    signed = parse_qs(urlsplit(url).query)
    assert signed["x-oss-expires"] == ["60"]
    assert signed["x-oss-signature"][0] not in caplog.text
    file = http.get(url)
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert len(file.content) == upload.size
    assert "no-store" in answer.headers["Cache-Control"]
    assert not LogEntry.objects.filter(change_message__contains="ignature").exists()
    history = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert "Downloaded the file." in history


def test_the_file_needs_the_permission_and_a_completed_upload(admin: Client, begin: Any) -> None:
    upload, pending = completed(begin), begin(5)
    answer = admin.get(f"{LIST}{pending.pk}/download/")
    assert answer.headers["Location"] == f"{LIST}{pending.pk}/change/", "not to OSS"
    client = staff("view", "abort", "delete", "export")
    assert client.get(f"{LIST}{upload.pk}/download/").status_code == 403
    assert "/download/" not in client.get(f"{LIST}{upload.pk}/change/").content.decode()


# The export


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"{LIST}export/{query}")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_export_has_the_filtered_list(admin: Client, begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    uploads = [begin(5, filename=f"film{number}.mp4") for number in range(5)]
    done = completed(begin)
    same = timezone.now()
    Upload.objects.filter(pk__in=[each.pk for each in uploads]).update(created_at=same)
    assert {row["id"] for row in exported(admin)} == {str(each.pk) for each in [*uploads, done]}
    (row,) = exported(admin, "?state__exact=completed")
    assert (row["id"], row["owner"], row["size"], row["state"]) == (str(done.pk), "ann", "1000", "completed")
    assert len(exported(admin, "?q=film3")) == 1
    logged = LogEntry.objects.filter(change_message="Exported the list.").order_by("pk")
    assert [entry.object_repr for entry in logged] == ["*", "state__exact", "q"], "no values: they may name somebody"


@pytest.mark.parametrize("name", ["=1+1.txt", "+1.txt", "-1.txt", "@SUM(A1).txt", "＝1.txt"])
def test_no_cell_is_a_formula(admin: Client, begin: Any, name: str) -> None:
    begin(5, filename=name)
    (row,) = exported(admin)
    assert row["filename"] == f"'{name}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a;=1+1.txt", "a;'=1+1.txt"),
        ("a\t+1.txt", "a\t'+1.txt"),
        ("a|@SUM(A1).txt", "a|'@SUM(A1).txt"),
        ("a,-1.txt", "a,'-1.txt"),
        ("=a;=b|=c", "'=a;'=b|'=c"),
        ("a; =1+1.txt", "a;' =1+1.txt"),
        ('a;"=1+1;b', "a;'\"=1+1;b"),
        ("a;\"'=1+1", "a;\"'=1+1"),
        (' "=1+1', "' \"=1+1"),
        ("a\n=1+1", "a\n'=1+1"),
        ("a;\uff1d1", "a;'\uff1d1"),
        ("Müller; Söhne, 1=1 + 2-3.txt", "Müller; Söhne, 1=1 + 2-3.txt"),
        ("2026-01-02|a@b.example", "2026-01-02|a@b.example"),
    ],
)
def test_no_part_of_a_cell_is_a_formula_where_cells_end_elsewhere(value: str, shown: str) -> None:
    """Spreadsheets of many countries split at `;`, and all can be told to split at something else."""
    assert export.cell(value) == shown
    for delimiter in ",;\t|":
        line = io.StringIO(export.csv_row(["1", value, "2"]), newline="")
        for cells in csv.reader(line, delimiter=delimiter):
            assert [cell for cell in cells if cell.strip().startswith(("=", "+", "-", "@", "\uff1d"))] == []


def test_the_search_for_formulas_ends_soon() -> None:
    """However the value is made."""
    for value in ("\t" * 100_000, ", " * 50_000, '"' * 100_000, ";" + " " * 100_000):
        began = time.process_time()
        export.cell(value)
        assert time.process_time() - began < 1


def test_the_export_needs_the_permission(begin: Any) -> None:
    begin(5)
    client = staff("view", "abort", "download")
    assert client.get(f"{LIST}export/").status_code == 403
    assert "/export/" not in client.get(LIST).content.decode()


def test_memory_does_not_grow_with_the_rows(begin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "CHUNK", 100)
    row = begin(5)

    def peak(rows: int) -> int:
        fields = {field.attname: getattr(row, field.attname) for field in Upload._meta.concrete_fields}
        del fields["id"]
        Upload.objects.bulk_create((Upload(**fields) for _ in range(rows)), batch_size=50)
        tracemalloc.start()
        assert sum(1 for _ in export.lines(Upload.objects.all())) == -(-Upload.objects.count() // 100) + 1
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few = peak(300)
    assert peak(2700) < 2 * few, "ten times as many rows"


# Who did what


def test_the_history_says_what_the_user_and_administrators_did(admin: Client, begin: Any) -> None:
    upload = completed(begin)
    admin.get(f"{LIST}{upload.pk}/download/")
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    timeline = page[page.index("up-timeline") :]
    order = ["by ann, its owner", "<strong>finish</strong>", "Downloaded the file.", "by root"]
    assert [timeline.index(words) for words in order] == sorted(timeline.index(words) for words in order)


def test_an_abort_is_told_once_with_its_administrator(admin: Client, begin: Any) -> None:
    upload = begin()
    admin.post(f"{LIST}{upload.pk}/abort/")
    page = admin.get(f"{LIST}{upload.pk}/change/").content.decode()
    assert page.count("by root") == 1
    assert "OSS has dropped its parts" in page


def test_the_log_of_administrators_is_paged_and_filtered(admin: Client, begin: Any) -> None:
    uploads = [begin(5) for _ in range(2)]
    for upload in uploads:
        admin.post(f"{LIST}{upload.pk}/abort/")
    _, step = abort(admin, _selected_action=[str(begin(5).pk)])
    admin.post(step)
    page = admin.get(f"{LIST}activity/").content.decode()
    assert page.count("Aborted.") == 2
    assert "Confirmed a bulk abort." in page
    assert f"{LIST}{uploads[0].pk}/change/" in page
    assert "Nothing was done yet." in admin.get(f"{LIST}activity/?user=ann").content.decode()
    first = LogEntry.objects.order_by("pk")[1].pk
    assert admin.get(f"{LIST}activity/?before={first}").content.decode().count("Aborted.") == 1
    assert staff("abort").get(f"{LIST}activity/").status_code == 403
