"""Aborting thousands: in batches that the page asks for one after another, so that nothing ever times out.

Rule: what is to be aborted is kept in the session of whoever chose it; a batch ends after so many uploads or seconds,
whichever is first. A page that is closed simply stops asking; it can be opened again.
"""

import secrets
import time
from collections.abc import Sequence
from typing import Any, TypedDict

from django.http import Http404, HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from uploads import services
from uploads.domain.errors import UploadError
from uploads.models import Upload

BATCH, SECONDS = 50, 2.0
MAX_TOLD = 50
"""Refusals that are kept to be shown."""
_SLOT = "uploads-aborting"


class Job(TypedDict):
    """`left`: ids still to go. `refused`: [name, why]."""

    total: int
    left: list[str]
    aborted: int
    failed: int
    refused: list[list[str]]


def begin(request: HttpRequest, identifiers: Sequence[Any]) -> str:
    """Keep what was chosen; the token under which it is found again."""
    token = secrets.token_urlsafe(12)
    left = [str(identifier) for identifier in identifiers]
    job: Job = {"total": len(left), "left": left, "aborted": 0, "failed": 0, "refused": []}
    request.session[_SLOT] = {token: job}  # One at a time: an older one is over or forgotten.
    return token


def find(request: HttpRequest, token: str) -> Job:
    try:
        job: Job = request.session[_SLOT][token]
    except KeyError:
        raise Http404(_("There is nothing under way here: choose the uploads again.")) from None
    return job


def step(request: HttpRequest, token: str) -> Job:
    """The next batch."""
    job, deadline = find(request, token), time.monotonic() + SECONDS
    user = request.user._wrapped if isinstance(request.user, SimpleLazyObject) else request.user
    batch = job["left"][:BATCH]
    rows = Upload.objects.in_bulk(batch)
    for identifier in batch:
        job["left"].pop(0)
        upload = next((row for pk, row in rows.items() if str(pk) == identifier), None)
        if upload is not None:
            _abort(upload, job, user)
        if time.monotonic() > deadline:
            break
    request.session.modified = True
    return job


def _abort(upload: Upload, job: Job, user: Any) -> None:
    try:
        services.abort(upload, actor=user)
        job["aborted"] += 1
    except UploadError as error:
        job["failed"] += 1
        if len(job["refused"]) < MAX_TOLD:
            job["refused"].append([upload.filename, error.detail.said(_)])


def progress(job: Job) -> dict[str, Any]:
    """For the page; in words too, since they are its reader's."""
    done = job["total"] - len(job["left"])
    words = _("{done} of {total} done: {aborted} aborted, {failed} refused")
    return {
        "total": job["total"],
        "done": done,
        "aborted": job["aborted"],
        "failed": job["failed"],
        "refused": job["refused"],
        "over": not job["left"],
        "words": words.format(done=done, total=job["total"], aborted=job["aborted"], failed=job["failed"]),
    }
