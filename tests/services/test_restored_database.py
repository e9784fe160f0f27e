"""The database is restored an hour old while OSS went on: nothing is lost, nothing is there twice, nothing is false."""

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.django_fixtures import Begin
from tests.services.test_services import content_of, send
from tests.services.test_sweep import past
from tests.services.test_sweep import run as sweep
from tests.stack import ROOT, client_for, wait_until
from uploads import services
from uploads.domain.errors import ObjectMismatch
from uploads.domain.staging import Stage
from uploads.domain.states import Event, State
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import ObjectRemoval, Part, PrefixCredentials, Upload, UploadEvent
from uploads.oss.client import OssClient
from uploads.oss.crc64 import crc64
from uploads.oss.errors import NotFound
from uploads.oss.signing import OssRequest
from uploads.oss.transport import Transport
from uploads.services import ClientReport
from uploads.services.lost_rows import BACK
from uploads.services.transactions import oss_client

pytestmark = pytest.mark.django_db
SIZE = 9_000_000
MODELS = (Upload, Part, UploadEvent, PrefixCredentials, ObjectRemoval)
Restore = Callable[[], None]


@pytest.fixture(scope="module")
def own_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture(autouse=True)
def server(own_server: LocalServer, oss: OssClient, settings: Any) -> LocalServer:
    """An OSS that is empty: every object that it holds is accounted for."""
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": own_server.url}
    with client_for(own_server) as client:
        for key in [key for page in client.list_objects(own_server.bucket, "") for key in page.keys]:
            client.delete_object(own_server.bucket, key)
        for held in list(client.all_uploads(own_server.bucket)):
            client.abort(own_server.bucket, held.key, held.upload_id)
    return own_server


@pytest.fixture
def backup() -> Callable[[], Restore]:
    """Take a backup of the app's rows. What it returns puts them back, as a restored dump does: without signals."""

    def take() -> Restore:
        rows = {model: list(model.objects.all()) for model in MODELS}

        def restore() -> None:
            for model in reversed(MODELS):
                model.objects.all()._raw_delete("default")
            for model in MODELS:
                model.objects.bulk_create(rows[model])

        return restore

    return take


def reconcile(*arguments: str) -> list[str]:
    """The lines that the command prints; the last is the summary."""
    out = StringIO()
    call_command("reconcile_uploads", *arguments, stdout=out)
    return out.getvalue().strip().splitlines()


def state_of(upload: Upload) -> str:
    return Upload.objects.get(pk=upload.pk).state


def holds(upload: Upload) -> bool:
    try:
        oss_client(upload).head(upload.bucket, upload.key)
    except NotFound:
        return False
    return True


def bytes_of(upload: Upload) -> bytes:
    return oss_client(upload).get_range(upload.bucket, upload.key, 0, upload.size or 0, upload.etag)


def done(begin: Begin, size: int = SIZE, **values: Any) -> Upload:
    upload = begin(size, **values)
    send(upload)
    return services.complete(upload)


def deleted(upload: Upload) -> None:
    services.delete_object(upload)
    list(services.sweep())
    assert not holds(upload)


def as_in_the_manual() -> None:
    """The commands of docs/operations.md, "Restoring the database"."""
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Restoring the database")[2]
    commands = re.findall(r"^ +python manage.py (.+)$", section.partition("\n## ")[0], re.MULTILINE)
    assert [command.split()[0] for command in commands].count("reconcile_uploads") == 2
    for command in commands:
        call_command(*command.split(), stdout=StringIO())


@pytest.mark.parametrize("size", [SIZE, 5])
def test_what_was_completed_since_is_completed_again(begin: Begin, backup: Callable[[], Restore], size: int) -> None:
    upload = begin(size)
    restore = backup()
    send(upload)
    services.complete(upload)
    restore()
    assert state_of(upload) == State.UPLOADING
    assert reconcile("--dry-run")[-1] == "1 would be completed"
    assert state_of(upload) == State.UPLOADING
    assert reconcile()[-1] == "1 completed"
    again = Upload.objects.get(pk=upload.pk)
    assert (again.state, again.etag, again.crc64) == (State.COMPLETED, upload.etag, upload.crc64)
    assert bytes_of(again) == content_of(again)
    assert [event.name for event in again.events.all()] == ["begin", "complete", "finish"]
    assert reconcile() == ["Nothing to do."]


def gets_an_acl(upload: Upload) -> None:
    request = OssRequest("PUT", upload.bucket, upload.key, [("acl", "")], {"x-oss-object-acl": "public-read"})
    oss_client(upload).call("PutObjectACL", request)


def gets_tags(upload: Upload) -> None:
    body = b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    oss_client(upload).call("PutObjectTagging", OssRequest("PUT", upload.bucket, upload.key, [("tagging", "")]), body)


def gets(header: str, value: str) -> Callable[[Upload], None]:
    """A copy to itself keeps the bytes. A lifecycle rule changes the class without one."""
    headers = {"Content-Type": "video/mp4"} | {header: value}

    def copied(upload: Upload) -> None:
        client, place = oss_client(upload), (upload.bucket, upload.key)
        client.copy_object(*place, place, client.head(*place).etag, headers)

    return copied


CHANGES = {
    "x-oss-object-acl: default expected, public-read at OSS": gets_an_acl,
    "x-oss-tagging-count: 0 expected, 1 at OSS": gets_tags,
    "x-oss-storage-class: Standard expected, IA at OSS": gets("x-oss-storage-class", "IA"),
    "cache-control: none expected, no-cache at OSS": gets("Cache-Control", "no-cache"),
    "content-type: video/mp4 expected, video/webm at OSS": gets("Content-Type", "video/webm"),
}
VIDEOS = {"DESTINATIONS": {"default": {"content_types": ["video/*"]}}}


@pytest.mark.parametrize("size", [SIZE, 5])
@pytest.mark.parametrize("told", CHANGES)
def test_what_the_site_or_a_lifecycle_rule_changed_since_is_completed_and_told(
    begin: Begin, backup: Callable[[], Restore], settings: Any, told: str, size: int
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, **VIDEOS}
    upload = begin(size)
    past(upload, expires_at=timedelta(seconds=1))
    restore = backup()
    send(upload)
    services.complete(upload)
    CHANGES[told](upload)
    restore()
    assert reconcile("--dry-run") == [f"would be completed: {upload.key} ({told})", "1 would be completed"]
    assert reconcile() == [f"completed: {upload.key} ({told})", "1 completed"]
    assert sweep() == "Nothing to do."
    again = Upload.objects.get(pk=upload.pk)
    assert (again.state, bytes_of(again)) == (State.COMPLETED, content_of(again))


def is_appended(upload: Upload) -> None:
    content = bytes_of(upload)
    oss_client(upload).delete_object(upload.bucket, upload.key)
    query = [("append", ""), ("position", "0")]
    request = OssRequest("POST", upload.bucket, upload.key, query, {"Content-Type": "video/mp4"})
    oss_client(upload).call("AppendObject", request, content)


@pytest.mark.parametrize(
    ("rules", "change"),
    [
        ({"content_types": ["video/*"]}, gets("Content-Type", "text/html")),
        ({"content_disposition": "attachment"}, gets("Content-Disposition", "inline")),
        ({}, is_appended),
    ],
    ids=["type", "disposition", "kind"],
)
def test_an_object_that_the_destination_forbids_is_neither_completed_nor_deleted(
    begin: Begin, backup: Callable[[], Restore], settings: Any, rules: dict[str, Any], change: Callable[[Upload], None]
) -> None:
    """A user may have made it, as well as the site: the backup does not tell. The operator has until it expires."""
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": rules}}
    upload = begin(5)
    past(upload, expires_at=timedelta(seconds=1))
    restore = backup()
    send(upload)
    services.complete(upload)
    change(upload)
    restore()
    for arguments in (["--dry-run"], []):
        (line, summary) = reconcile(*arguments)
        assert summary == "1 differs"
        assert line.startswith(f"differs: {upload.key} (The destination forbids such an object; neither was changed: ")
    assert sweep() == "Nothing to do."
    assert (state_of(upload), holds(upload)) == (State.UPLOADING, True)
    by_the_sweep(upload)
    assert (state_of(upload), holds(upload)) == (State.FAILED, False)


def test_nobody_else_accepts_an_object_that_was_changed(begin: Begin, backup: Callable[[], Restore]) -> None:
    upload = begin(5)
    restore = backup()
    send(upload)
    gets_an_acl(upload)
    restore()
    with pytest.raises(ObjectMismatch, match="x-oss-object-acl: default expected, public-read at OSS"):
        services.complete(Upload.objects.get(pk=upload.pk), object_confirmed=True)


def test_an_object_of_another_size_is_not_deleted_by_the_next_command(
    begin: Begin, backup: Callable[[], Restore]
) -> None:
    upload = begin(5)
    past(upload, expires_at=timedelta(seconds=1))
    restore = backup()
    send(upload)
    services.complete(upload)
    oss_client(upload).delete_object(upload.bucket, upload.key)
    oss_client(upload).put_object(upload.bucket, upload.key, b"converted since")
    restore()
    (line, _) = reconcile()
    assert line == f"differs: {upload.key} (The object has another size than the upload; neither was changed.)"
    assert sweep() == "Nothing to do."
    assert holds(upload)


def test_what_was_being_completed_at_the_backup(begin: Begin, backup: Callable[[], Restore]) -> None:
    upload = begin(SIZE)
    send(upload)
    at_oss = oss_client(upload).list_parts(upload.bucket, upload.key, upload.upload_id)
    assert Upload.objects.advance(upload, Event.COMPLETE)
    restore = backup()
    oss_client(upload).complete(upload.bucket, upload.key, upload.upload_id, at_oss)
    restore()
    assert reconcile()[-1] == "1 completed"
    assert state_of(upload) == State.COMPLETED


def test_what_was_aborted_since_ends_and_says_why(begin: Begin, backup: Callable[[], Restore]) -> None:
    upload = begin(SIZE)
    restore = backup()
    services.abort(upload)
    restore()
    (line, _) = reconcile()
    assert line.startswith(f"ended: {upload.key}")
    again = Upload.objects.get(pk=upload.pk)
    assert (again.state, again.error["code"]) == (State.FAILED, "upload_gone")
    assert reconcile() == ["Nothing to do."]


def test_what_is_being_sent_is_not_aborted_by_the_sweep(begin: Begin, backup: Callable[[], Restore]) -> None:
    """Its expiry in the backup has passed, because the site was down for longer than that."""
    upload, single = begin(SIZE), begin(5)
    for each in (upload, single):
        past(each, expires_at=timedelta(seconds=1))
    restore = backup()
    send(upload, 1)
    restore()
    assert reconcile()[-1] == "2 extended"
    assert sweep() == "Nothing to do."
    send(upload, 2)
    assert services.complete(upload).state == State.COMPLETED


def test_a_completed_row_without_an_object_says_so(begin: Begin, backup: Callable[[], Restore]) -> None:
    gone, kept = done(begin), done(begin, 5)
    restore = backup()
    deleted(gone)
    restore()
    assert state_of(gone) == State.COMPLETED
    assert reconcile()[-1] == "1 object gone"
    again = Upload.objects.get(pk=gone.pk)
    assert (again.state, again.error["code"]) == (State.DELETED, "upload_gone")
    assert again.events.last().name == "delete"
    assert state_of(kept) == State.COMPLETED
    assert sweep() == "Nothing to do."
    assert holds(kept)


@pytest.mark.parametrize("lost", [False, True], ids=["by its user", "as OSS had lost its object"])
def test_the_object_of_a_deleted_upload_that_is_back_is_reported(
    begin: Begin, user: Any, django_capture_on_commit_callbacks: Callable[..., Any], lost: bool
) -> None:
    """It was undeleted in a bucket with versioning. Without its row, it is registered as any other."""
    upload = done(begin, 5)
    content = bytes_of(upload)
    if lost:
        oss_client(upload).delete_object(upload.bucket, upload.key)
        assert reconcile()[-1] == "1 object gone"
    else:
        deleted(upload)
    oss_client(upload).put_object(upload.bucket, upload.key, content, {"Content-Type": upload.content_type})
    if not lost:
        assert reconcile("--register") == ["Nothing to do."], "its removal is not done, and will remove it again"
        ObjectRemoval.objects.update(due_at=None, done_at=timezone.now(), key="")
    for arguments in ([], ["--dry-run"], ["--register"]):
        line, summary = reconcile(*arguments)
        assert line == f"object is back: {upload.key} ({BACK})"
        assert summary == "1 object is back"
    assert state_of(upload) == State.DELETED
    with django_capture_on_commit_callbacks(execute=True):
        Upload.objects.get().delete()
    sweep("--orphans")
    assert reconcile("--register")[-1] == "1 registered"
    again = Upload.objects.get()
    assert (again.pk, again.owner, again.state, bytes_of(again)) == (upload.pk, user, State.COMPLETED, content)
    assert sweep() == "Nothing to do."
    assert holds(again)


def test_another_object_at_the_key_of_a_deleted_upload_is_not_its_own(begin: Begin) -> None:
    upload = done(begin, 5)
    deleted(upload)
    ObjectRemoval.objects.update(due_at=None, done_at=timezone.now(), key="")
    oss_client(upload).put_object(upload.bucket, upload.key, b"other", {"Content-Type": upload.content_type})
    assert reconcile("--register") == ["Nothing to do."]


def test_an_object_whose_row_is_gone_is_reported_and_kept(begin: Begin, backup: Callable[[], Restore]) -> None:
    restore = backup()
    upload = done(begin)
    restore()
    (line, summary) = reconcile()
    assert (line.partition(" (")[0], summary) == (f"without a row: {upload.key}", "1 without a row")
    assert not Upload.objects.exists()
    sweep("--orphans")
    assert holds(upload)


@pytest.mark.parametrize("size", [SIZE, 5])
def test_it_is_registered_as_what_it_was(begin: Begin, backup: Callable[[], Restore], size: int) -> None:
    restore = backup()
    upload = done(begin, size, filename="Fünf Ä.mp4", metadata={"title": "x"})
    restore()
    assert reconcile("--register")[-1] == "1 registered"
    again = Upload.objects.get()
    same = ("pk", "owner_id", "key", "bucket", "size", "etag", "crc64", "state", "content_type", "metadata")
    assert [getattr(again, name) for name in same] == [getattr(upload, name) for name in same]
    assert again.filename == "Fünf Ä.mp4"
    assert [event.name for event in again.events.all()] == ["begin", "complete", "finish"]
    assert bytes_of(again) == content_of(again)
    assert reconcile("--register") == ["Nothing to do."]
    assert sweep() == "Nothing to do."
    deleted(again)


def test_an_object_that_names_nobody_is_reported_only(begin: Begin, backup: Callable[[], Restore], user: Any) -> None:
    owned, theirs = done(begin, 5), "uploads/backup of last year.tar"
    stranger = f"uploads/{user.pk + 1}/2026/11/22/{secrets.token_hex(16)}/a.bin"
    for key in (theirs, stranger):
        oss_client(owned).put_object(owned.bucket, key, b"x")
    lines = reconcile("--register")
    assert lines[-1] == "2 without a row"
    assert all("does not name a user" in line for line in lines[:-1])
    assert Upload.objects.get() == owned


def test_an_object_of_the_own_prefix_of_a_user(begin: Begin, backup: Callable[[], Restore], user: Any) -> None:
    """Its credentials were issued after the backup, so no sweep searches there."""
    upload = done(begin, 5)
    key = f"uploads/{user.pk}/holidays/sea.jpg"
    oss_client(upload).put_object(upload.bucket, key, b"sea", {"Content-Type": "image/jpeg"})
    assert reconcile("--register")[-1] == "1 registered"
    found = Upload.objects.exclude(pk=upload.pk).get()
    assert (found.owner, found.key, found.relative_path, found.is_registered) == (user, key, "holidays/sea.jpg", True)
    assert reconcile("--register") == ["Nothing to do."]


@pytest.mark.parametrize("before", [{"content_disposition": "attachment"}, {}], ids=["name", "younger option"])
def test_the_search_of_a_prefix_keeps_what_was_registered_again(
    begin: Begin, backup: Callable[[], Restore], user: Any, server: LocalServer, settings: Any, before: dict[str, Any]
) -> None:
    """The row has the name in the key, in which some characters are replaced, and the options of today."""
    cache.clear()
    rules = {"credentials": "prefix", **before}
    common = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": server.url}
    settings.UPLOADS = {**common, "DESTINATIONS": {"default": rules}}
    services.issue_prefix_credentials(user, "default")
    restore = backup()
    upload = done(begin, 5, filename="Was ist das?.mp4")
    settings.UPLOADS = {**common, "DESTINATIONS": {"default": {**rules, "content_disposition": "attachment"}}}
    restore()
    assert reconcile("--register")[-1].startswith("1 ")
    assert list(services.sweep()) == []
    assert (state_of(upload), holds(upload)) == ("completed", True)


@pytest.fixture
def stored(user: Any, server: LocalServer, settings: Any) -> Callable[[str], str]:
    """Stores an object of the user, who holds credentials for the prefix `uploads/<id>/`. Returns its key.

    Its destination takes images of at most 3 bytes, and 7 bytes in a day.
    """
    cache.clear()
    rules = {"credentials": "prefix", "content_types": ["image/*"], "max_size": 3, "max_bytes_per_user_per_day": 7}
    common = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": server.url}
    settings.UPLOADS = {**common, "DESTINATIONS": {"default": rules}}
    issued = services.issue_prefix_credentials(user, "default")

    def store(name: str, content: bytes = b"sea", **headers: str) -> str:
        headers = {"Content-Type": "image/jpeg", **headers}
        with client_for(server) as client:
            client.put_object(issued.bucket, f"{issued.prefix}{name}", content, headers)
        return f"{issued.prefix}{name}"

    return store


def told(what: str, *arguments: str) -> set[str]:
    """The keys of the objects of which the command says this."""
    lines = [line.partition(": ") for line in reconcile(*arguments)]
    return {rest.partition(" (")[0] for said, _, rest in lines if said == what}


def test_what_the_next_sweep_deletes_is_told(stored: Callable[..., str], user: Any, server: LocalServer) -> None:
    kept = stored("sea.jpg")
    broken = {
        stored("page", **{"Content-Type": "text/html"}),
        stored("large", b"12345678"),
        stored("public", **{"x-oss-object-acl": "public-read"}),
    }
    assert told("to be deleted", "--dry-run") == broken
    assert told("to be deleted") == broken
    assert told("without a row") == {kept}
    lines = reconcile()
    assert "text/html" in next(line for line in lines if "/page (" in line)
    assert "public-read at OSS" in next(line for line in lines if "/public (" in line)
    list(services.sweep())
    with client_for(server) as client:
        assert {key for page in client.list_objects(server.bucket, "") for key in page.keys} == {kept}


def test_what_gets_a_row_is_not_deleted_and_the_rest_is_told(stored: Callable[..., str], server: LocalServer) -> None:
    """The ACL is the site's to change, and the quota was kept when the object was stored."""
    public, page = stored("sea", **{"x-oss-object-acl": "public-read"}), stored("page", **{"Content-Type": "text/html"})
    assert told("to be deleted", "--register") == {page}
    list(services.sweep())
    with client_for(server) as client:
        assert {key for page in client.list_objects(server.bucket, "") for key in page.keys} == {public}


def test_objects_that_no_sweep_looks_at_are_only_reported(stored: Callable[..., str], user: Any) -> None:
    page = stored("page", **{"Content-Type": "text/html"})
    PrefixCredentials.objects.update(searched_until=timezone.now() + timedelta(hours=2))
    assert (told("to be deleted"), told("without a row")) == (set(), {page})


def test_what_an_erased_user_has_stored_is_told(stored: Callable[..., str], user: Any) -> None:
    key = stored("sea")
    PrefixCredentials.objects.update(remove_found=True)
    assert told("to be deleted") == {key}


def test_what_was_checked_before_the_loss_is_kept_as_in_the_manual(
    stored: Callable[..., str], server: LocalServer
) -> None:
    old = stored("old", **{"Content-Type": "text/html"})
    assert told("to be deleted") == {old}
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Restoring the database")[2]
    (command,) = re.findall(r'^python manage\.py shell -c "(.*)"$', section.partition("\n## ")[0], re.MULTILINE)
    loss = timezone.now() + timedelta(seconds=1)  # Objects have times in whole seconds.
    call_command("shell", command=command.replace("2026-11-23T09:40Z", loss.isoformat()), stdout=StringIO())
    wait_until(lambda: timezone.now() > loss + timedelta(seconds=1), "a time at which an object is younger")
    new = stored("new", **{"Content-Type": "text/html"})
    assert (told("to be deleted"), told("without a row")) == ({new}, {old})
    list(services.sweep())
    with client_for(server) as client:
        assert {key for page in client.list_objects(server.bucket, "") for key in page.keys} == {old}


def test_an_object_that_is_no_file_gets_no_row(begin: Begin, backup: Callable[[], Restore], user: Any) -> None:
    upload = done(begin, 5)
    query = [("append", ""), ("position", "0")]
    appended = OssRequest("POST", upload.bucket, f"uploads/{user.pk}/log.txt", query)
    oss_client(upload).call("AppendObject", appended, b"x")
    lines = reconcile("--register")
    assert lines[-1] == "1 without a row"
    assert "an appendable object" in lines[0]


def test_a_staged_file_that_had_passed_is_completed(begin: Begin, backup: Callable[[], Restore], settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"stage": True, "cache_control": "no-cache"}}}
    upload = begin(SIZE)
    restore = backup()
    send(upload)
    assert services.complete(upload).state == State.COMPLETED
    restore()
    assert reconcile()[-1] == "1 completed"
    again = Upload.objects.get(pk=upload.pk)
    assert (again.state, again.key, again.etag) == (State.COMPLETED, upload.final_key, upload.etag)
    assert bytes_of(again) == content_of(again)
    assert reconcile("--register") == ["Nothing to do."]


STAGED = {"DESTINATIONS": {"default": {"stage": True}}}


def in_a_batch(upload: Upload) -> Any:
    return services.complete_many([(Upload.objects.get(pk=upload.pk), ClientReport())])


def by_the_sweep(upload: Upload) -> None:
    past(Upload.objects.get(pk=upload.pk), updated_at=timedelta(days=9), expires_at=timedelta(seconds=1))
    sweep()


def alone(upload: Upload) -> Any:
    return services.complete(Upload.objects.get(pk=upload.pk))


def with_its_checksum(upload: Upload) -> Any:
    return services.complete(Upload.objects.get(pk=upload.pk), ClientReport(crc64=str(crc64(content_of(upload)))))


@pytest.mark.parametrize("ending", [alone, with_its_checksum, in_a_batch, by_the_sweep])
@pytest.mark.parametrize("size", [SIZE, 5])
def test_a_staged_file_that_had_passed_is_completed_by_whoever_comes_first(
    begin: Begin, backup: Callable[[], Restore], settings: Any, size: int, ending: Callable[[Upload], Any]
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, **STAGED}
    upload = begin(size)
    restore = backup()
    send(upload)
    services.complete(upload)
    restore()
    ending(upload)
    again = Upload.objects.get(pk=upload.pk)
    assert (again.state, again.key, again.crc64) == (State.COMPLETED, upload.final_key, upload.crc64)
    assert (again.location, again.stage) == (upload.location, "")
    assert bytes_of(again) == content_of(again)
    assert reconcile("--register") == ["Nothing to do."]


@pytest.mark.parametrize("stage", ["", Stage.CHECKING, Stage.COPYING])
def test_a_staged_file_that_was_claimed_or_checked_at_the_backup(
    begin: Begin, backup: Callable[[], Restore], settings: Any, stage: str
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, **STAGED}
    upload = begin(SIZE)
    send(upload)
    services.complete(upload)
    staged = {"etag": f"{upload.etag}-3", "size": str(SIZE), "crc64": upload.crc64}
    before = {"state": State.COMPLETING, "stage": stage, "key": upload.staging_key, "stage_claimed_until": None}
    expected = {"etag": staged["etag"], "crc64": staged["crc64"]}
    Upload.objects.update(**before, expected=expected, staged=staged if stage else None)
    assert services.complete(upload).state == State.COMPLETED
    assert (upload.key, bytes_of(upload)) == (upload.final_key, content_of(upload))


def by_reconcile(upload: Upload) -> None:
    assert reconcile()[-1] == "1 completed"


@pytest.mark.parametrize("late", [b"later", b"late, of another size"], ids=["same size", "other size"])
@pytest.mark.parametrize("ending", [by_reconcile, by_the_sweep, alone])
def test_a_form_that_was_used_again_after_the_copy_takes_nothing_from_the_published_file(
    begin: Begin, backup: Callable[[], Restore], settings: Any, late: bytes, ending: Callable[[Upload], Any]
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, **STAGED}
    upload = begin(5)
    restore = backup()
    send(upload)
    services.complete(upload)
    oss_client(upload).put_object(upload.bucket, upload.staging_key, late, {"Content-Type": "video/mp4"})
    restore()
    ending(upload)
    again = Upload.objects.get(pk=upload.pk)
    assert (again.state, again.key, again.etag) == (State.COMPLETED, upload.final_key, upload.etag)
    assert bytes_of(again) == content_of(again)
    sweep()
    assert holds(again)


@pytest.mark.parametrize("size", [SIZE, 5])
def test_an_abort_of_a_staged_file_that_had_passed_leaves_nothing(
    begin: Begin, backup: Callable[[], Restore], settings: Any, size: int
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, **STAGED}
    upload = begin(size)
    restore = backup()
    send(upload)
    services.complete(upload)
    restore()
    assert services.abort(Upload.objects.get(pk=upload.pk)).state == State.ABORTED
    sweep()
    assert not holds(upload)
    assert reconcile("--register") == ["Nothing to do."]


def test_another_file_than_the_staged_one_that_had_passed_is_refused(
    begin: Begin, backup: Callable[[], Restore], settings: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, **STAGED}
    upload = begin(5)
    restore = backup()
    send(upload)
    services.complete(upload)
    restore()
    with pytest.raises(ObjectMismatch):
        services.complete(Upload.objects.get(pk=upload.pk), ClientReport(crc64="7"))
    assert (state_of(upload), holds(upload)) == (State.FAILED, False)


def test_what_is_in_order_costs_one_request_for_a_thousand(
    begin: Begin, backup: Callable[[], Restore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OSS is asked for single objects only where its list does not confirm the row."""
    kept = [done(begin, size) for size in range(1, 8)]
    gone, other = done(begin, 8), done(begin, 9)
    restore = backup()
    deleted(gone)
    restore()
    oss_client(other).put_object(other.bucket, other.key, b"different")
    asked: list[str] = []
    call = Transport.call

    def counted(self: Transport, operation: str, request: OssRequest, **options: Any) -> Any:
        asked.append(f"{operation} {request.key}".strip())
        return call(self, operation, request, **options)

    monkeypatch.setattr(Transport, "call", counted)
    lines = reconcile("--register")
    assert lines[-1] == "1 differs, 1 object gone"
    assert sorted(asked) == sorted(["ListObjectsV2", f"HeadObject {gone.key}", f"HeadObject {other.key}"])
    assert {state_of(each) for each in (*kept, other)} == {State.COMPLETED}


def test_a_registered_object_is_asked_for_once(
    begin: Begin, backup: Callable[[], Restore], monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = backup()
    upload = done(begin, 5)
    restore()
    asked: list[str] = []
    head = OssClient.head

    def counted(self: OssClient, bucket: str, key: str, **options: Any) -> Any:
        asked.append(key)
        return head(self, bucket, key, **options)

    monkeypatch.setattr(OssClient, "head", counted)
    assert reconcile("--register")[-1] == "1 registered"
    assert asked == [upload.key]


def test_a_staged_file_without_a_row_is_not_published(
    begin: Begin, backup: Callable[[], Restore], settings: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"stage": True}}}
    restore = backup()
    upload = begin(5)
    send(upload)
    restore()
    (line, _) = reconcile("--register")
    assert line.startswith(f"without a row: {upload.staging_key} (A staged file")
    assert not Upload.objects.exists()


def test_without_an_answer_of_oss_nothing_changes(begin: Begin, backup: Callable[[], Restore], server: Any) -> None:
    restore = backup()
    uploads = [done(begin, 5), begin(SIZE)]
    restore()
    Upload.objects.bulk_create(uploads)
    before = list(Upload.objects.order_by("pk").values())
    server.kill()
    with pytest.raises(CommandError, match="could not be compared with OSS"):
        reconcile("--register")
    assert list(Upload.objects.order_by("pk").values()) == before
    server.start()


def test_an_abort_of_what_was_completed_since_leaves_nothing(begin: Begin, backup: Callable[[], Restore]) -> None:
    """Somebody was quicker than the command: then the object goes, as the row says."""
    upload = begin(SIZE)
    restore = backup()
    send(upload)
    services.complete(upload)
    restore()
    assert services.abort(Upload.objects.get(pk=upload.pk)).state == State.ABORTED
    assert not holds(upload)


def test_an_hour_of_everything(begin: Begin, backup: Callable[[], Restore], user: Any) -> None:
    """As the manual says, at once: each object has one row afterwards, and each completed row an object."""
    before = {name: begin(SIZE) for name in ("completed", "aborted", "open")} | {"kept": done(begin, 5)}
    before["deleted"] = done(begin)
    restore = backup()
    since = {"created": done(begin), "single": done(begin, 7), "unfinished": begin(SIZE)}
    send(before["completed"])
    services.complete(before["completed"])
    services.abort(before["aborted"])
    send(before["open"], 1)
    deleted(before["deleted"])
    restore()
    as_in_the_manual()
    expected = {"completed": "completed", "aborted": "failed", "open": "uploading", "kept": "completed",
                "deleted": "deleted", "created": "completed", "single": "completed"}  # fmt: skip
    assert {name: state_of(upload) for name, upload in (before | since).items() if name in expected} == expected
    _everything_is_accounted_for(before["kept"], {since["unfinished"].upload_id})
    rows = list(Upload.objects.values_list("pk", "state").order_by("pk"))
    as_in_the_manual()
    assert list(Upload.objects.values_list("pk", "state").order_by("pk")) == rows, "nothing is done twice"
    later = timezone.now() + timedelta(hours=25)
    assert [swept.detail for swept in services.sweep_orphans(now=later)] == [since["unfinished"].upload_id]
    send(before["open"], 2)
    assert services.complete(before["open"]).state == State.COMPLETED


def _everything_is_accounted_for(anywhere: Upload, orphans: set[str]) -> None:
    client = oss_client(anywhere)
    objects = {key for page in client.list_objects(anywhere.bucket, "") for key in page.keys}
    completed = Upload.objects.filter(state=State.COMPLETED)
    assert sorted(objects) == sorted(completed.values_list("key", flat=True))
    for upload in completed:
        assert bytes_of(upload) == content_of(upload)
    held = {each.upload_id for each in client.all_uploads(anywhere.bucket)}
    unfinished = Upload.objects.active().exclude(upload_id="").values_list("upload_id", flat=True)
    assert held == set(unfinished) | orphans
