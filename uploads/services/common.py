"""What every step of the journey needs: guards by name, OSS asked what is so, and its errors turned into ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from uploads.conf import callback_parameters, settings
from uploads.connection import oss_client
from uploads.domain.errors import UploadError, WrongState, from_storage
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.callback import encode
from uploads.oss.errors import NotFound, StorageError
from uploads.oss.messages import Completed, Part

_WORDS = {
    State.UPLOADING: Phrase("The upload is not finished yet."),
    State.COMPLETING: Phrase("The upload is being completed right now."),
    State.COMPLETED: Phrase("The upload is completed already."),
    State.ABORTED: Phrase("The upload was aborted. Start it anew."),
    State.FAILED: Phrase("The upload has failed. Start it anew."),
}


def callback_of(upload: Upload) -> tuple[str, Mapping[str, str]]:
    """The callback that OSS is asked for, as it travels, and its variables; empty where none is wanted."""
    place = settings.destinations.get(upload.destination)
    if place is None or not place.callback or not upload.secret:
        return "", {}
    asked = callback_parameters(place.callback, {"x:upload": str(upload.pk), "x:secret": upload.secret})
    return encode(asked)[0], asked.variables


def wrong_state(upload: Upload) -> WrongState:
    """The error for an upload that is past what was asked."""
    return WrongState(_WORDS[State(upload.state)], errors={"state": [upload.state]})


def require(upload: Upload, *allowed: State) -> None:
    """Raises WrongState, in words, unless the upload is in one of these states."""
    if upload.state not in allowed:
        raise wrong_state(upload)


def as_record(error: UploadError) -> dict[str, Any]:
    """An error as the row's `error` holds it: in English, and as what it can be said from in another language."""
    return {"code": error.code, "title": error.title, "detail": error.detail, "phrase": error.detail.as_json()}


def from_record(kept: Mapping[str, Any]) -> dict[str, Phrase]:
    """The title and detail of such an error. Rows of before hold plain English."""
    detail = Phrase.from_json(kept["phrase"]) if "phrase" in kept else Phrase(str(kept.get("detail", "")))
    return {"title": Phrase(str(kept.get("title", ""))), "detail": detail}


@contextmanager
def storage_errors() -> Iterator[None]:
    """Lets no error of OSS out but as one of ours."""
    try:
        yield
    except StorageError as error:
        raise from_storage(error) from error


def parts_at_oss(upload: Upload) -> list[Part] | None:
    """ListParts: the truth. None when OSS does not know the multipart upload (any more)."""
    with storage_errors():
        try:
            return oss_client().list_parts(upload.bucket, upload.key, upload.upload_id)
        except NotFound as error:
            if error.code != "NoSuchUpload":
                raise
            return None


def object_at_oss(upload: Upload) -> Completed | None:
    """HeadObject: the truth. None when there is no object."""
    with storage_errors():
        try:
            return oss_client().head(upload.bucket, upload.key)
        except NotFound as error:
            if error.code != "NoSuchKey":
                raise
            return None
