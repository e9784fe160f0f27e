"""What all services need: the guard of states, the questions to OSS, and its errors turned into ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from uploads import connection
from uploads.conf import Destination, callback_parameters, settings
from uploads.domain.attributes import OBJECT_TYPE
from uploads.domain.completion import wrong_state
from uploads.domain.endings import from_record
from uploads.domain.errors import UploadError, from_storage
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place, Stored
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.callback import encode
from uploads.oss.errors import NotFound, OssError, StorageError
from uploads.oss.messages import Completed, Part
from uploads.services.transactions import oss_client


def callback_of(upload: Upload) -> tuple[str, Mapping[str, str]]:
    """The encoded callback to send to OSS, and its variables; empty if the destination has none."""
    destination = settings.destinations.get(upload.destination)
    if destination is None or not destination.callback or not upload.secret:
        return "", {}
    parameters = callback_parameters(destination.callback, {"x:upload": str(upload.pk), "x:secret": upload.secret})
    return encode(parameters)[0], parameters.variables


def destination_of(upload: Upload) -> Destination:
    """The upload's destination; one with the defaults if it is no longer in the settings."""
    return settings.destinations.get(upload.destination) or Destination(upload.destination)


def oss_now(upload: Upload) -> datetime:
    """The time at OSS in the place of this upload."""
    return connection.oss_now(settings.place_of(upload))


def require(upload: Upload, *allowed: State) -> None:
    """Raises WrongState unless the upload is in one of these states."""
    if upload.state not in allowed:
        raise wrong_state(State(upload.state))


def as_record(error: UploadError) -> dict[str, Any]:
    """An error as the row's `error` holds it: in English for administrators, and as phrases to translate later."""
    record = {"code": error.code, "title": error.title, "detail": error.advice, "phrase": error.detail.as_json()}
    return record if error.advice is error.detail else {**record, "advice": error.advice.as_json()}


def recorded_advice(kept: Mapping[str, Any]) -> Phrase:
    """What a recorded error tells administrators."""
    return Phrase.from_json(kept["advice"]) if "advice" in kept else from_record(kept)["detail"]


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn every error of OSS into an UploadError."""
    try:
        yield
    except StorageError as error:
        raise from_storage(error) from error


def parts_at_oss(upload: Upload) -> list[Part] | None:
    """As `parts_at`, of the multipart upload of a row."""
    return parts_at(upload, upload.key, upload.upload_id)


def parts_at(where: Place | Stored, key: str, upload_id: str) -> list[Part] | None:
    """ListParts; None if OSS does not know the multipart upload (any more). Raises StorageBusy, StorageRefused."""
    with storage_errors():
        try:
            return oss_client(where).list_parts(where.bucket, key, upload_id)
        except NotFound as error:
            if error.code != "NoSuchUpload":
                raise
            return None


def object_identity(bucket: str, key: str, etag: str, modified: datetime) -> UUID:
    """The id of the row of an object that no row was there for: another object with the same key has another one."""
    return uuid5(_OBJECTS, "\n".join((bucket, key, etag, str(int(modified.timestamp())))))


def is_registered_as(identity: UUID, bucket: str, key: str, found: Completed) -> bool:
    """Whether this object is the one from which `object_identity` made the id, and not one that has replaced it."""
    return found.modified is not None and object_identity(bucket, key, found.etag, found.modified) == identity


_OBJECTS = UUID("6f2a1c52-6c0e-4b51-9b5e-0f6a3c1d9e47")


def object_at_oss(upload: Upload, *, quick: bool = False) -> Completed | None:
    """HeadObject; None if there is no object. `quick`: asked once, and for a few seconds only.

    Raises StorageBusy, StorageRefused.
    """
    return _object_with_key(upload, upload.key, quick=quick)


def copy_at_oss(upload: Upload) -> Completed | None:
    """HeadObject of the final key of a staged upload; None if it is not staged, or not copied there.

    Only the backend writes final keys. A row that does not know the copy is from a backup of the database that is older
    than the copy. Raises StorageBusy, StorageRefused.
    """
    return _object_with_key(upload, upload.final_key) if upload.staging_key else None


def object_or_copy(upload: Upload) -> Completed | None:
    """`copy_at_oss`, and if there is no copy, `object_at_oss`: a form may have brought another object since."""
    return copy_at_oss(upload) or object_at_oss(upload)


_LINK_CODES = ("SymlinkTargetNotExist", "InvalidTargetType")
"""HeadObject of a symbolic link to an object that does not exist, or to another link: there is an object, the link."""


def _object_with_key(upload: Upload, key: str, *, quick: bool = False) -> Completed | None:
    with storage_errors():
        try:
            return oss_client(upload).head(upload.bucket, key, quick=quick)
        except OssError as error:
            if error.code in _LINK_CODES:
                return Completed("", size=0, headers={OBJECT_TYPE: "Symlink"})
            if not isinstance(error, NotFound) or error.code != "NoSuchKey":
                raise
            return None
