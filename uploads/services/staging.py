"""Staged uploads: what the browser wrote is checked, inspected and copied to the final key.

Rule: `domain.staging.decide` says what to do next; here it is done. One caller works on an upload at a time: it claims
the row, renews the claim while it works, and stops when the time is over. The next call, or the sweep, continues.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Any

from django.utils import timezone

from uploads.conf import settings
from uploads.domain import options, staging
from uploads.domain.completion import UNKNOWN
from uploads.domain.errors import UploadError, from_storage
from uploads.domain.staging import Facts, Stage, Staged
from uploads.domain.states import Event, State
from uploads.models import Part, Upload, User
from uploads.oss import messages
from uploads.oss.errors import NotFound, OssError, StorageError
from uploads.oss.messages import Completed
from uploads.services.abort import abort_at
from uploads.services.common import as_record, storage_errors
from uploads.services.inspection import inspect
from uploads.services.object_headers import final_headers
from uploads.services.stage_claim import Claim, ClaimLost
from uploads.services.transactions import oss_client

log = logging.getLogger("uploads.staging")

WORK_SECONDS = 15.0
"""How long one request checks and copies, below the time limits of web servers. A step that has begun is finished."""
COPIES_AT_ONCE = 4
"""Parts that OSS copies at the same time."""


def accept(upload: Upload, done: Completed) -> None:
    """Record the staged object in the upload's row, and begin its checks, unless somebody else has moved the upload."""
    size = done.size if done.size is not None else upload.size
    record = Staged(done.etag, size or 0, done.crc64).as_record()
    rows = Upload.objects.filter(pk=upload.pk, state=State.COMPLETING, stage="")
    rows.update(stage=Stage.CHECKING, staged=record, updated_at=timezone.now())


def advance_stages(upload: Upload, *, actor: User | None, until: float) -> None:
    """Check and copy, until it is done or `monotonic()` reaches `until`. Brings `upload` up to date.

    At least one costly step is made, and what it found out is recorded, so that repeated calls come to an end.
    Does nothing while another caller is at it. Raises Rejected and the other errors with which the upload fails, and
    StorageBusy or StorageRefused, after which the next call continues.
    """
    claim = Claim(upload)
    if not claim.take():
        upload.refresh_from_db()
        return
    work = _Work(upload, claim, actor)
    try:
        is_first = True
        while not work.ended:
            claim.renew()
            action = staging.decide(work.facts())
            if isinstance(action, _COSTLY):
                if not is_first and monotonic() >= until:
                    break
                is_first = False
            _ACT[type(action)](work, action)
    except ClaimLost:
        pass
    except StorageError as error:
        raise from_storage(error) from error
    finally:
        claim.release()
        upload.refresh_from_db()
    if work.error is not None:
        raise work.error


def remove_staged(upload: Upload) -> None:
    """Remove what an ended upload has left below its staging key. Raises StorageBusy or StorageRefused."""
    if upload.upload_id:
        abort_at(upload, upload.staging_key, upload.upload_id)
    with storage_errors():
        oss_client(upload).delete_object(upload.bucket, upload.staging_key)
    if upload.copy_id and upload.state != State.COMPLETED:
        abort_at(upload, upload.final_key, upload.copy_id)
    Upload.objects.filter(pk=upload.pk).update(staging_removed_at=timezone.now())


class _Work:
    """One upload in its stages, and what is known of it so far."""

    def __init__(self, upload: Upload, claim: Claim, actor: User | None) -> None:
        upload.refresh_from_db()
        self.upload, self.claim, self.actor = upload, claim, actor
        self.staged = Staged.from_record(upload.staged or {})
        self.learned: dict[str, Any] = {}
        self.ended = False
        self.error: UploadError | None = None

    @property
    def source(self) -> tuple[str, str]:
        return self.upload.bucket, self.upload.staging_key

    @property
    def copy(self) -> tuple[str, str, str]:
        return self.upload.bucket, self.upload.final_key, self.upload.copy_id

    def facts(self) -> Facts:
        return Facts(
            Stage(self.upload.stage),
            self.staged,
            copy_id=self.upload.copy_id,
            whole_up_to=staging.MAX_WHOLE_COPY,
            part_size=staging.COPY_PART,
            **self.learned,
        )

    def write(self, **values: Any) -> None:
        self.claim.write(**values)
        for name, value in values.items():
            setattr(self.upload, name, value)

    def copy_errors(self, call: Callable[[], Mapping[str, Any]]) -> None:
        """Do a step of the copy. What a refusal of OSS says about the objects is learned."""
        try:
            self.learned |= call()
        except OssError as error:
            match error.code:
                case "PreconditionFailed":
                    self.learned["verdict"] = staging.replaced()
                case "NoSuchKey":
                    self.learned["verdict"] = staging.gone()
                case "FileAlreadyExists":
                    self.learned |= {"exists": True, "final": UNKNOWN}
                case "NoSuchUpload":
                    self.learned |= {"final": UNKNOWN, "parts": UNKNOWN}
                case _:
                    raise


# The actions


def _check(work: _Work, action: staging.Check) -> None:
    work.learned["verdict"] = inspect(work.upload, work.staged, keep_alive=work.claim.renew)


def _pass(work: _Work, action: staging.Pass) -> None:
    work.write(stage=Stage.COPYING)


def _look_at_final(work: _Work, action: staging.LookAtFinal) -> None:
    try:
        work.learned["final"] = oss_client(work.upload).head(work.upload.bucket, work.upload.final_key)
    except NotFound as error:
        if error.code != "NoSuchKey":
            raise
        work.learned["final"] = None


def _copy_whole(work: _Work, action: staging.CopyWhole) -> None:
    upload = work.upload
    headers = {**final_headers(upload), **options.completion_headers(upload.options)}

    def call() -> dict[str, Any]:
        oss_client(upload).copy_object(upload.bucket, upload.final_key, work.source, work.staged.etag, headers)
        return {"final": UNKNOWN, "was_copied": True}

    work.copy_errors(call)


def _begin_copy(work: _Work, action: staging.BeginCopy) -> None:
    upload = work.upload
    copy_id = oss_client(upload).initiate(upload.bucket, upload.final_key, final_headers(upload))
    try:
        work.write(copy_id=copy_id)
    except ClaimLost:
        with suppress(StorageError):  # The sweep aborts it as an orphan.
            oss_client(upload).abort(upload.bucket, upload.final_key, copy_id)
        raise
    work.learned["parts"] = []


def _look_at_copy(work: _Work, action: staging.LookAtCopy) -> None:
    try:
        work.learned["parts"] = oss_client(work.upload).list_parts(*work.copy)
    except NotFound as error:
        if error.code != "NoSuchUpload":
            raise
        work.learned["parts"] = None


def _copy_parts(work: _Work, action: staging.CopyParts) -> None:
    """The next few parts at once. The database is not used in the threads."""
    client, target, source, etag = oss_client(work.upload), work.copy, work.source, work.staged.etag

    def one(part: tuple[int, tuple[int, int]]) -> messages.Part:
        return client.upload_part_copy(target, part[0], source, etag, part[1])

    def call() -> dict[str, Any]:
        next_parts = list(action.parts.items())[:COPIES_AT_ONCE]
        if len(next_parts) == 1:
            copied = [one(next_parts[0])]
        else:
            with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
                copied = list(pool.map(one, next_parts))
        held = [part for part in work.learned["parts"] if part.number not in {done.number for done in copied}]
        return {"parts": [*held, *copied]}

    work.copy_errors(call)


def _complete_copy(work: _Work, action: staging.CompleteCopy) -> None:
    headers = options.completion_headers(work.upload.options)

    def call() -> dict[str, Any]:
        oss_client(work.upload).complete(*work.copy, action.parts, headers)
        return {"final": UNKNOWN, "was_copied": True}

    work.copy_errors(call)


def _finish(work: _Work, action: staging.Finish) -> None:
    """The staged object goes first: were the upload completed first, a crash would leave it to the sweep."""
    upload, done, now = work.upload, action.done, timezone.now()
    oss_client(work.upload).delete_object(*work.source)
    work.claim.write()
    part_count = messages.part_count(work.staged.etag) if upload.is_stream else upload.part_count
    ended: dict[str, Any] = {
        "key": upload.final_key,
        "stage": "",
        "etag": done.etag,
        "crc64": "" if done.crc64 is None else str(done.crc64),
        "location": settings.place_of(upload).endpoint.url_of(upload.bucket, upload.final_key),
        "completed_at": now,
        "released_at": now,
        "parts_done": part_count,
        "bytes_done": upload.size,
    }
    if Upload.objects.advance(upload, Event.FINISH, actor=work.actor, **ended):
        Part.objects.filter(upload=upload).delete()
    work.ended = True


def _reject(work: _Work, action: staging.Reject) -> None:
    """The record goes first: were the object removed first, a crash would leave no reason."""
    upload = work.upload
    work.claim.write()
    if not Upload.objects.advance(upload, Event.FAIL, actor=work.actor, error=as_record(action.error), stage=""):
        raise ClaimLost
    log.warning("staged file rejected", extra={"upload": str(upload.pk), "code": action.error.code})
    work.ended, work.error = True, action.error
    with suppress(StorageError):  # The sweep removes what is left.
        oss_client(work.upload).delete_object(*work.source)
        if action.final:
            oss_client(upload).delete_object(upload.bucket, upload.final_key)
        if upload.copy_id:
            oss_client(work.upload).abort(*work.copy)


_COSTLY = (staging.Check, staging.CopyWhole, staging.CopyParts)
"""Steps that may take long. After one of them the time is looked at."""

_ACT: dict[type[staging.Action], Callable[[_Work, Any], None]] = {
    staging.Check: _check,
    staging.Pass: _pass,
    staging.LookAtFinal: _look_at_final,
    staging.CopyWhole: _copy_whole,
    staging.BeginCopy: _begin_copy,
    staging.LookAtCopy: _look_at_copy,
    staging.CopyParts: _copy_parts,
    staging.CompleteCopy: _complete_copy,
    staging.Finish: _finish,
    staging.Reject: _reject,
}
