"""Complete: the parts become an object, once, whatever happens on the way.

Rule: before OSS is asked to complete, the row holds what the object must turn out to be (`expected`); so whoever
comes later, after a lost answer or a killed worker, can tell by a HeadObject how it ended.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.errors import ObjectMismatch, PartsMissing, UploadGone, from_storage
from uploads.models import Method, Upload, User
from uploads.oss import messages
from uploads.oss.crc64 import combine_all
from uploads.oss.errors import OssError, Unreachable
from uploads.oss.messages import Completed
from uploads.oss.messages import Part as OssPart
from uploads.services.common import as_record, object_at_oss, parts_at_oss, require
from uploads.states import Event, State


def complete(upload: Upload, *, crc64: str = "", actor: User | None = None) -> Upload:
    """Put the parts together, once. `crc64`: what the browser computed over the file, if it did.

    Returns the upload `completed`, or still `completing` when OSS has not said how it ended: call again. Safe to
    repeat and to call twice at once. Raises PartsMissing naming what OSS lacks, ObjectMismatch, WrongState.
    """
    upload.refresh_from_db()
    if upload.state == State.COMPLETED:
        return upload
    require(upload, State.UPLOADING, State.COMPLETING)
    if upload.method == Method.PUT:
        return _complete_put(upload, crc64, actor)
    held = parts_at_oss(upload)
    if held is None:
        return settle(upload, actor)
    parts = _planned_parts(upload, held)
    if upload.state == State.UPLOADING and not Upload.objects.advance(
        upload, Event.COMPLETE, actor=actor, expected=_expected(parts, crc64)
    ):
        return complete(upload, crc64=crc64, actor=actor)  # Somebody was first; the state has moved on.
    return _complete_multipart(upload, parts, actor)


def _planned_parts(upload: Upload, parts: Sequence[OssPart]) -> list[OssPart]:
    """The parts to complete with. Raises PartsMissing; a part beyond the plan is left out, so OSS drops it."""
    planned, held = upload.plan, {part.number: part for part in parts}
    wrong = [n for n in planned.numbers() if n not in held or held[n].size != planned.size_of(n)]
    if wrong:
        if upload.state == State.COMPLETING:
            Upload.objects.advance(upload, Event.REOPEN)
        raise PartsMissing(
            f"{len(wrong)} of {planned.part_count} parts are missing or of the wrong size at OSS: send them again.",
            errors={"parts": wrong},
        )
    return [held[n] for n in planned.numbers()]


def _expected(parts: Sequence[OssPart], client_crc64: str) -> dict[str, str]:
    """What the object must turn out to be, known before OSS is asked to make it."""
    expected = {"etag": messages.multipart_etag(part.etag for part in parts)}
    if all(part.crc64 is not None for part in parts):
        expected["crc64"] = str(combine_all((part.crc64 or 0, part.size) for part in parts))
    if client_crc64:
        expected["client_crc64"] = client_crc64
    return expected


def _complete_multipart(upload: Upload, parts: Sequence[OssPart], actor: User | None) -> Upload:
    try:
        done = oss_client().complete(upload.bucket, upload.key, upload.upload_id, parts)
    except Unreachable as error:
        return settle(upload, actor, after=error)
    except OssError as error:
        if error.code == "NoSuchUpload":
            return settle(upload, actor)
        if not error.retryable:
            Upload.objects.advance(upload, Event.REOPEN, actor=actor)
        raise from_storage(error) from error
    return _finish(upload, done, actor)


def _complete_put(upload: Upload, crc64: str, actor: User | None) -> Upload:
    """The object is there already, or not: a PutObject has no parts to put together."""
    done = object_at_oss(upload)
    if done is None:
        raise PartsMissing("The file has not arrived at OSS: send it.", errors={"parts": [1]})
    if done.size != upload.size:
        detail = f"OSS holds {done.size} bytes instead of {upload.size}: send the file again."
        raise PartsMissing(detail, errors={"parts": [1]})
    expected = {"etag": done.etag} | ({"client_crc64": crc64} if crc64 else {})
    Upload.objects.advance(upload, Event.COMPLETE, actor=actor, expected=expected)
    return _finish(upload, done, actor)


def settle(upload: Upload, actor: User | None = None, *, after: Unreachable | None = None) -> Upload:
    """Ask OSS how it ended: the answer was lost, or the multipart upload is gone.

    `after`: the lost answer; OSS may still be at it, so that a missing object proves nothing yet.
    """
    upload.refresh_from_db()  # Whoever made the parts vanish has claimed the upload before.
    if upload.state == State.COMPLETED:
        return upload
    require(upload, State.UPLOADING, State.COMPLETING)
    expected = upload.expected or _expected_by_record(upload)
    done = object_at_oss(upload)
    if done is not None and expected and done.etag == expected["etag"]:
        if upload.state == State.UPLOADING:
            Upload.objects.advance(upload, Event.COMPLETE, actor=actor, expected=expected)
        return _finish(upload, done, actor)
    if after is not None:
        return upload
    gone = UploadGone("OSS has dropped this upload and its parts. Start the upload anew.")
    Upload.objects.advance(upload, Event.FAIL, actor=actor, error=as_record(gone), released_at=timezone.now())
    if upload.state == State.COMPLETED:
        return upload  # Somebody else found it finished in the meantime.
    raise gone


def _expected_by_record(upload: Upload) -> dict[str, str]:
    """From the checkpoint, if it knows every part: lets an upload that was completed behind our back be adopted."""
    rows = list(upload.parts.exclude(etag=""))
    if len(rows) != upload.part_count:
        return {}
    return {"etag": messages.multipart_etag(row.etag for row in rows)}


def _finish(upload: Upload, done: Completed, actor: User | None) -> Upload:
    """Compare what OSS has with what must be there, and record the end."""
    crc64 = "" if done.crc64 is None else str(done.crc64)
    actual = {"etag": done.etag, "crc64": crc64, "client_crc64": crc64}
    wrong = {name: value for name, value in (upload.expected or {}).items() if actual[name] and value != actual[name]}
    facts: dict[str, Any] = {"etag": done.etag, "crc64": crc64, "location": _location(upload)}
    if wrong:
        mismatch = ObjectMismatch(
            f"The object is in the bucket, but it is not what was sent: {_differences(wrong, actual)}. "
            "It was left there to be looked at; upload the file again.",
            errors={name: [value, actual[name]] for name, value in wrong.items()},
        )
        Upload.objects.advance(upload, Event.FAIL, actor=actor, error=as_record(mismatch), **facts)
        raise mismatch
    now = timezone.now()
    ended = {"completed_at": now, "released_at": now, "parts_done": upload.part_count, "bytes_done": upload.size}
    if Upload.objects.advance(upload, Event.FINISH, actor=actor, **facts, **ended):
        upload.parts.all().delete()
    require(upload, State.COMPLETED)
    return upload


def _differences(wrong: Mapping[str, str], actual: Mapping[str, str]) -> str:
    names = {"etag": "ETag", "crc64": "CRC64 of the parts", "client_crc64": "CRC64 of the file"}
    return ", ".join(f"{names[name]} {value}, at OSS {actual[name]}" for name, value in wrong.items())


def _location(upload: Upload) -> str:
    return settings.endpoint.url_of(upload.bucket, upload.key)
