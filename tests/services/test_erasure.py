"""manage.py erase_user: nothing of the user is left, and what cannot be removed now is said."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, models

from tests.admin.test_money import orphan
from tests.django_fixtures import Begin, hold_prefix
from tests.services.test_deletion import completed, holds, holds_parts, sweep_later, unreachable  # noqa: F401
from tests.services.test_retention import film, model_of_the_project  # noqa: F401
from tests.services.test_services import send
from uploads import services
from uploads.companion import capability
from uploads.models import Kind, ObjectRemoval, Orphan, Upload, UploadEvent
from uploads.oss.client import OssClient
from uploads.services import erasure

pytestmark = pytest.mark.django_db(transaction=True)


def erase(*arguments: str) -> str:
    out = StringIO()
    call_command("erase_user", *arguments, stdout=out)
    return out.getvalue()


def test_what_is_held_of_a_user_is_erased_and_counted(begin: Begin, oss: OssClient, user: Any, other_user: Any) -> None:
    upload, unfinished = completed(begin), begin(9_000_000)
    send(unfinished, 1)
    foreign = completed(begin)
    Upload.objects.filter(pk=foreign.pk).update(owner=other_user)
    UploadEvent.objects.create(upload=foreign, name="abort", actor=user)
    log = apps.get_model("admin", "LogEntry").objects.create(
        user=other_user, content_type=ContentType.objects.get_for_model(Upload), object_id=str(upload.pk),
        object_repr=str(upload), action_flag=2,
    )  # fmt: skip
    hold_prefix(user, "b", "uploads/1/")
    url, _ = capability.issue(user, "default")
    foreseen = erase("ann", "--dry-run")
    assert "2 uploads" in foreseen
    assert Upload.objects.filter(owner=user).count() == 2
    said = erase("ann")
    for line in ("2 uploads", "1 objects", "1 entries", "1 prefixes", "1 set of Companion URLs", "0 quota"):
        assert f"  {line}" in said
    assert not Upload.objects.filter(owner=user).exists()
    assert Upload.objects.get().pk == foreign.pk
    assert not UploadEvent.objects.filter(actor=user).exists()
    assert (holds(oss, upload), holds(oss, foreign), holds_parts(oss, unfinished)) == (False, True, False)
    log.refresh_from_db()
    assert log.object_repr == ""
    assert capability.read(url) is None
    again = erase("ann")
    assert "0 uploads" in again
    assert "0 objects" in again


def test_orphans_in_the_directory_of_the_user_are_aborted_and_objects_named(
    begin: Begin, oss: OssClient, user: Any, other_user: Any, settings: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"key": "uploads/{user_id}/{uuid}/{filename}"}}}
    held = []
    for owner in (user, other_user):
        for kind in Kind:
            key = f"uploads/{owner.pk}/lost/{kind}.mp4"
            upload_id = oss.initiate("demo-bucket", key) if kind == Kind.MULTIPART else ""
            held.append(orphan(key, kind, upload_id))
    assert "  1 multipart uploads in the user's directories" in erase("ann", "--dry-run")
    said = erase("ann")
    assert "  1 multipart uploads in the user's directories" in said
    assert "Not erased: 1 objects in the user's directories" in said
    assert {each.key for each in Orphan.objects.held()} == {each.key for each in held[1:]}
    assert [each.key for each in oss.all_uploads("demo-bucket", "uploads/") if "/lost/" in each.key] == [held[2].key]


def test_the_log_of_administrators_names_no_directory_of_the_user(
    oss: OssClient, user: Any, other_user: Any, settings: Any, client: Any
) -> None:
    """The orphans of most entries have no row any more."""
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"key": "uploads/{user_id}/{uuid}/{filename}"}}}
    keys = [f"uploads/{user.pk}/Holiday of Ann/a.mp4", f"uploads/{user.pk}/b.mp4", f"uploads/{other_user.pk}/c/c.mp4"]
    keys.append(f"uploads/{user.pk}0/d/d.mp4")
    client.force_login(get_user_model().objects.create_superuser("root"))
    for key in keys:
        found = orphan(key, Kind.MULTIPART, f"id of {key[-5]}")
        assert client.post(f"/admin/uploads/orphan/{found.pk}/abort/").status_code == 302
    Orphan.objects.all().delete()
    log = LogEntry.objects.order_by("pk")
    names = [entry.object_repr for entry in log]
    assert names[0] == f"demo-bucket/uploads/{user.pk}/Holiday of Ann/ id of a"
    assert "  2 entries of the admin's log" in erase("ann", "--dry-run")
    assert [entry.object_repr for entry in log.all()] == names
    assert "  2 entries of the admin's log" in erase("ann")
    assert [entry.object_repr for entry in log.all()] == ["", "", *names[2:]]
    assert {(entry.user.get_username(), entry.change_message) for entry in log.all()} == {("root", "Aborted at OSS.")}
    assert "  0 entries of the admin's log" in erase("ann")


def test_searches_of_earlier_exports_are_taken_out_of_the_log(user: Any, other_user: Any) -> None:
    shown = {"user": other_user, "content_type": ContentType.objects.get_for_model(Upload), "action_flag": 2}
    before = ["q=ann&state__exact=completed&q=again", "*", "q, state__exact", "owner__username=ann", "q=" + "x" * 198]
    for query in before:
        LogEntry.objects.create(object_repr=query, change_message="Exported the list.", **shown)
    LogEntry.objects.create(object_repr="demo-bucket: a=b", change_message="Aborted at OSS.", **shown)
    assert "  3 entries of the admin's log" in erase("ann", "--dry-run")
    assert "  3 entries of the admin's log" in erase("ann")
    left = ["q, state__exact", "*", "q, state__exact", "owner__username", "q", "demo-bucket: a=b"]
    assert [entry.object_repr for entry in LogEntry.objects.order_by("pk")] == left
    assert "  0 entries of the admin's log" in erase("ann")


def test_it_fails_until_oss_has_removed_everything(
    begin: Begin,
    oss: OssClient,
    user: Any,
    unreachable: Any,  # noqa: F811
) -> None:
    upload, identifier = completed(begin), str(user.pk)
    for _ in range(2):
        with pytest.raises(CommandError, match="1 objects may still be at OSS"):
            erase("ann")
    user.delete()
    with pytest.raises(CommandError, match="1 objects may still be at OSS"):
        erase("--id", identifier)
    with pytest.raises(CommandError, match="no user 'ann'"):
        erase("ann")
    unreachable()
    assert "1 objects" in erase("--id", identifier)
    assert not holds(oss, upload)
    sweep_later(24 * 60)
    assert not ObjectRemoval.objects.exclude(owner="", key="").exists()


def test_a_dry_run_counts_more_uploads_than_one_query_may_name(begin: Begin, user: Any) -> None:
    upload, number = begin(1000), 250
    Upload.objects.bulk_create(
        [Upload(owner=user, destination="default", part_size=1, expires_at=upload.expires_at) for _ in range(number)]
    )
    log = apps.get_model("admin", "LogEntry").objects
    shown = {"user": user, "content_type": ContentType.objects.get_for_model(Upload), "action_flag": 2}
    for pk in Upload.objects.values_list("pk", flat=True):
        log.create(object_id=str(pk), object_repr="film.mp4", **shown)
    with few_variables():
        foreseen = erase("ann", "--dry-run")
    assert f"{number + 1} uploads" in foreseen
    assert f"{number + 1} entries" in foreseen


@contextmanager
def few_variables() -> Iterator[None]:
    """As in a SQLite that was built with another limit, or with many more uploads. Other databases have none."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    before = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 150)
    try:
        yield
    finally:
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


@pytest.mark.parametrize("arguments", [[], ["ann", "--id", "1"], ["nobody"], ["--id", "x"]])
def test_the_user_must_be_named(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        erase(*arguments)


def test_a_row_that_the_project_refers_to_loses_everything_of_the_user(
    begin: Begin,
    oss: OssClient,
    user: Any,
    film: Any,  # noqa: F811
) -> None:
    upload, other = completed(begin), completed(begin)
    film.objects.create(file=upload)
    for said in (erase("ann", "--dry-run"), erase("ann")):
        assert "  1 uploads, with" in said
        assert "  1 uploads that other tables protect" in said
        assert "rows of" not in said
    kept = Upload.objects.get()
    assert kept.pk == upload.pk
    assert (kept.owner, kept.state, kept.filename, kept.key, kept.location) == (None, "deleted", "", "", "")
    assert not holds(oss, upload)
    assert not holds(oss, other)


def test_rows_of_the_project_that_are_deleted_with_the_uploads_are_counted(
    begin: Begin, oss: OssClient, user: Any
) -> None:
    with model_of_the_project(models.CASCADE) as model:
        for upload in (completed(begin), completed(begin)):
            model.objects.create(file=upload)
        foreseen = erase("ann", "--dry-run")
        assert model.objects.count() == 2
        for said in (foreseen, erase("ann")):
            assert "  2 uploads, with" in said
            assert "  2 rows of uploads.Film, deleted with the uploads that they refer to" in said
        assert not model.objects.exists()


def test_a_row_that_is_kept_and_completed_meanwhile_loses_its_object(
    begin: Begin,
    oss: OssClient,
    user: Any,
    film: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = begin(1000)
    send(upload)
    film.objects.create(file=upload)
    erase_uploads = erasure._erase_uploads

    def complete_first(batch: Any, erased: Any) -> None:
        """After the batch was read."""
        services.complete(Upload.objects.get(pk=upload.pk))
        assert holds(oss, upload)
        erase_uploads(batch, erased)

    monkeypatch.setattr(erasure, "_erase_uploads", complete_first)
    erase("ann")
    kept = Upload.objects.get()
    assert (kept.owner, kept.state, kept.key) == (None, "deleted", "")
    assert not holds(oss, upload)
    assert list(kept.events.values_list("name", flat=True))[-1] == "delete"
