"""The sweep: what it adopts, gives up, says again and throws out; and that many at once do nothing twice."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.django_fixtures import Begin, hold_prefix
from tests.services.test_services import send
from tests.stack import ROOT, deliver
from uploads import services
from uploads.domain.errors import WrongState
from uploads.domain.states import Event, State
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Upload as AtOss
from uploads.localoss.testing import LocalServer
from uploads.models import Method, Upload, UploadEvent, UploadQuerySet
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound, Unreachable
from uploads.oss.signing import PartRequest
from uploads.services import DonePart

pytestmark = pytest.mark.django_db
SIZE = 20_000_000


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("sweep_uploads", *arguments, stdout=out)
    return out.getvalue().strip()


def past(upload: Upload, **fields: datetime | timedelta) -> Upload:
    """As if so long ago."""
    values = {name: timezone.now() - ago if isinstance(ago, timedelta) else ago for name, ago in fields.items()}
    Upload.objects.filter(pk=upload.pk).update(**values)
    upload.refresh_from_db()
    return upload


@pytest.fixture
def stale(begin: Begin) -> Callable[..., Upload]:
    return lambda size=SIZE: past(begin(size), expires_at=timedelta(seconds=1))


def gone(oss: OssClient, upload: Upload) -> bool:
    try:
        oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    except NotFound:
        return True
    return False


def test_what_is_stale_is_given_up_and_nothing_else(stale: Callable[..., Upload], begin: Begin, oss: OssClient) -> None:
    old, fresh = stale(), begin(SIZE)
    assert run() == "1 aborted"
    old.refresh_from_db()
    fresh.refresh_from_db()
    assert (old.state, fresh.state) == ("aborted", "uploading")
    assert gone(oss, old)
    assert not gone(oss, fresh)
    assert old.events.last().actor is None
    assert run() == "Nothing to do."


def test_what_nobody_has_touched_for_long(begin: Begin) -> None:
    idle, busy = past(begin(SIZE), updated_at=timedelta(hours=13)), begin(SIZE)
    assert run() == "Nothing to do."
    assert run("--older-than", "12h") == "1 aborted"
    idle.refresh_from_db()
    busy.refresh_from_db()
    assert (idle.state, busy.state) == ("aborted", "uploading")


def test_without_verbosity_only_problems_are_printed(stale: Callable[..., Upload]) -> None:
    upload = stale()
    assert run("--verbosity", "0") == ""
    assert Upload.objects.get(pk=upload.pk).state == State.ABORTED


@pytest.mark.parametrize("size", [SIZE, 5])
def test_what_was_finished_unheard_is_adopted(stale: Callable[..., Upload], oss: OssClient, size: int) -> None:
    upload = stale(size)
    send(upload)
    past(upload, expires_at=timedelta(seconds=1))
    if size == SIZE:
        parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
        oss.complete(upload.bucket, upload.key, upload.upload_id, parts)
    assert run() == "1 adopted"
    upload.refresh_from_db()
    assert upload.state == State.COMPLETED
    assert oss.head(upload.bucket, upload.key).etag == upload.etag


def test_a_complete_whose_worker_died_is_settled(begin: Begin) -> None:
    upload = begin(SIZE)
    send(upload)
    assert Upload.objects.advance(upload, Event.COMPLETE, expected=None)
    assert run() == "Nothing to do.", "somebody may be at it"
    past(upload, updated_at=timedelta(minutes=11))
    assert run() == "1 settled"
    upload.refresh_from_db()
    assert upload.state == State.COMPLETED


def test_an_abort_that_oss_did_not_hear_is_said_again(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    assert Upload.objects.advance(upload, Event.ABORT)
    past(upload, updated_at=timedelta(minutes=11))
    assert run() == "1 released"
    assert gone(oss, upload)
    assert run() == "Nothing to do."


def test_a_form_used_after_the_abort_leaves_nothing(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    services.abort(upload)
    assert deliver(part, b"hello").status_code == 200, "its policy lives on for a while"
    assert run() == "Nothing to do."
    assert timezone.now() + timedelta(minutes=15) < upload.look_again_at
    past(upload, updated_at=timedelta(minutes=30), look_again_at=timedelta(minutes=5))
    assert run() == "1 released"
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)
    assert run() == "Nothing to do."


def test_a_dry_run_does_nothing(stale: Callable[..., Upload], oss: OssClient) -> None:
    upload = stale()
    assert upload.key in run("--dry-run")
    assert not gone(oss, upload)
    upload.refresh_from_db()
    assert (upload.state, upload.claimed_until) == ("uploading", None)


def test_one_that_fails_keeps_nobody_else_from_their_turn(
    stale: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = stale(), stale()
    real = OssClient.abort

    def abort(self: OssClient, bucket: str, key: str, upload_id: str) -> None:
        if key == bad.key:
            raise Unreachable("OSS did not answer.", sent=True)
        real(self, bucket, key, upload_id)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "abort", abort)
        told = run()
    assert "1 aborted, 1 failed" in told
    assert f"failed: {bad.key}" in told
    good.refresh_from_db()
    assert good.released_at
    assert run() == "Nothing to do.", "its claim has not run out"
    past(bad, claimed_until=timedelta(seconds=1), updated_at=timedelta(minutes=11))
    assert run() == "1 released"


def test_orphans_are_what_nobody_knows_under_our_prefixes(begin: Begin, oss: OssClient, monkeypatch: Any) -> None:
    known = begin(SIZE)
    elsewhere = oss.initiate("demo-bucket", "backups/a.bin")
    orphan = oss.initiate("demo-bucket", f"uploads/orphan-{secrets.token_hex(4)} ü.bin")
    assert orphan not in [swept.detail for swept in services.sweep_orphans()], "it is young: its row may yet come"
    later = timezone.now() + timedelta(hours=25)
    found = [swept.detail for swept in services.sweep_orphans(dry_run=True, now=later)]
    assert orphan in found
    assert known.upload_id not in found
    assert elsewhere not in found
    list(services.sweep_orphans(now=later))
    left = {held.upload_id for held in oss.all_uploads("demo-bucket")}
    assert {known.upload_id, elsewhere} <= left
    assert orphan not in left
    oss.abort("demo-bucket", "backups/a.bin", elsewhere)


# What is alive is left alone


def test_a_signature_and_a_checkpoint_move_the_expiry(begin: Begin, stale: Callable[..., Upload]) -> None:
    signed, checkpointed, untouched = stale(), stale(), stale()
    services.sign_parts(signed, [PartRequest(1)])
    services.record_parts(checkpointed, [DonePart(1, checkpointed.part_size)])
    assert run() == "1 aborted"
    for upload in (signed, checkpointed, untouched):
        upload.refresh_from_db()
    assert (signed.state, checkpointed.state, untouched.state) == ("uploading", "uploading", "aborted")
    for upload in (signed, checkpointed):
        assert timedelta(days=6, hours=23) < upload.expires_at - timezone.now() <= timedelta(days=7)


def test_an_upload_that_is_resumed_during_the_sweep_is_alive(stale: Callable[..., Upload], monkeypatch: Any) -> None:
    upload, real = stale(), OssClient.head

    def head(self: OssClient, *where: Any, **named: Any) -> Any:
        services.sign_parts(Upload.objects.get(pk=upload.pk), [PartRequest(1)])
        return real(self, *where, **named)

    monkeypatch.setattr(OssClient, "head", head)
    assert run().endswith("1 skipped")
    upload.refresh_from_db()
    assert (upload.state, upload.claimed_until) == ("uploading", None)


def test_an_upload_that_expired_long_ago_is_not_looked_at_again(
    stale: Callable[..., Upload], oss: OssClient, monkeypatch: Any
) -> None:
    """No signature is alive: when OSS has said that nothing is left, nobody has to look again."""
    long_ago, just_now = past(stale(), updated_at=timedelta(days=1)), stale()
    listed, real = [], OssClient.list_parts

    def list_parts(self: OssClient, bucket: str, key: str, upload_id: str) -> Any:
        listed.append(key)
        return real(self, bucket, key, upload_id)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "list_parts", list_parts)
        assert run() == "2 aborted"
    assert sorted(listed) == sorted([long_ago.key, just_now.key])
    for upload in (long_ago, just_now):
        upload.refresh_from_db()
        assert gone(oss, upload)
        assert upload.released_at
    assert long_ago.look_again_at is None
    assert just_now.look_again_at > timezone.now() + timedelta(minutes=15)


def test_an_owner_with_credentials_for_the_prefix_may_still_send_parts(stale: Callable[..., Upload], user: Any) -> None:
    upload = past(stale(), updated_at=timedelta(days=1))
    hold_prefix(user, upload.bucket, f"uploads/{secrets.token_hex(8)}/")
    assert run() == "1 aborted"
    upload.refresh_from_db()
    assert upload.look_again_at is not None
    assert upload.look_again_at > timezone.now() + timedelta(minutes=15)


def test_no_url_is_signed_for_an_upload_that_the_sweep_has_just_aborted(stale: Callable[..., Upload]) -> None:
    upload = stale()
    seen = Upload.objects.get(pk=upload.pk)
    assert run() == "1 aborted"
    with pytest.raises(WrongState):
        services.sign_parts(seen, [PartRequest(1)])


def test_an_upload_that_is_resumed_at_the_last_moment_is_alive(stale: Callable[..., Upload], monkeypatch: Any) -> None:
    """Between the question to OSS and the change of its state, which compares the expiry too."""
    upload, real = stale(), UploadQuerySet.advance_many

    def advance_many(self: UploadQuerySet, *arguments: Any, **named: Any) -> list[Upload]:
        if self.model.objects.filter(pk=upload.pk, expires_at__lt=timezone.now()).exists():
            services.sign_parts(Upload.objects.get(pk=upload.pk), [PartRequest(1)])
        return real(self, *arguments, **named)

    monkeypatch.setattr(UploadQuerySet, "advance_many", advance_many)
    assert run().endswith("1 skipped")
    upload.refresh_from_db()
    assert (upload.state, upload.claimed_until) == ("uploading", None)


def test_signing_writes_once_a_minute_at_most(begin: Begin, user: Any) -> None:
    def writes(number: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            services.sign_parts(upload, [PartRequest(number)], user=user)
        return sum(query["sql"].startswith("UPDATE") for query in captured)

    upload = begin(SIZE)
    assert writes(1) == 0
    past(upload, expires_at=upload.expires_at - timedelta(seconds=61))
    assert writes(1) > 0
    assert writes(2) == 0


def test_a_file_that_nobody_reported_is_found(begin: Begin) -> None:
    arrived, awaited = begin(None, in_one=True), begin(None, in_one=True)
    (part,) = services.sign_parts(arrived, [PartRequest(1)])
    deliver(part, b"hello")
    assert run() == "Nothing to do."
    for upload in (arrived, awaited):
        past(upload, updated_at=timedelta(minutes=11))
    assert run() == "1 adopted, 1 waiting"
    arrived.refresh_from_db()
    assert (arrived.state, arrived.size) == ("completed", 5)
    assert run() == "Nothing to do.", "after a pause it is looked for again"


@pytest.mark.parametrize("text", ["7", "d", "7w", "7 days", "9999999d"])
def test_times_have_a_form(text: str) -> None:
    with pytest.raises(CommandError, match="7d, 12h or 30m"):
        run("--older-than", text)


def test_a_storage_out_of_reach_is_one_line(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    with pytest.raises(CommandError, match="did not answer"):
        run("--orphans")


MANY = int(os.environ.get("SWEEP_UPLOADS") or 800)
"""`SWEEP_UPLOADS=20000` is the long form."""
CHILD_SECONDS = 3600


@pytest.mark.skipif(connection.vendor != "postgresql", reason="many writers at once, on PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_four_processes_do_nothing_twice(user: Any, tmp_path: Any, settings: Any) -> None:
    root, now = tmp_path / "oss", datetime.now(UTC)
    names = [secrets.token_hex(16).upper() for _ in range(MANY)]
    _open_at_oss(root, names, int(now.timestamp() * 1000))
    old = now - timedelta(days=1)
    Upload.objects.bulk_create(
        Upload(
            owner=user, destination="default", bucket="demo-bucket", key=f"uploads/{name}", upload_id=name,
            method=Method.MULTIPART, filename="a", content_type="a/b", size=SIZE, part_size=8 << 20, expires_at=old,
            updated_at=old,
        )
        for name in names
    )  # fmt: skip
    with LocalServer(root) as server:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "SWEEP_OSS": server.url,
            "SWEEP_DB": json.dumps(str(connection.settings_dict["NAME"])),
        }
        children = [
            subprocess.Popen([sys.executable, "-W", "ignore", "-m", "tests.sweeper"], cwd=ROOT, env=environment,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]  # fmt: skip
        assert [child.stdout.readline() for child in children if child.stdout] == ["ready\n"] * 4
        for child in children:
            assert child.stdin
            child.stdin.write("go\n")
            child.stdin.flush()
        reports = [json.loads(child.communicate(timeout=CHILD_SECONDS)[0]) for child in children]
        settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": server.url}
    assert [child.returncode for child in children] == [0] * 4
    told = [report["counts"] for report in reports]
    seconds = max(report["ended"] for report in reports) - min(report["began"] for report in reports)
    print(
        f"{MANY / seconds:.0f} uploads/s, {1000 * sum(report['cpu'] for report in reports) / MANY:.1f} ms of CPU each"
    )
    assert sum(each["aborted"] for each in told) == MANY
    assert sum(each["aborts at OSS"] for each in told) == MANY, "nothing was said twice"
    assert sum(each["aborted"] > 0 for each in told) > 1, "more than one had a share"
    assert {key for each in told for key in each} == {"aborted", "aborts at OSS"}
    assert UploadEvent.objects.filter(name="abort").count() == MANY
    assert not Upload.objects.exclude(state=State.ABORTED).exists()
    assert not Upload.objects.filter(released_at=None).exists()


def _open_at_oss(root: Any, names: list[str], at: int) -> None:
    """Straight into the server's store, before it starts."""
    with LocalServer(root):
        pass
    store = Store(root)
    store.prepare()
    for name in names:
        store.uploads.create(AtOss(name, "demo-bucket", f"uploads/{name}", at, {"content-type": "a/b"}))
    store.close()
