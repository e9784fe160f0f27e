"""Aborts thousands of uploads in batches, one request for each batch, so that no request times out.

Rule: the ids are kept in the session of the user who selected them. Nothing is aborted before the user has confirmed
the number of uploads and of bytes. A batch ends after BATCH uploads or SECONDS,
whichever comes first. The page requests one batch after another; when it is closed and opened again, it continues.
"""

import secrets
import time
from collections.abc import Sequence
from typing import Any, TypedDict

from django.http import Http404, HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from uploads import services
from uploads.admin import display
from uploads.domain.errors import UploadError
from uploads.models import Orphan, Upload

BATCH, SECONDS = 50, 2.0
MAX_REFUSED = 50
"""Refusals that are kept to be shown; further ones are only counted."""
SESSION_KEY = "uploads-bulk-abort"


class Job(TypedDict):
    """`left`: ids of uploads still to abort; of orphans if `orphans`. `bytes`: held by OSS. `refused`: pairs of file
    name, or key, and reason."""

    confirmed: bool
    orphans: bool
    total: int
    bytes: int
    left: list[str]
    aborted: int
    failed: int
    refused: list[list[str]]


def begin(request: HttpRequest, selected: Sequence[tuple[Any, int]], *, orphans: bool = False) -> str:
    """Keeps the ids in the session, in place of an earlier job. Returns the token of the job.

    `selected`: for each upload its id and the bytes that OSS holds of it.
    """
    token = secrets.token_urlsafe(12)
    left, held = [str(identifier) for identifier, _ in selected], sum(count for _, count in selected)
    job: Job = {
        "confirmed": False,
        "orphans": orphans,
        "total": len(left),
        "bytes": held,
        "left": left,
        "aborted": 0,
        "failed": 0,
        "refused": [],
    }
    request.session[SESSION_KEY] = {token: job}
    return token


def find(request: HttpRequest, token: str) -> Job:
    """The job in this user's session. Raises Http404 when there is none with this token."""
    try:
        job: Job = request.session[SESSION_KEY][token]
    except KeyError:
        raise Http404(_("There is no such bulk abort. Select the uploads again.")) from None
    return job


def confirm(request: HttpRequest, token: str) -> None:
    """Lets the batches run. Raises Http404."""
    find(request, token)["confirmed"] = True
    request.session.modified = True


def run_batch(request: HttpRequest, token: str) -> Job:
    """Aborts the next batch, once the job is confirmed. Returns the job as it is then; raises Http404."""
    job, deadline = find(request, token), time.monotonic() + SECONDS
    if not job["confirmed"]:
        return job
    user = request.user._wrapped if isinstance(request.user, SimpleLazyObject) else request.user
    batch = job["left"][:BATCH]
    model = Orphan if job["orphans"] else Upload
    uploads = {str(pk): upload for pk, upload in model._default_manager.in_bulk(batch).items()}
    for identifier in batch:
        job["left"].pop(0)
        if identifier in uploads:
            _abort(uploads[identifier], job, user)
        if time.monotonic() > deadline:
            break
    request.session.modified = True
    return job


def _abort(upload: Any, job: Job, user: Any) -> None:
    try:
        if job["orphans"]:
            services.abort_if_orphan(upload)
        else:
            services.abort(upload, actor=user)
        job["aborted"] += 1
    except UploadError as error:
        job["failed"] += 1
        if len(job["refused"]) < MAX_REFUSED:
            name = upload.key if job["orphans"] else upload.filename
            job["refused"].append([name, error.advice.translated(_)])


def progress(job: Job) -> dict[str, Any]:
    """The job for the template and the script of the page; `words` is the sentence to show."""
    done = job["total"] - len(job["left"])
    words = _("{done} of {total} done: {aborted} aborted, {failed} refused")
    return {
        "confirmed": job["confirmed"],
        "total": job["total"],
        "bytes": display.size(job["bytes"]),
        "done": done,
        "aborted": job["aborted"],
        "failed": job["failed"],
        "refused": job["refused"],
        "over": not job["left"],
        "words": words.format(done=done, total=job["total"], aborted=job["aborted"], failed=job["failed"]),
    }
