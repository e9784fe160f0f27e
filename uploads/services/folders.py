"""The files of a folder that a user has uploaded, and those that are unfinished.

Rule: a folder is the first segment of `relative_path`. It has no row and no id of its own: whoever chooses a folder
again, after a crash, in another browser or on another device, knows its name and nothing else. Files that were
created longer ago than unfinished uploads are kept (`upload_expires` of the destination) do not count: nobody resumes
them.
"""

from dataclasses import dataclass

from django.utils import timezone

from uploads.domain.errors import InvalidUpload, UploadError
from uploads.domain.names import clean_relative_path
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Method, Upload, UploadQuerySet, User
from uploads.services.abort import abort
from uploads.services.destination_rules import get_destination

ABORTED_AT_ONCE = 100
"""Uploads that one call aborts: each costs one or two requests to OSS."""


@dataclass(frozen=True, slots=True)
class AbortedFolder:
    """Numbers of uploads. `left`: those that a further call may abort; `refused`: those that OSS kept for now."""

    aborted: int
    refused: int
    left: int


def folder_uploads(owner: User, destination: str, folder: str, state: State) -> UploadQuerySet:
    """The user's uploads of the folder's files in this state. Raises InvalidUpload.

    SQLite compares without regard to case: see `is_in_folder`.
    """
    place = get_destination(destination)
    prefix = f"{_folder_name(folder)}/"
    since = timezone.now() - place.lifetime
    own = Upload.objects.for_user(owner).filter(created_at__gte=since, destination=place.name, state=state)
    return own.filter(relative_path__startswith=prefix)


def is_in_folder(upload: Upload, folder: str) -> bool:
    """Whether the upload's path begins with the folder, in the same case."""
    return upload.relative_path.startswith(f"{_folder_name(folder)}/")


def abort_folder(owner: User, destination: str, folder: str, *, single: bool = False) -> AbortedFolder:
    """Abort unfinished uploads of the folder's files, up to 100. Completed files stay. Raises InvalidUpload.

    `single`: only those that are sent in one request.
    """
    unfinished = folder_uploads(owner, destination, folder, State.UPLOADING)
    if single:
        unfinished = unfinished.exclude(method=Method.MULTIPART)
    found = [upload for upload in unfinished.order_by("-created_at", "-id") if is_in_folder(upload, folder)]
    refused = 0
    for upload in found[:ABORTED_AT_ONCE]:
        try:
            abort(upload, actor=owner)
        except UploadError:
            refused += 1  # It has ended meanwhile, or the sweep repeats what OSS refused.
    tried = len(found[:ABORTED_AT_ONCE])
    return AbortedFolder(aborted=tried - refused, refused=refused, left=len(found) - tried)


def _folder_name(folder: str) -> str:
    """The name as `relative_path` begins with it."""
    try:
        name, _, rest = clean_relative_path(f"{folder}/file").partition("/")
    except ValueError:
        name, rest = "", ""
    if rest != "file":
        detail = Phrase("{name!r} is not the name of a folder.", name=folder)
        raise InvalidUpload(detail, errors={"folder": [detail]})
    return name
