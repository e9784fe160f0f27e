"""Deletion: of a completed upload's object, of an upload's row, and of a user who has uploads.

Rule: whatever deletes a row (`Upload.delete()`, a queryset, the admin, the deletion of its user), Django's signal
pre_delete is sent in the same transaction. It records the removal of the object; OSS is called after the commit. A row
that is deleted in another database than the app's own is a copy, such as one in an archive: nothing is removed.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import Model
from django.db.models.signals import pre_delete

from uploads.conf import settings
from uploads.domain.destination import DELETE
from uploads.domain.errors import DeletionNotAllowed, Forbidden, WrongState
from uploads.domain.phrase import Phrase
from uploads.domain.states import Event, State
from uploads.models import ObjectRemoval, PrefixCredentials, Reason, Upload, UploadEvent, User, record_webhooks
from uploads.models.databases import atomic, on_commit
from uploads.services.abort import abort
from uploads.services.common import destination_of, require
from uploads.services.credentials import forget_credentials
from uploads.services.removals import AfterCommit, removals_of
from uploads.signals import announce

OWNER_DELETED = "owner_deleted"
"""The name of the event in the history of an upload that was kept when its user was deleted."""
BATCH = 500


def delete_object(upload: Upload, *, actor: User | None = None, reason: Reason = Reason.OBJECT) -> Upload:
    """Delete the object of a completed upload; the row stays, with the state `deleted`. Repeatable.

    The removal at OSS is recorded, tried once after the commit, and repeated by the sweep. Raises WrongState before the
    upload is completed, and after it was aborted or has failed.
    """
    upload.refresh_from_db()
    removals = removals_of(upload, reason) if upload.state == State.COMPLETED else []
    with atomic():
        if removals and Upload.objects.advance(upload, Event.DELETE, actor=actor):
            ObjectRemoval.objects.bulk_create(removals)
            AfterCommit().schedule(removals)
    require(upload, State.DELETED)
    forget_credentials(upload)
    return upload


def abort_or_delete(upload: Upload, *, actor: User | None = None, may_delete: bool = True) -> Upload:
    """Abort an unfinished upload, or delete the object of a completed one where its destination allows it.

    `may_delete`: whether `actor` may delete this upload once it is completed. Raises DeletionNotAllowed, Forbidden,
    WrongState while the upload is completing, StorageBusy, StorageRefused.
    """
    try:
        return abort(upload, actor=actor)
    except WrongState:
        if upload.state not in (State.COMPLETED, State.DELETED):
            raise
    if not may_delete:
        raise Forbidden(Phrase("You may abort the uploads of other users, but not delete completed ones."))
    if upload.state == State.COMPLETED and not destination_of(upload).allow_delete:
        detail = Phrase("The upload is completed, and {name!r} does not let users delete.", name=upload.destination)
        raise DeletionNotAllowed(detail, errors={"state": [upload.state]})
    return delete_object(upload, actor=actor)


def connect() -> None:
    """Receive pre_delete of uploads and of the project's users, their proxy models included."""
    pre_delete.connect(_row_is_deleted, sender=Upload, dispatch_uid="uploads.row_is_deleted")
    for model in _user_models():
        pre_delete.connect(_user_is_deleted, sender=model, dispatch_uid=f"uploads.user_is_deleted:{model._meta.label}")


def _user_models() -> Iterator[type[Model]]:
    concrete = get_user_model()._meta.concrete_model
    return (model for model in apps.get_models() if model._meta.concrete_model is concrete)


def _row_is_deleted(instance: Upload, using: str, origin: Any = None, **_: Any) -> None:
    if not _is_live(Upload, using):
        return
    # The instance may have been read long before, and Django removes its id after the deletion.
    gone = Upload.objects.select_for_update().filter(pk=instance.pk).first()
    if gone is None:  # Another deletion was first, and has recorded the removals.
        return
    removals = ObjectRemoval.objects.bulk_create(removals_of(gone, _reason(origin)))
    event = _EVENTS.get(State(gone.state))
    if event is not None:
        record_webhooks([gone], event)
        on_commit(partial(announce, gone, event))
    _after_commit(origin).schedule(removals)


def _is_live(model: type[Model], using: str) -> bool:
    """Whether this is the database in which the app writes rows of the model. The router gets no instance: a row that
    was read from an archive would send it there."""
    return using == router.db_for_write(model)


_EVENTS = {State.UPLOADING: Event.ABORT, State.COMPLETING: Event.ABORT, State.COMPLETED: Event.DELETE}
"""What is announced of a row that is deleted in this state."""


def _reason(origin: Any) -> Reason:
    """`origin`: the instance or queryset whose `delete()` was called."""
    model = getattr(origin, "model", type(origin))
    return Reason.OWNER if issubclass(model, get_user_model()) else Reason.ROW


def _after_commit(origin: Any) -> AfterCommit:
    """One for all uploads that the same call of `delete()` deletes."""
    if origin is None:
        return AfterCommit()
    found: AfterCommit = origin.__dict__.setdefault("_uploads_after_commit", AfterCommit())
    return found


def _user_is_deleted(instance: Model, using: str, **_: Any) -> None:
    if not _is_live(get_user_model(), using):
        return
    if settings.on_owner_delete == DELETE:
        PrefixCredentials.objects.filter(owner_id=instance.pk).update(remove_found=True)
        return
    owned = Upload.objects.filter(owner_id=instance.pk).order_by().values_list("pk", flat=True)
    events = [UploadEvent(upload_id=pk, name=OWNER_DELETED) for pk in owned.iterator()]
    UploadEvent.objects.bulk_create(events, batch_size=BATCH)
