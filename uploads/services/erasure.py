"""Erasure: what the app holds of one user is deleted, for a data-protection request. Repeatable.

Rule: nothing is reported as removed before OSS has said so. What becomes of the project's rows that refer to an upload,
the project decides with `on_delete`. A row that a foreign key protects stays without its owner, its names and its
object; rows that are deleted with the uploads are counted.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import ProtectedError, Q, QuerySet, RestrictedError
from django.db.models.deletion import Collector
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.domain.errors import UploadError
from uploads.domain.keys import own_prefix
from uploads.domain.states import Event, State
from uploads.models import (
    CompanionRevocation,
    Kind,
    ObjectRemoval,
    Orphan,
    Outcome,
    Part,
    PrefixCredentials,
    Reason,
    Upload,
    UploadEvent,
    WebhookDelivery,
)
from uploads.models.databases import atomic, database
from uploads.models.removals import ObjectRemovalQuerySet
from uploads.services.credentials import forget_credentials
from uploads.services.destination_rules import KeyValues
from uploads.services.log_erasure import orphans_in_log, searches_in_log, uploads_in_log
from uploads.services.orphan_aborts import abort_orphan
from uploads.services.removals import carry_out, removals_of
from uploads.services.webhooks import erase_messages

log = logging.getLogger("uploads.erasure")
BATCH = 100
_ENDING = {State.UPLOADING: Event.ABORT, State.COMPLETING: Event.FAIL, State.COMPLETED: Event.DELETE}


@dataclass(slots=True)
class Erased:
    """Numbers of what was erased, or with `dry_run` would be."""

    uploads: int = 0
    emptied: int = 0
    """Rows that foreign keys of the project protect: kept without owner, names and object."""
    history: int = 0
    """Events of these uploads."""
    actor: int = 0
    """Events of other uploads that named the user."""
    log_entries: int = 0
    """Entries of the admin's log that named the uploads, directories of the user, or what anybody searched for."""
    objects: int = 0
    """Objects that were removed at OSS."""
    unremoved: int = 0
    """Objects that OSS may still have: it did not answer, or refused."""
    watched: int = 0
    """Keys to which a URL or temporary credentials can still write. The sweep looks there again when they expire."""
    credentials: int = 0
    """Prefixes for which the user held temporary credentials. What is found there until they expire is removed."""
    orphans: int = 0
    """Multipart uploads in the user's own directory that belong to no upload, aborted at OSS."""
    unknown_objects: int = 0
    """Objects there that belong to no upload. They stay: another application may have made them."""
    companion: int = 0
    """1 if the user's Companion URLs were revoked."""
    cascade: Counter[str] = field(default_factory=Counter)
    """Rows of the project that were deleted with the uploads they refer to, by the label of their model."""

    def note_cascade(self, rows: Mapping[str, int]) -> None:
        """Add numbers of deleted rows by model, without those of the app."""
        self.cascade.update({label: number for label, number in rows.items() if number and label not in _OWN})


_OWN = {model._meta.label for model in (Upload, Part, UploadEvent)}


def erase_user(owner_id: Any, *, dry_run: bool = False) -> Erased:
    """Erase what the app holds of the user with this id, whether or not the account still exists.

    Quotas are counted from the rows of the uploads, so they go with them. OSS is called, outside of any transaction.
    """
    erased = Erased()
    owned = Upload.objects.filter(owner_id=owner_id).order_by("pk")
    if dry_run:
        return _foreseen(owner_id)
    while batch := list(owned[:BATCH]):
        _erase_uploads(batch, erased)
    erase_messages(WebhookDelivery.objects.of_owner(str(owner_id)))
    erased.actor = UploadEvent.objects.filter(actor_id=owner_id).update(actor=None)
    held = PrefixCredentials.objects.filter(owner_id=owner_id)
    erased.credentials = held.update(owner=None, remove_found=True)
    if get_user_model()._base_manager.filter(pk=owner_id).exists():
        CompanionRevocation.objects.update_or_create(user_id=owner_id, defaults={"at": timezone.now()})
        erased.companion = 1
    erased.orphans, erased.unknown_objects = _abort_orphans(owner_id), _orphans_of(owner_id, Kind.OBJECT).count()
    erased.log_entries += orphans_in_log(_own_prefixes(owner_id)) + searches_in_log()
    erased.objects += _remove_objects(ObjectRemoval.objects.filter(owner=str(owner_id)).unremoved())
    left = ObjectRemoval.objects.filter(owner=str(owner_id))
    erased.unremoved = left.unremoved().count()
    erased.watched = left.pending().count() - erased.unremoved
    return erased


def _foreseen(owner_id: Any) -> Erased:
    owned, removals = Upload.objects.filter(owner_id=owner_id), ObjectRemoval.objects.filter(owner=str(owner_id))
    with_objects = owned.filter(state=State.COMPLETED).count()
    erased = Erased(
        history=UploadEvent.objects.filter(upload__owner_id=owner_id).count(),
        actor=UploadEvent.objects.filter(actor_id=owner_id).exclude(upload__owner_id=owner_id).count(),
        objects=with_objects + removals.unremoved().count(),
        credentials=PrefixCredentials.objects.filter(owner_id=owner_id).count(),
        orphans=_orphans_of(owner_id, Kind.MULTIPART).count(),
        unknown_objects=_orphans_of(owner_id, Kind.OBJECT).count(),
        log_entries=orphans_in_log(_own_prefixes(owner_id), dry_run=True) + searches_in_log(dry_run=True),
    )
    identifiers = list(owned.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(identifiers), BATCH):  # SQLite limits the variables of one query.
        _foresee_uploads(identifiers[start : start + BATCH], erased)
    return erased


def _foresee_uploads(identifiers: Sequence[Any], erased: Erased) -> None:
    """Count what `_erase_uploads` would delete, as Django collects it, and delete nothing."""
    collector = Collector(using=database().alias)
    try:
        collector.collect(Upload.objects.filter(pk__in=identifiers))
    except (ProtectedError, RestrictedError):
        if len(identifiers) > 1:
            for identifier in identifiers:
                _foresee_uploads([identifier], erased)
            return
        erased.emptied += 1
    else:
        erased.uploads += len(identifiers)
        erased.note_cascade({model._meta.label: len(found) for model, found in collector.data.items()})
        for rows in collector.fast_deletes:
            erased.note_cascade({rows.model._meta.label: rows.count()})
    erased.log_entries += uploads_in_log(identifiers, dry_run=True)


def _erase_uploads(batch: Sequence[Upload], erased: Erased) -> None:
    """One transaction for the batch; one for each upload if some of them cannot be deleted."""
    identifiers = [upload.pk for upload in batch]
    history, began = UploadEvent.objects.filter(upload__in=identifiers).count(), timezone.now()
    try:
        with atomic():
            _, deleted = Upload.objects.filter(pk__in=identifiers).delete()
            ObjectRemoval.objects.filter(upload__in=identifiers).update(reason=Reason.ERASURE)
            erase_messages(WebhookDelivery.objects.filter(upload__in=identifiers))
    except (ProtectedError, RestrictedError):
        if len(batch) > 1:
            for upload in batch:
                _erase_uploads([upload], erased)
            return
        _empty(batch[0])
        erased.emptied += 1
    else:
        erased.uploads += len(batch)
        erased.note_cascade(deleted)
    for upload in batch:
        forget_credentials(upload)
    erased.history += history
    erased.objects += _remove_objects(ObjectRemoval.objects.filter(upload__in=identifiers, requested_at__gte=began))
    erased.log_entries += uploads_in_log(identifiers)


def _empty(upload: Upload) -> None:
    """Keep the row, and nothing of the user in it. Its object is removed, as if the row were deleted.

    The row is read again and locked: since the batch was read, its upload may have been completed.
    """
    with atomic():
        current = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if current is None:
            return
        removals = removals_of(current, Reason.ERASURE)
        if State(current.state) in _ENDING:
            Upload.objects.advance(current, _ENDING[State(current.state)])
        ObjectRemoval.objects.bulk_create(removals)
        UploadEvent.objects.filter(upload=upload).update(actor=None, detail={})
        erase_messages(WebhookDelivery.objects.filter(upload=upload.pk))
        upload.parts.all().delete()
        Upload.objects.filter(pk=upload.pk).update(
            **dict.fromkeys(_TEXTS, ""), **dict.fromkeys(_NULLS), metadata={}, options={}, released_at=timezone.now()
        )


_TEXTS = (
    "filename", "relative_path", "key", "staging_key", "final_key", "location", "fingerprint", "secret",
    "idempotency_key", "request_hash", "upload_id", "copy_id",
)  # fmt: skip
_NULLS = ("owner", "callback", "error", "sweep_error", "staged", "expected", "credentials_until", "look_again_at")


def _abort_orphans(owner_id: Any) -> int:
    """Returns how many OSS has aborted. The sweep tries the others again."""
    aborted = 0
    for orphan in _orphans_of(owner_id, Kind.MULTIPART):
        with suppress(UploadError):
            abort_orphan(orphan)
            aborted += 1
    return aborted


def _orphans_of(owner_id: Any, kind: Kind) -> "QuerySet[Orphan]":
    """What the last search has found in the directories that hold this user's keys and no other user's."""
    below = Q(pk=None)
    for bucket, prefix in _own_prefixes(owner_id):
        below |= Q(bucket=bucket, key__startswith=prefix)
    return Orphan.objects.held().filter(below, kind=kind)


def _own_prefixes(owner_id: Any) -> Iterator[tuple[str, str]]:
    """The bucket and the prefix of each directory that holds this user's keys and no other user's."""
    user = get_user_model()._base_manager.filter(pk=owner_id).first()
    for destination in settings.destinations.values():
        if prefix := own_prefix(destination.key, owner_id, _key_values(destination, user)):
            yield settings.place(destination.bucket).bucket, prefix


def _key_values(destination: Destination, user: Any) -> Mapping[str, str]:
    if user is None:
        return {}
    try:
        return KeyValues(user).of(destination)
    except Exception:
        # The project's functions may fail for an account of which a part is gone. The rest is erased nevertheless.
        log.warning("no values for the keys of an erased user", extra={"destination": destination.name}, exc_info=True)
        return {}


def _remove_objects(removals: ObjectRemovalQuerySet) -> int:
    """Try each that OSS has not carried out yet, also one whose next attempt is due later. Returns how many it removed.

    A removal that a sweep has claimed has no error: it is left to the sweep.
    """
    known = list(removals.values_list("pk", flat=True))
    waiting = list(removals.unremoved().values_list("pk", flat=True))
    ObjectRemoval.objects.filter(pk__in=waiting, error__isnull=False).update(due_at=timezone.now())
    for pk in waiting:
        carry_out(pk)
    return ObjectRemoval.objects.filter(pk__in=known, outcome=Outcome.REMOVED).count()
