"""What ends is released: repeated until OSS holds nothing, and ended in words where OSS keeps refusing."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from tests.django_fixtures import Begin, Place
from tests.services.test_services import send
from tests.services.test_sweep import SIZE, gone, past, run
from uploads import services
from uploads.domain.errors import StorageBusy, StorageRefused
from uploads.domain.states import Event, State
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Upload as AtOss
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import Denied, NotFound, Unreachable
from uploads.oss.signing import OssRequest

pytestmark = pytest.mark.django_db

# Aborted until nothing is left


def arrives_late(server: LocalServer, upload: Upload) -> None:
    """As OSS stores a part that was on its way when the upload was aborted: the upload is there again."""
    store = Store(server.root)
    store.uploads.create(AtOss(upload.upload_id, upload.bucket, upload.key, 0))
    store.close()


@pytest.mark.parametrize(("late_parts", "released"), [(1, True), (2, True), (3, False)])
def test_an_abort_is_repeated_while_parts_arrive(
    begin: Begin, oss: OssClient, oss_server: LocalServer, monkeypatch: Any, late_parts: int, released: bool
) -> None:
    upload, calls, real = begin(SIZE), [], OssClient.abort

    def abort(self: OssClient, *where: str) -> None:
        real(self, *where)
        calls.append(where)
        if len(calls) <= late_parts:
            arrives_late(oss_server, upload)

    monkeypatch.setattr(OssClient, "abort", abort)
    if released:
        services.abort(upload)
    else:
        with pytest.raises(StorageBusy, match="removed later"):
            services.abort(upload)
        assert (upload.state, upload.released_at) == ("aborted", None)
        past(upload, updated_at=timedelta(minutes=11))
        assert run() == "1 released"
    assert len(calls) == late_parts + 1
    assert gone(oss, upload)


def test_an_aborted_upload_is_looked_at_again_when_its_signatures_have_expired(
    begin: Begin, oss: OssClient, oss_server: LocalServer
) -> None:
    upload = begin(SIZE)
    services.abort(upload)
    assert upload.look_again_at > timezone.now() + timedelta(minutes=15)
    arrives_late(oss_server, upload)
    assert run() == "Nothing to do.", "a URL that was signed before may still be used"
    past(upload, updated_at=timedelta(minutes=30), look_again_at=timedelta(seconds=1))
    assert run() == "1 released"
    assert gone(oss, upload)
    assert run() == "Nothing to do."


def test_a_part_that_arrives_while_a_slow_abort_is_recorded_is_removed(
    begin: Begin, oss: OssClient, oss_server: LocalServer, monkeypatch: Any
) -> None:
    """The worker stood still between OSS's answer and the record, until all signatures had expired."""
    upload, real, now = begin(SIZE), OssClient.list_parts, timezone.now

    def list_parts(self: OssClient, *where: str) -> Any:
        try:
            return real(self, *where)
        finally:
            arrives_late(oss_server, upload)
            monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(minutes=30))
            monkeypatch.setattr(OssClient, "list_parts", real)

    monkeypatch.setattr(OssClient, "list_parts", list_parts)
    services.abort(upload)
    assert run() == "1 released"
    assert gone(oss, upload)


def test_an_object_that_a_put_wrote_after_the_abort_is_removed(begin: Begin, oss: OssClient, place: Place) -> None:
    """Objects that temporary credentials wrote: see test_expired_credentials.py."""
    place(tagging={"team": "a"})
    upload = begin(5)
    services.abort(upload)
    oss.put_object(upload.bucket, upload.key, b"x")
    past(upload, updated_at=timedelta(hours=2), look_again_at=timedelta(seconds=1))
    assert run() == "1 released"
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)


# What OSS keeps refusing


def attempts(upload: Upload) -> list[float]:
    """Sweeps until nothing is due any more: the pauses between them in minutes."""
    pauses = []
    for _ in range(30):
        last, before = run(), timezone.now()
        upload.refresh_from_db()
        if upload.claimed_until is None:
            assert last.endswith("1 ended"), last
            assert run() == "Nothing to do."
            return pauses
        pauses.append(round((upload.claimed_until - before).total_seconds() / 60))
        past(upload, claimed_until=timedelta(seconds=1))
    raise AssertionError("The sweep repeats for ever.")


PAUSES = [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440]


@pytest.mark.parametrize("state", [State.UPLOADING, State.COMPLETING, State.ABORTED])
def test_a_deleted_bucket_ends_in_words(begin: Begin, place: Any, oss: OssClient, state: State) -> None:
    bucket = f"gone-{secrets.token_hex(4)}"
    oss.call("PutBucket", OssRequest("PUT", bucket))
    place(bucket=bucket)
    upload = begin(SIZE)
    oss.abort(bucket, upload.key, upload.upload_id)
    oss.call("DeleteBucket", OssRequest("DELETE", bucket))
    if state == State.COMPLETING:
        assert Upload.objects.advance(upload, Event.COMPLETE, expected=None)
    if state == State.ABORTED:
        with pytest.raises(StorageRefused, match="bucket does not exist"):
            services.abort(upload)
    past(upload, updated_at=timedelta(minutes=11), expires_at=timedelta(minutes=1))
    assert attempts(upload) == (PAUSES[1:] if state == State.ABORTED else PAUSES), "the user's attempt counts, too"
    assert upload.state == (State.ABORTED if state == State.ABORTED else State.FAILED)
    reason = upload.sweep_error if state == State.ABORTED else upload.error
    assert "bucket does not exist" in reason["detail"]
    assert upload.released_at is None, "OSS has not confirmed it"


def test_a_deleted_key_pair_ends_in_words_and_the_right_one_still_releases(
    begin: Begin, settings: Any, oss: OssClient
) -> None:
    upload, sound = begin(SIZE), settings.UPLOADS
    settings.UPLOADS = {**sound, "OSS_ACCESS_KEY_ID": "deleted"}
    with pytest.raises(StorageRefused):
        services.abort(upload)
    past(upload, updated_at=timedelta(minutes=11))
    assert attempts(upload) == PAUSES[1:]
    assert "OSS_ACCESS_KEY_ID" in upload.sweep_error["detail"]
    settings.UPLOADS = sound
    services.abort(upload)
    assert upload.released_at
    assert gone(oss, upload)


@pytest.mark.parametrize(
    ("state", "end"), [(State.UPLOADING, "1 adopted"), (State.COMPLETING, "1 settled")], ids=["uploading", "completing"]
)
def test_a_whole_file_waits_until_oss_lets_the_site_look_at_it(
    begin: Begin, oss: OssClient, monkeypatch: Any, state: State, end: str
) -> None:
    """The account owes money, or its key or policy was changed: for longer than refusals are repeated."""
    upload = begin(5)
    send(upload)
    if state == State.COMPLETING:
        assert Upload.objects.advance(upload, Event.COMPLETE, expected=None)
    past(upload, updated_at=timedelta(minutes=11), expires_at=timedelta(minutes=1))

    def denied(*_: Any, **__: Any) -> None:
        raise Denied("The user is disabled.", status=403, code="UserDisable")

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "head", denied)
        for _ in range(2 * len(PAUSES)):
            assert run().endswith("1 failed")
            past(upload, claimed_until=timedelta(seconds=1))
    assert upload.state == state
    assert "owes money" in upload.sweep_error["detail"], "the admin shows it"
    assert run() == end
    upload.refresh_from_db()
    assert (upload.state, upload.attempts, upload.sweep_error) == (State.COMPLETED, 0, None)
    assert oss.head(upload.bucket, upload.key).etag == upload.etag


def test_while_oss_does_not_answer_there_is_a_next_attempt(
    begin: Begin, settings: Any, oss: OssClient, monkeypatch: Any
) -> None:
    upload = begin(SIZE)

    def silent(*_: Any, **__: Any) -> None:
        raise Unreachable("OSS did not answer.", sent=False)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "abort", silent)
        with pytest.raises(StorageBusy):
            services.abort(upload)
        past(upload, updated_at=timedelta(minutes=11))
        for _ in range(20):
            assert run().endswith("1 failed")
            past(upload, claimed_until=timedelta(seconds=1))
    assert run() == "1 released"
    upload.refresh_from_db()
    assert (upload.attempts, upload.sweep_error) == (0, None)


def test_a_row_that_is_deleted_during_the_sweep_does_not_end_it(
    begin: Begin, user: Any, monkeypatch: Any, settings: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "delete"}
    past(begin(SIZE), expires_at=timedelta(seconds=1))
    real = OssClient.head

    def head(self: OssClient, *where: Any, **named: Any) -> Any:
        get_user_model().objects.filter(pk=user.pk).delete()
        return real(self, *where, **named)

    monkeypatch.setattr(OssClient, "head", head)
    assert run().endswith("1 skipped")
