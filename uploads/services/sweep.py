"""The sweep: completes or aborts stale uploads, and repeats calls that did not reach OSS.

Rule: any number of sweeps may run at once. Each claims the uploads that it works on, and the claims of a sweep that
was killed expire. A finished upload is never aborted: OSS is asked first. What fails is repeated after growing pauses;
what OSS keeps refusing ends with the reason recorded.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from uploads import telemetry
from uploads.domain.errors import UploadError, WrongState
from uploads.domain.retries import MAX_ATTEMPTS, is_last, pause
from uploads.domain.states import Event, State
from uploads.models import PrefixCredentials, Reason, Upload, UploadCounts, UploadQuerySet, WebhookDelivery
from uploads.oss.errors import Denied
from uploads.services.abort import abort, longest_signature, release
from uploads.services.abort_many import abort_stale
from uploads.services.common import as_record, object_or_copy
from uploads.services.complete import complete
from uploads.services.deletion import delete_object
from uploads.services.expired_credentials import undo_late_writes
from uploads.services.machine_clock import CONTRADICTED, WRONG_CLOCK, is_wrong, unconfirmed_clocks
from uploads.services.orphan_aborts import sweep_orphan_aborts
from uploads.services.orphan_search import search_orphans
from uploads.services.prefix_search import search
from uploads.services.removals import sweep_removals
from uploads.services.retention import forget_ended, has_retention, outdated_objects
from uploads.services.staging import remove_staged
from uploads.services.transactions import CalledInTransaction
from uploads.services.webhooks import WebhookSender, prune_webhooks

log = logging.getLogger("uploads.sweep")

CLAIM = timedelta(minutes=10)
"""A batch takes far less. The claims of a sweep that was killed expire after this."""
BATCH = 50
PATIENCE = timedelta(minutes=10)
"""After this a Complete counts as lost, and an abort that did not reach OSS is repeated."""
STAGES_SECONDS = 300
"""For checking and copying one staged file; the next sweep continues."""

CHANGED = "Another request or sweep changed or deleted this upload."


@dataclass(frozen=True, slots=True)
class Swept:
    """One thing that was done, or with `dry_run` would be.

    `what`: adopted, aborted, settled, released, orphan, waiting (for a file that has not arrived), registered, searched
    for late writes, deleted and removed (objects), forgotten (rows), delivered (webhooks); or refused, failed, ended or
    skipped, with the reason in `detail`.
    """

    what: str
    key: str
    detail: str = ""


def sweep(
    *, older_than: timedelta | None = None, dry_run: bool = False, now: datetime | None = None
) -> Iterator[Swept]:
    """Do everything that is due, batch after batch. `older_than`: also abort uploads untouched for so long.

    Nothing is done while OSS contradicts this machine's clock, whatever `now` is: claims and pauses would hold back
    what is due for as long as the clock is ahead. Nothing is deleted by retention while OSS does not confirm it.
    """
    unconfirmed = unconfirmed_clocks()
    if is_wrong(unconfirmed):
        yield from _counted(iter([(CONTRADICTED, "sweep", WRONG_CLOCK)]))
        return
    now = now or timezone.now()
    kept = ((what, f"retention of {name}", why) for name, (what, why) in unconfirmed.items() if has_retention(name))
    yield from _counted(kept)
    stale = Upload.objects.stale(now, now - older_than if older_than is not None else None)
    due: list[tuple[UploadQuerySet, Callable[[Upload], Swept], str]] = [
        (Upload.objects.unsettled(now - PATIENCE), _settle, "settled"),
        (stale, partial(_abort_stale, stale), "aborted or adopted"),
        (Upload.objects.unreported(now - PATIENCE), _look_for_object, "looked for"),
        (Upload.objects.unreleased(now - PATIENCE, now), _release, "released"),
        (Upload.objects.credentials_expired(now), _undo_late_writes, "searched for late writes"),
        (Upload.objects.staged_leftovers(now, longest_signature()), _remove_staged, "released"),
    ]
    due += [(uploads, _delete_outdated, "deleted") for uploads in outdated_objects(now, unconfirmed)]
    for uploads, work, word in due:
        if dry_run:
            yield from (Swept(f"would be {word}", upload.key) for upload in uploads.iterator())
            continue
        while taken := uploads.claim(now, timezone.now() + CLAIM, BATCH):
            batch = list(Upload.objects.filter(pk__in=taken))
            aborted = abort_stale(stale, batch) if uploads is stale else {}
            for upload in batch:
                swept = _aborted(upload, aborted[upload.pk]) if upload.pk in aborted else _attempt(upload, work)
                telemetry.SWEPT.labels(swept.what).inc()
                yield swept
    yield from _counted(sweep_removals(now, dry_run=dry_run))
    yield from sweep_prefixes(dry_run=dry_run, now=now)
    yield from _counted(forget_ended(now, unconfirmed, dry_run=dry_run))
    yield from _counted(sweep_orphan_aborts(now, dry_run=dry_run))
    yield from _counted(_webhooks(now, dry_run=dry_run))
    if not dry_run:
        yield from _counted(search_orphans(now))
        UploadCounts.objects.refresh()


def _webhooks(now: datetime, *, dry_run: bool) -> Iterator[tuple[str, str, str]]:
    """Last, so that what the sweep itself has ended is told at once. The key is the name of the receiver."""
    if dry_run:
        yield from (("would be delivered", each.endpoint, "") for each in WebhookDelivery.objects.ready(now).iterator())
        return
    for done in WebhookSender().send_due():
        yield ("ended" if done.what == "dead" else done.what), done.endpoint, done.detail
    prune_webhooks(now)


def _counted(done: Iterator[tuple[str, str, str]]) -> Iterator[Swept]:
    for each in done:
        swept = Swept(*each)
        if not swept.what.startswith("would be"):
            telemetry.SWEPT.labels(swept.what).inc()
        yield swept


def sweep_prefixes(*, dry_run: bool = False, now: datetime | None = None) -> Iterator[Swept]:
    """Register the objects that clients stored with credentials for a prefix, or remove them if they break a rule."""
    now = now or timezone.now()
    for held in list(PrefixCredentials.objects.due(now).select_related("owner")):
        if not dry_run and not PrefixCredentials.objects.claim(held, now, timezone.now() + CLAIM):
            continue
        try:
            yield from _counted(search(held, now, dry_run=dry_run))
        except UploadError as error:  # The claim expires, and a later sweep continues at the cursor.
            yield Swept("failed", held.prefix, error.advice)
        except CalledInTransaction:
            raise
        except Exception:  # Whatever one user has stored, the prefixes of the others are searched.
            log.exception("The search of the prefix %r has failed; a later sweep repeats it.", held.prefix)
            yield Swept("failed", held.prefix, "An unexpected error: see the log of the sweep.")


def _attempt(upload: Upload, work: Callable[[Upload], Swept]) -> Swept:
    """A failure does not stop the sweep: a later one tries again."""
    had_ended = upload.state == State.FAILED
    try:
        swept = work(upload)
    except (WrongState, Upload.DoesNotExist):
        return Swept("skipped", upload.key, CHANGED)
    except UploadError as error:
        if had_ended or upload.state != State.FAILED:
            return _postpone(upload, error)
        swept = Swept("ended", upload.key, error.advice)
    if swept.what in ("failed", "waiting"):
        _pause(upload)
    else:
        Upload.objects.filter(pk=upload.pk).update(claimed_until=None, attempts=0, sweep_error=None)
    return swept


def _postpone(upload: Upload, error: UploadError) -> Swept:
    """The next attempt follows after a pause. After the last one the upload ends as it is, with the reason."""
    if not is_last(upload.attempts + 1, retryable=error.retryable or _is_shut_out(upload, error)):
        _pause(upload, sweep_error=as_record(error))
        return Swept("failed", upload.key, error.advice)
    reason = as_record(error)
    final: dict[str, Any] = {"attempts": MAX_ATTEMPTS, "look_again_at": None, "claimed_until": None}
    final["sweep_error"] = reason
    if not Upload.objects.advance(upload, Event.FAIL, error=reason, **final):
        Upload.objects.filter(pk=upload.pk, state__in=[State.ABORTED, State.FAILED]).update(**final)
    return Swept("ended", upload.key, error.advice)


def _is_shut_out(upload: Upload, error: UploadError) -> bool:
    """Whether OSS denies the server access to an unfinished upload: its keys, its policy, a bill.

    Its file may be whole. If the upload failed, a later sweep with access would remove it.
    """
    return isinstance(error.__cause__, Denied) and upload.state in (State.UPLOADING, State.COMPLETING)


def _pause(upload: Upload, **values: object) -> None:
    """`claimed_until` holds the upload back. An attempt that does not count as the last is followed by another."""
    attempts = min(upload.attempts + 1, MAX_ATTEMPTS - 1)
    next_attempt = timezone.now() + pause(attempts)
    Upload.objects.filter(pk=upload.pk).update(attempts=attempts, claimed_until=next_attempt, **values)


def _settle(upload: Upload) -> Swept:
    if complete(upload, seconds=STAGES_SECONDS).state != State.COMPLETED:
        if upload.stage:
            return Swept("failed", upload.key, "The staged file is still being checked or copied.")
        return Swept("failed", upload.key, "OSS has not answered yet whether the object was completed.")
    return Swept("settled", upload.key)


def _abort_stale(stale: UploadQuerySet, upload: Upload) -> Swept:
    """Abort a stale upload, unless it turns out to be finished, or somebody works on it again."""
    if check_object(upload).state == State.COMPLETED:
        return Swept("adopted", upload.key)
    if not stale.filter(pk=upload.pk).exists():
        return Swept("skipped", upload.key, CHANGED)
    abort(upload)
    return Swept("aborted", upload.key)


def _aborted(upload: Upload, error: UploadError | None) -> Swept:
    return Swept("aborted", upload.key) if error is None else _postpone(upload, error)


def _look_for_object(upload: Upload) -> Swept:
    return Swept("adopted" if check_object(upload).state == State.COMPLETED else "waiting", upload.key)


def check_object(upload: Upload) -> Upload:
    """Complete the upload if its object is there, as a callback would. Otherwise leave it as it is."""
    done = object_or_copy(upload)
    if done is not None and (upload.is_stream or done.size == upload.size):
        return complete(upload, object_confirmed=True)
    return upload


def _remove_staged(upload: Upload) -> Swept:
    remove_staged(upload)
    return Swept("released", upload.staging_key)


def _delete_outdated(upload: Upload) -> Swept:
    delete_object(upload, reason=Reason.RETENTION)
    return Swept("deleted", upload.key)


def _undo_late_writes(upload: Upload) -> Swept:
    undo_late_writes(upload)
    return Swept("searched for late writes", upload.key)


def _release(upload: Upload) -> Swept:
    release(upload)
    return Swept("released", upload.key)
