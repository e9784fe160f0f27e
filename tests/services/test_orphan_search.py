"""The search for orphans, the figures that the sweep counts, and the aborts of orphans that are repeated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.django_fixtures import Begin
from tests.services.test_orphans import begun, left, own_server, send_part, server
from tests.services.test_releases import arrives_late
from tests.services.test_services import send
from tests.services.test_sweep import run
from tests.stack import client_for
from uploads import services
from uploads.conf import settings as uploads_settings
from uploads.domain.errors import StorageRefused
from uploads.domain.phrase import Phrase
from uploads.localoss.store import Store
from uploads.localoss.testing import LocalServer
from uploads.models import Kind, Orphan, OrphanSearch, Upload, UploadCounts
from uploads.oss.client import OssClient
from uploads.services import orphan_search

pytestmark = pytest.mark.django_db
__all__ = ["own_server", "server"]


def searched(hours: int = 0) -> list[Orphan]:
    """The orphans after a sweep, so many hours from now."""
    list(services.sweep(now=timezone.now() + timedelta(hours=hours)))
    return list(Orphan.objects.held())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects cannot be older than the test: the search takes new ones, too."""
    monkeypatch.setattr(orphan_search, "ORPHAN_AGE", timedelta(hours=-1))


def test_a_multipart_upload_that_nobody_knows_is_found_with_its_bytes(server: LocalServer, later: None) -> None:
    upload = begun(server, "uploads/7/film.mp4", hours_ago=30)
    begun(server, "others/7/film.mp4", hours_ago=30)
    with client_for(server) as oss:
        send_part(oss, upload)
    (orphan,) = searched()
    assert (orphan.kind, orphan.key, orphan.bytes, orphan.destination) == ("multipart", upload.key, 1, "default")
    assert "film.mp4" not in str(orphan), "the administrators' log keeps no file name"


def test_what_is_young_or_busy_is_no_orphan(server: LocalServer) -> None:
    begun(server, "uploads/young", hours_ago=23)
    busy = begun(server, "uploads/busy", hours_ago=48)
    with client_for(server) as oss:
        send_part(oss, busy)
    assert searched() == []


def test_an_object_without_a_row_is_found_and_one_with_a_row_is_not(
    begin: Begin, oss: OssClient, later: None, settings: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"key": "searched/{uuid}/{filename}"}}}
    known = begin(5)
    send(known)
    services.complete(known)
    oss.put_object(known.bucket, "searched/lost.bin", b"lost!")
    (orphan,) = searched()
    assert (orphan.kind, orphan.key, orphan.bytes) == (Kind.OBJECT, "searched/lost.bin", 5)
    oss.delete_object(known.bucket, "searched/lost.bin")
    assert searched(hours=7) == [], "the next search does not find it any more"


def test_keys_that_no_row_can_hold_do_not_end_the_search(
    server: LocalServer, later: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses a text with NUL, also as the marker of the next page."""
    upload = begun(server, "uploads/8/film.mp4", hours_ago=30)
    begun(server, "uploads/7/a\0.mp4", hours_ago=30)
    with client_for(server) as oss:
        oss.put_object(server.bucket, "uploads/7/a\0.bin", b"x")
        oss.put_object(server.bucket, "uploads/9/b%00.bin", b"x")
    monkeypatch.setattr(orphan_search, "PAGE", 1)
    monkeypatch.setattr(orphan_search, "MAX_LIST_PAGE", 1)
    assert {orphan.key for orphan in searched()} == {upload.key, "uploads/9/b%00.bin"}


def test_objects_whose_rows_are_forgotten_on_purpose_are_no_orphans(
    oss: OssClient, later: None, settings: Any, db: None
) -> None:
    default = {"key": "forgotten/{uuid}/{filename}", "retention_days": 1}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": default}}
    oss.put_object("demo-bucket", "forgotten/a.bin", b"x")
    assert searched() == []


def test_a_search_is_continued_where_the_time_was_over(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphan_search, "PAGE", 2)
    monkeypatch.setattr(orphan_search, "SECONDS", 0.0)
    for number in range(5):
        begun(server, f"uploads/{number}", hours_ago=30)
    assert searched() == [], "no time"
    monkeypatch.setattr(orphan_search, "SECONDS", 60.0)
    real, steps = orphan_search._step, []

    def step(search: OrphanSearch, now: datetime) -> bool:
        if search.kind == Kind.MULTIPART and len(steps) == 2:
            raise StorageRefused(Phrase("refused"))
        steps.append(search.kind)
        return real(search, now)

    with monkeypatch.context() as patch:
        patch.setattr(orphan_search, "_step", step)
        list(orphan_search.search_orphans())
    assert Orphan.objects.count() == 4
    assert len(searched(hours=2)) == 5
    assert not OrphanSearch.objects.filter(ended_at=None).exists()


def test_a_refused_listing_is_recorded_and_does_not_stop_the_sweep(settings: Any, begin: Begin) -> None:
    begin(5)
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ACCESS_KEY_ID": "deleted"}
    assert "failed: uploads/" in run()
    assert all("OSS_ACCESS_KEY_ID" in search.error["detail"] for search in OrphanSearch.objects.all())
    assert run() == "Nothing to do.", "the next attempt follows after an hour"


def test_a_part_that_came_after_the_last_look_is_found_and_dropped(oss_server: LocalServer, begin: Begin) -> None:
    """The row says that OSS has dropped it."""
    upload = begin(20_000_000)
    services.abort(upload)
    Upload.objects.filter(pk=upload.pk).update(look_again_at=None)
    arrives_late(oss_server, upload)
    assert upload.upload_id in left(oss_server)
    searched()
    assert run() == "1 released"
    assert upload.upload_id not in left(oss_server)


def test_the_sweep_counts_what_is_held_by_destination_and_age(
    oss_server: LocalServer, begin: Begin, settings: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"key": "held/{uuid}/{filename}"}}}
    upload = begin(20_000_000)
    send(upload, 1)
    services.synchronize_parts(upload)
    upload.refresh_from_db()
    Upload.objects.filter(pk=upload.pk).update(created_at=timezone.now() - timedelta(days=10))
    begun(oss_server, "held/old", hours_ago=24 * 100)
    list(services.sweep())
    held, counted_at = UploadCounts.objects.latest_held()
    assert counted_at is not None
    assert list(held) == [
        {"kind": "unfinished", "destination": "default", "age": 2, "number": 1, "bytes": upload.bytes_done},
        {"kind": "multipart", "destination": "default", "age": 3, "number": 1, "bytes": 0},
    ]


def test_a_failed_abort_of_an_orphan_is_counted_and_repeated(
    server: LocalServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, sound = begun(server, "uploads/old", hours_ago=30), settings.UPLOADS
    orphan = services.orphan_of("demo-bucket", "default", upload.key, upload.id)
    settings.UPLOADS = {**sound, "OSS_ACCESS_KEY_ID": "deleted"}
    for _ in range(2):
        with pytest.raises(StorageRefused):
            services.abort_if_orphan(orphan)
    orphan.refresh_from_db()
    assert orphan.attempts == 2
    assert "OSS_ACCESS_KEY_ID" in orphan.error["detail"]
    settings.UPLOADS = sound
    assert upload.id in left(server)
    Orphan.objects.update(due_at=timezone.now())
    assert run() == "1 orphan"
    assert upload.id not in left(server)
    assert not Orphan.objects.held().exists()


def test_an_abort_that_is_repeated_leaves_what_got_a_part_since(server: LocalServer, settings: Any) -> None:
    """The first attempt did not reach OSS. A day later somebody sends the upload, or it is quiet."""
    upload, sound = begun(server, "uploads/old", hours_ago=30), settings.UPLOADS
    settings.UPLOADS = {**sound, "OSS_ACCESS_KEY_ID": "deleted"}
    with pytest.raises(StorageRefused):
        services.abort_if_orphan(services.orphan_of("demo-bucket", "default", upload.key, upload.id))
    settings.UPLOADS = sound
    with client_for(server) as oss:
        send_part(oss, upload)
    Orphan.objects.update(due_at=timezone.now())
    assert "skipped: uploads/old (OSS got a part of it in the last 24 hours" in run()
    assert upload.id in left(server)
    searched(hours=25)
    assert upload.id not in left(server)


def test_a_part_that_arrives_after_the_abort_is_dropped_however_young_it_is(server: LocalServer) -> None:
    upload = begun(server, "uploads/old", hours_ago=30)
    assert run("--orphans") == "1 orphan"
    store = Store(server.root)
    store.uploads.create(upload)
    store.close()
    with client_for(server) as oss:
        send_part(oss, upload)
    Orphan.objects.update(due_at=timezone.now())
    assert run() == "1 orphan"
    assert left(server) == set()


def test_an_aborted_orphan_is_looked_at_again_when_every_signature_has_expired(server: LocalServer) -> None:
    upload = begun(server, "uploads/old", hours_ago=30)
    assert run("--orphans") == "1 orphan"
    orphan = Orphan.objects.get()
    assert orphan.due_at - timezone.now() > timedelta(seconds=uploads_settings.destinations["default"].url_expires)
    store = Store(server.root)
    store.uploads.create(upload)
    store.close()
    assert upload.id in left(server)
    Orphan.objects.update(due_at=datetime.now(UTC))
    assert run() == "1 orphan"
    assert left(server) == set()
    assert not Orphan.objects.exists()
