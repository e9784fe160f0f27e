"""The checks of a staged object: its size and type, its content, and the destination's inspector."""

import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from django.utils.module_loading import import_string

from uploads.conf import Destination, settings
from uploads.domain import staging
from uploads.domain.attributes import is_file
from uploads.domain.errors import Rejected, StorageBusy, UploadError
from uploads.domain.phrase import Phrase
from uploads.domain.sniffing import HEAD_BYTES, content_problem
from uploads.domain.staging import Staged
from uploads.models import Upload
from uploads.objects import BUFFER_BYTES, ObjectReader
from uploads.oss.errors import NotFound, OssError, StorageError
from uploads.oss.messages import Completed
from uploads.services.destination_rules import check_file
from uploads.services.stage_claim import ClaimLost
from uploads.services.transactions import oss_client

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

log = logging.getLogger("uploads.staging")

RETRY_SECONDS = 30


def inspect(upload: Upload, staged: Staged, *, keep_alive: Callable[[], None]) -> UploadError | None:
    """Why the staged object is refused; None if it passes. `keep_alive` is called while the inspector reads.

    Raises StorageBusy while the inspector does not work, and errors of OSS; nothing is decided then.
    """
    destination = settings.destinations.get(upload.destination)
    if destination is None:
        return Rejected(Phrase("The destination {name!r} no longer exists.", name=upload.destination))
    try:
        found = oss_client(upload).head(upload.bucket, upload.staging_key)
        if found.etag != staged.etag or not is_file(found.headers):
            return staging.replaced()
        return _rule_problem(destination, upload, found) or _inspect(destination, upload, found, keep_alive)
    except NotFound as error:
        if error.code != "NoSuchKey":
            raise
        return staging.gone()
    except OssError as error:
        if error.code != "PreconditionFailed":
            raise
        return staging.replaced()


def _rule_problem(destination: Destination, upload: Upload, found: Completed) -> UploadError | None:
    """Size and type as OSS has them, and the type that the first bytes show."""
    size = found.size or 0
    try:
        check_file(destination, size, found.content_type)
    except UploadError as error:
        return Rejected(error.detail)
    head = b""
    if size:
        head = oss_client(upload).get_range(upload.bucket, upload.staging_key, 0, min(size, HEAD_BYTES), found.etag)
    problem = content_problem(head, upload.content_type, destination.content_types)
    return Rejected(problem) if problem else None


def _inspect(
    destination: Destination, upload: Upload, found: Completed, keep_alive: Callable[[], None]
) -> UploadError | None:
    if not destination.inspector:
        return None

    def open_file() -> BinaryIO:
        reader = _Reader(oss_client(upload), upload.bucket, upload.staging_key, found)
        reader.keep_alive = keep_alive
        return io.BufferedReader(reader, BUFFER_BYTES)

    try:
        import_string(destination.inspector)(upload, open_file)
    except Rejected as error:
        return error
    except (StorageError, ClaimLost):
        raise
    except Exception as error:
        # Whatever an inspector raises, the file has not passed.
        log.exception("inspector failed", extra={"upload": str(upload.pk), "inspector": destination.inspector})
        detail = Phrase("The file cannot be inspected at the moment. Nothing is lost; try again.")
        raise StorageBusy(detail, retry_after=RETRY_SECONDS) from error
    return None


class _Reader(ObjectReader):
    """The staged object as it was found. Reading it shows that the inspector is at work."""

    keep_alive: Callable[[], None]

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self.keep_alive()
        return super().readinto(buffer)
