"""Deletion: whatever deletes an upload, OSS loses its object, once, and nothing that belongs to another."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.utils import timezone

from tests.django_fixtures import Begin, Place, hold_prefix
from tests.services.test_completion import Killed, at_step, killed
from tests.services.test_services import send
from tests.stack import deliver
from uploads import services, signals
from uploads.domain.errors import NotFoundError, UploadError, WrongState
from uploads.domain.states import State
from uploads.models import ObjectRemoval, Outcome, PrefixCredentials, Reason, Upload, UploadEvent, UploadQuerySet
from uploads.models.removals import ObjectRemovalQuerySet
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound, Unreachable
from uploads.oss.signing import PartRequest
from uploads.services import deletion
from uploads.services.common import object_identity

pytestmark = pytest.mark.django_db(transaction=True)

SIZE = 9_000_000
"""Two parts."""
Delete = Callable[[Upload], object]


def owner_deleted(upload: Upload) -> None:
    assert upload.owner is not None
    upload.owner.delete()


def users_deleted(upload: Upload) -> None:
    get_user_model().objects.filter(pk=upload.owner_id).delete()


WAYS: dict[str, Delete] = {
    "service": services.delete_object,
    "instance": lambda upload: upload.delete(),
    "queryset": lambda upload: Upload.objects.filter(pk=upload.pk).delete(),
    "user": owner_deleted,
    "users": users_deleted,
}
"""Every way to delete a completed upload."""


@pytest.fixture(autouse=True)
def delete_with_owner(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "delete"}


def completed(begin: Begin, size: int = 1000) -> Upload:
    upload = begin(size)
    send(upload)
    return services.complete(upload)


def holds(oss: OssClient, upload: Upload) -> bool:
    try:
        oss.head(upload.bucket, upload.key)
    except NotFound:
        return False
    return True


def holds_parts(oss: OssClient, upload: Upload) -> bool:
    try:
        oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    except NotFound:
        return False
    return True


def sweep_later(minutes: float = 20) -> list[services.Swept]:
    return list(services.sweep(now=timezone.now() + timedelta(minutes=minutes)))


@pytest.fixture
def deletions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of all DeleteObject calls."""
    calls: list[str] = []
    real = OssClient.delete_object

    def delete_object(self: OssClient, bucket: str, key: str) -> None:
        assert not connection.in_atomic_block, "OSS was called inside a transaction"
        calls.append(key)
        real(self, bucket, key)

    monkeypatch.setattr(OssClient, "delete_object", delete_object)
    return calls


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """DeleteObject does not reach OSS. Call the fixture to let it through again."""
    with pytest.MonkeyPatch.context() as patch:

        def silent(*_: Any, **__: Any) -> None:
            raise Unreachable("no answer", sent=True)

        patch.setattr(OssClient, "delete_object", silent)
        yield patch.undo  # type: ignore[misc]


@contextmanager
def announced() -> Iterator[dict[str, list[Any]]]:
    """The ids of the uploads for which the signals of deleted and aborted uploads are sent."""
    heard: dict[str, list[Any]] = {"deleted": [], "aborted": []}

    def deleted(upload: Upload, **_: Any) -> None:
        heard["deleted"].append(upload.pk)

    def aborted(upload: Upload, **_: Any) -> None:
        heard["aborted"].append(upload.pk)

    signals.upload_deleted.connect(deleted)
    signals.upload_aborted.connect(aborted)
    try:
        yield heard
    finally:
        signals.upload_deleted.disconnect(deleted)
        signals.upload_aborted.disconnect(aborted)


# Every way


@pytest.mark.parametrize("delete", WAYS.values(), ids=WAYS)
def test_every_way_removes_the_object_once(begin: Begin, oss: OssClient, deletions: list[str], delete: Delete) -> None:
    upload, other = completed(begin, SIZE), completed(begin)
    key, bucket = upload.key, upload.bucket
    if delete in (owner_deleted, users_deleted):
        Upload.objects.filter(pk=other.pk).update(owner=get_user_model().objects.create_user("zoe"))
    delete(Upload.objects.get(pk=upload.pk))
    assert not holds(oss, Upload(bucket=bucket, key=key))
    assert holds(oss, other)
    assert deletions == [key]
    sweep_later()
    sweep_later(24 * 60)
    assert deletions == [key]
    (removal,) = ObjectRemoval.objects.all()
    assert (removal.outcome, removal.key, removal.owner) == (Outcome.REMOVED, "", "")
    assert removal.done_at is not None


@pytest.mark.parametrize("delete", WAYS.values(), ids=WAYS)
def test_while_oss_does_not_answer_the_removal_waits_for_the_sweep(
    begin: Begin, oss: OssClient, unreachable: Callable[[], None], delete: Delete
) -> None:
    upload = completed(begin)
    delete(Upload.objects.get(pk=upload.pk))
    assert holds(oss, upload)
    (removal,) = ObjectRemoval.objects.unremoved()
    assert (removal.upload, removal.key, removal.attempts) == (upload.pk, upload.key, 1)
    assert [swept.what for swept in services.sweep()] == [], "the pause was not waited for"
    assert [swept.what for swept in sweep_later()] == ["failed"]
    unreachable()
    assert "removed" in [swept.what for swept in sweep_later(24 * 60)]
    assert not holds(oss, upload)


def test_a_rolled_back_deletion_removes_nothing(begin: Begin, oss: OssClient, deletions: list[str]) -> None:
    upload = completed(begin)
    for delete in WAYS.values():
        with suppress(ZeroDivisionError), transaction.atomic():
            delete(Upload.objects.get(pk=upload.pk))
            assert deletions == []
            raise ZeroDivisionError
    assert (deletions, ObjectRemoval.objects.count(), holds(oss, upload)) == ([], 0, True)
    assert Upload.objects.get().state == State.COMPLETED


DELETION_STEPS: tuple[tuple[type, str], ...] = (
    (OssClient, "head"),
    (OssClient, "delete_object"),
    (UploadQuerySet, "advance_many"),
    (ObjectRemovalQuerySet, "bulk_create"),
    (ObjectRemovalQuerySet, "update"),
)
MOST_STEPS = 30


@pytest.mark.parametrize("name", ["service", "user"])
def test_a_deletion_that_is_killed_at_any_step_is_finished_by_the_sweep(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for step in range(MOST_STEPS):
        upload = of_new_user(completed(begin), step)
        with at_step(monkeypatch, step, killed, DELETION_STEPS) as passed, suppress(Killed):
            WAYS[name](upload)
        left = Upload.objects.filter(pk=upload.pk).first()
        if left is not None and left.state == State.COMPLETED:
            assert holds(oss, left), "the row says that there is an object"
            assert not ObjectRemoval.objects.pending().exists()
            left.delete()
        sweep_later(24 * 60)
        assert not holds(oss, upload)
        assert not ObjectRemoval.objects.pending().exists()
        if len(passed) <= step:
            assert step > 5
            return
    pytest.fail("the deletion has more steps than were tried")


def of_new_user(upload: Upload, number: int) -> Upload:
    Upload.objects.filter(pk=upload.pk).update(owner=get_user_model().objects.create_user(f"user {number}"))
    return Upload.objects.get(pk=upload.pk)


# Unfinished uploads


@pytest.mark.parametrize("delete", [WAYS["instance"], WAYS["queryset"], WAYS["user"]])
def test_an_unfinished_upload_is_aborted(begin: Begin, oss: OssClient, delete: Delete) -> None:
    upload = begin(SIZE)
    send(upload, 1)
    assert holds_parts(oss, upload)
    delete(Upload.objects.get(pk=upload.pk))
    assert not holds_parts(oss, upload)
    assert not Upload.objects.exists()


def test_a_file_that_arrives_after_the_deletion_is_removed(begin: Begin, oss: OssClient) -> None:
    upload = begin(1000)
    (signed,) = services.sign_parts(upload, [PartRequest(1)])
    Upload.objects.get(pk=upload.pk).delete()
    assert deliver(signed, bytes(1000)).status_code == 200
    assert holds(oss, upload)
    sweep_later(5)
    assert holds(oss, upload), "looked at while the form was still valid"
    assert "removed" in [swept.what for swept in sweep_later(60)]
    assert not holds(oss, upload)


def test_a_staged_upload_loses_both_objects(begin: Begin, oss: OssClient, place: Place) -> None:
    place(stage=True, key="films/{user_id}/{uuid}/{filename}")
    done, waiting = completed(begin), begin(SIZE)
    send(waiting, 1)
    assert holds(oss, done)
    Upload.objects.all().delete()
    assert not holds(oss, done)
    assert not holds_parts(oss, waiting)


@pytest.mark.parametrize("staged", [False, True])
def test_an_instance_that_was_read_before_the_completion_loses_its_object(
    begin: Begin, oss: OssClient, place: Place, staged: bool
) -> None:
    place(stage=staged, key="films/{user_id}/{uuid}/{filename}")
    stale = begin(1000)
    send(stale)
    done = services.complete(Upload.objects.get(pk=stale.pk))
    assert (stale.state, holds(oss, done)) == (State.UPLOADING, True)
    with announced() as heard:
        stale.delete()
    assert heard == {"deleted": [done.pk], "aborted": []}
    sweep_later(24 * 60)
    assert not holds(oss, done)
    assert not ObjectRemoval.objects.pending().exists()


def test_what_credentials_begin_after_the_deletion_is_aborted(begin: Begin, oss: OssClient, place: Place) -> None:
    place(credentials="upload")
    upload = completed(begin, SIZE)
    Upload.objects.filter(pk=upload.pk).update(credentials_until=timezone.now() + timedelta(hours=1))
    services.delete_object(upload)
    late, other = (
        Upload(bucket=upload.bucket, key=key, upload_id=oss.initiate(upload.bucket, key, {}))
        for key in (upload.key, f"{upload.key}.other")
    )
    sweep_later(24 * 60)
    assert not holds_parts(oss, late)
    assert holds_parts(oss, other)
    oss.abort(other.bucket, other.key, other.upload_id)


# Only what is the upload's


def test_an_object_that_was_replaced_stays(begin: Begin, oss: OssClient, deletions: list[str]) -> None:
    upload = completed(begin)
    oss.put_object(upload.bucket, upload.key, b"of somebody else")
    Upload.objects.get(pk=upload.pk).delete()
    sweep_later(24 * 60)
    assert holds(oss, upload)
    assert deletions == []
    assert ObjectRemoval.objects.get().outcome == Outcome.REPLACED


def test_an_object_that_another_upload_wrote_meanwhile_stays(
    begin: Begin, oss: OssClient, unreachable: Callable[[], None], user: Any
) -> None:
    """The same bytes, the same key, hence the same ETag: the id of the registered object tells them apart."""
    upload = completed(begin)
    content = oss.get_range(upload.bucket, upload.key, 0, 1000, upload.etag)
    Upload.objects.get(pk=upload.pk).delete()
    unreachable()
    oss.delete_object(upload.bucket, upload.key)
    oss.put_object(upload.bucket, upload.key, content)
    found = oss.head(upload.bucket, upload.key)
    assert found.etag == upload.etag
    assert found.modified is not None
    identity = object_identity(upload.bucket, upload.key, found.etag, found.modified)
    upload.pk = identity
    upload.save(force_insert=True)
    sweep_later(24 * 60)
    assert holds(oss, upload)
    assert ObjectRemoval.objects.get().outcome == Outcome.REPLACED


# The service and the state


def test_delete_object_keeps_the_row_and_says_so(begin: Begin, user: Any) -> None:
    upload, heard = completed(begin), []

    def receiver(upload: Upload, actor: Any, **_: Any) -> None:
        heard.append((upload.pk, upload.state, actor))

    signals.upload_deleted.connect(receiver)
    try:
        assert services.delete_object(upload, actor=user).state == State.DELETED
        assert services.delete_object(upload, actor=user).state == State.DELETED
    finally:
        signals.upload_deleted.disconnect(receiver)
    assert heard == [(upload.pk, State.DELETED, user)]
    assert [(event.name, event.actor) for event in upload.events.all()][-1] == ("delete", user)
    with pytest.raises(WrongState):
        services.complete(upload)


def test_only_a_completed_upload_has_an_object_to_delete(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    with pytest.raises(WrongState):
        services.delete_object(upload)
    services.abort(upload)
    with pytest.raises(WrongState):
        services.delete_object(upload)


def test_deleting_a_row_is_announced(begin: Begin) -> None:
    upload, pending = completed(begin), begin(SIZE)
    with announced() as heard:
        Upload.objects.all().delete()
    assert heard == {"deleted": [upload.pk], "aborted": [pending.pk]}


# Races


def test_a_row_that_is_deleted_at_any_step_of_completing_leaves_no_object(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(MOST_STEPS):
        upload = begin(SIZE)
        send(upload)
        upload = of_new_user(upload, step)
        rival = Upload.objects.get(pk=upload.pk)

        def act(rival: Upload = rival) -> None:
            if not connection.in_atomic_block:  # Inside, no other process could delete the row either.
                owner_deleted(rival)

        with at_step(monkeypatch, step, act) as passed, suppress(Upload.DoesNotExist, UploadError):
            services.complete(upload)
        if len(passed) <= step:
            assert step > 5
            return
        Upload.objects.filter(pk=upload.pk).delete()
        sweep_later(24 * 60)
        assert not holds(oss, upload)
        assert not holds_parts(oss, upload)
        assert not ObjectRemoval.objects.pending().exists()
    pytest.fail("the completion has more steps than were tried")


def test_of_many_deletions_at_once_one_calls_oss(begin: Begin, deletions: list[str]) -> None:
    upload, errors = completed(begin), []

    def work() -> None:
        try:
            services.delete_object(Upload.objects.get(pk=upload.pk))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert deletions == [upload.key]
    assert [event.name for event in upload.events.all()].count("delete") == 1


# Users


def test_kept_uploads_have_no_owner_and_are_seen_by_staff_alone(
    begin: Begin, oss: OssClient, settings: Any, user: Any, other_user: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "keep"}
    upload, unfinished = completed(begin), begin(SIZE)
    user.delete()
    upload.refresh_from_db()
    assert (upload.owner, upload.state) == (None, State.COMPLETED)
    assert holds(oss, upload)
    assert [(event.name, event.actor) for event in upload.events.all()][-1] == ("owner_deleted", None)
    for nobody in (other_user, AnonymousUser(), get_user_model()()):
        assert not Upload.objects.for_user(nobody).exists()
    unfinished.refresh_from_db()
    with pytest.raises(UploadError, match="may not"):
        services.sign_parts(unfinished, [PartRequest(1)])


def test_a_queryset_of_users_keeps_uploads_as_well(begin: Begin, settings: Any, user: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "keep"}
    upload = completed(begin)
    get_user_model().objects.filter(pk=user.pk).delete()
    assert UploadEvent.objects.filter(upload=upload, name="owner_deleted").count() == 1


def test_a_user_who_is_deleted_through_a_proxy_model_is_recorded(begin: Begin, settings: Any, user: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "keep"}
    upload = completed(begin)

    class Member(get_user_model()):  # type: ignore[misc]
        class Meta:
            app_label, proxy = "uploads", True

    try:
        deletion.connect()
        Member.objects.get(pk=user.pk).delete()
    finally:
        del apps.all_models["uploads"]["member"]
        apps.clear_cache()
    upload.refresh_from_db()
    assert upload.owner is None
    assert UploadEvent.objects.filter(upload=upload, name="owner_deleted").count() == 1


def test_a_deletion_of_many_uploads_leaves_most_to_the_sweep(
    begin: Begin, user: Any, deletions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uploads.services.removals.SECONDS", 0.0)
    uploads = [completed(begin) for _ in range(3)]
    user.delete()
    assert deletions == []
    assert ObjectRemoval.objects.filter(reason=Reason.OWNER).unremoved().count() == 3
    list(services.sweep())
    assert sorted(deletions) == sorted(upload.key for upload in uploads)


@pytest.mark.parametrize("staged", [False, True])
def test_a_deletion_waits_a_few_seconds_for_a_silent_oss(
    begin: Begin, oss: OssClient, user: Any, settings: Any, staged: bool, place: Place, impatient: None
) -> None:
    place(stage=staged, key="films/{user_id}/{uuid}/{filename}")
    for _ in range(3):
        completed(begin)
    normal = settings.UPLOADS
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.UPLOADS = {**normal, "OSS_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        user.delete()
    assert ObjectRemoval.objects.unremoved().filter(attempts=1).count() == 1, "OSS was asked again"
    assert ObjectRemoval.objects.unremoved().count() >= 3
    settings.UPLOADS = normal
    sweep_later(24 * 60)
    assert not ObjectRemoval.objects.unremoved().exists()


def test_credentials_of_a_deleted_user_register_nothing(
    begin: Begin, oss: OssClient, place: Place, user: Any, settings: Any
) -> None:
    place(key="films/{user_id}/{uuid}/{filename}", credentials="prefix")
    prefix = f"films/{user.pk}/"
    hold_prefix(user, "demo-bucket", prefix)
    user.delete()
    oss.put_object("demo-bucket", f"{prefix}late.mp4", b"late")
    held = PrefixCredentials.objects.get()
    assert (held.owner, held.remove_found) == (None, True)
    sweep_later()
    assert not holds(oss, Upload(bucket="demo-bucket", key=f"{prefix}late.mp4"))
    assert not Upload.objects.exists()
    sweep_later(120)
    assert not PrefixCredentials.objects.exists()


def test_kept_objects_that_credentials_stored_are_registered_without_an_owner(
    begin: Begin, oss: OssClient, place: Place, user: Any, settings: Any
) -> None:
    place(key="films/{user_id}/{uuid}/{filename}", credentials="prefix")
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "keep"}
    prefix = f"films/{user.pk}/"
    hold_prefix(user, "demo-bucket", prefix)
    oss.put_object("demo-bucket", f"{prefix}film.mp4", b"film", {"Content-Type": "video/mp4"})
    user.delete()
    sweep_later()
    assert [(upload.owner, upload.state) for upload in Upload.objects.all()] == [(None, State.COMPLETED)]


def test_the_object_of_a_deleted_row_is_not_registered_again(
    begin: Begin, oss: OssClient, place: Place, user: Any, unreachable: Callable[[], None]
) -> None:
    place(key="films/{user_id}/{uuid}/{filename}", credentials="prefix")
    prefix = f"films/{user.pk}/"
    hold_prefix(user, "demo-bucket", prefix)
    upload = completed(begin)
    Upload.objects.get(pk=upload.pk).delete()
    sweep_later()
    assert not Upload.objects.exists()
    with pytest.raises(NotFoundError):
        services.register(user, "default", upload.key)
    unreachable()
    sweep_later(24 * 60)
    assert not holds(oss, upload)
