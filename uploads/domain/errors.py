"""What can go wrong for the people who upload; each error is a row: code, title, status, what to do.

    UploadError
    ├── NotFoundError       no such upload (or not theirs: they must not learn the difference)
    ├── InvalidUpload       what was asked for cannot be: size, name, type, part numbers; `errors` by field
    │   ├── TooLarge        more bytes than the destination takes
    │   └── KeyReused       an Idempotency-Key that stood for another request
    ├── Forbidden           this user may not
    │   └── OverQuota       not so many, or not so much, at once
    ├── CallbackRefused     a call that is not OSS's, or says nothing that we could use
    ├── Conflict            right question, wrong moment
    │   ├── WrongState      the upload is completed, aborted, failed …
    │   ├── NotOffered      the site is not set up for it
    │   └── PartsMissing    OSS does not hold all the parts; `errors["parts"]` names them
    ├── UploadGone          OSS does not know the upload any more; its parts are lost
    ├── ObjectMismatch      the object is there, but is not what was sent
    ├── StorageBusy         OSS cannot now: try again; nothing is lost
    └── StorageRefused      OSS says no to us: keys, policy, bucket: an administrator must look

Rule: pure. What they say are phrases (`phrase.py`): English that can be said in other languages. `api/problems.py`
alone turns them into answers, `from_storage` alone turns OSS's errors into them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from uploads.domain.phrase import Phrase
from uploads.oss.errors import OssError, StorageError


class UploadError(Exception):
    """Something a person or a program may be told. `detail` says what happened and what to do now."""

    code: ClassVar[str] = "upload_error"
    title: ClassVar[Phrase] = Phrase("The upload could not go on")
    status: ClassVar[int] = 400
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: Phrase,
        *,
        errors: Mapping[str, Any] | None = None,
        oss: Mapping[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`errors`: field → what is wrong with it; `oss`: {code, request_id}; `retry_after`: seconds."""
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})
        self.oss = dict(oss or {})
        self.retry_after = retry_after


class NotFoundError(UploadError):
    code = "not_found"
    title = Phrase("No such upload")
    status = 404


class InvalidUpload(UploadError):
    code = "invalid"
    title = Phrase("The request cannot be carried out as it is")


class TooLarge(InvalidUpload):
    code = "too_large"
    title = Phrase("The file is too large")
    status = 413


class KeyReused(InvalidUpload):
    code = "idempotency_key_reused"
    title = Phrase("The Idempotency-Key was used before")
    status = 422


class Forbidden(UploadError):
    code = "forbidden"
    title = Phrase("Not allowed")
    status = 403


class OverQuota(Forbidden):
    code = "over_quota"
    title = Phrase("Too much at once")


class CallbackRefused(UploadError):
    code = "callback_refused"
    title = Phrase("Not a callback of OSS")
    status = 403


class Conflict(UploadError):
    code = "conflict"
    title = Phrase("Not possible now")
    status = 409


class WrongState(Conflict):
    code = "wrong_state"
    title = Phrase("The upload is past that")


class PartsMissing(Conflict):
    code = "parts_missing"
    title = Phrase("Not all parts have arrived")


class UploadGone(UploadError):
    code = "upload_gone"
    title = Phrase("OSS no longer has this upload")
    status = 410


class ObjectMismatch(UploadError):
    code = "object_mismatch"
    title = Phrase("The object is not what was sent")
    status = 409


class StorageBusy(UploadError):
    code = "storage_busy"
    title = Phrase("The storage cannot answer now")
    status = 503
    retryable = True


class StorageRefused(UploadError):
    code = "storage_refused"
    title = Phrase("The storage refused the server's request")
    status = 502


class NotOffered(Conflict):
    code = "not_offered"
    title = Phrase("This site does not offer that")


def kinds_of_error(of: type[UploadError] = UploadError) -> Iterator[type[UploadError]]:
    """The tree above, as classes."""
    yield of
    for kind in of.__subclasses__():
        yield from kinds_of_error(kind)


CURES: dict[str, Phrase] = {
    "AccessDenied": Phrase("The server's OSS key may not do this: an administrator should check its RAM policy."),
    "InvalidAccessKeyId": Phrase("OSS does not know the server's access key id: set OSS_ACCESS_KEY_ID."),
    "SignatureDoesNotMatch": Phrase("The server's OSS secret is wrong: set OSS_ACCESS_KEY_SECRET."),
    "RequestTimeTooSkewed": Phrase("The server's clock is off by more than 15 minutes: set it right."),
    "NoSuchBucket": Phrase("The bucket does not exist: create it, or set OSS_BUCKET."),
    "EntityNotExist.Role": Phrase("The role does not exist: create it, or set OSS_STS_ROLE_ARN."),
    "NoPermission": Phrase(
        "The server's key may not assume the role: grant it sts:AssumeRole, and let the role trust it."
    ),
    "SecurityTokenExpired": Phrase("The server's temporary OSS credentials have expired: renew OSS_SESSION_TOKEN."),
}
"""What an administrator should do, by OSS's code."""


def from_storage(error: StorageError) -> UploadError:
    """The one place where an error of OSS becomes one of ours; code and request id come along."""
    oss = {"code": error.code, "request_id": error.request_id} if isinstance(error, OssError) else None
    if error.retryable:
        return StorageBusy(
            Phrase("The storage did not answer in time. Nothing is lost: try again."), oss=oss, retry_after=5
        )
    if error.code == "NoSuchUpload":
        return UploadGone(Phrase("OSS has dropped this upload and its parts. Start the upload anew."), oss=oss)
    if error.code == "FileAlreadyExists":
        return Conflict(Phrase("An object of that name exists and must not be replaced."), oss=oss)
    return StorageRefused(CURES.get(error.code, Phrase("OSS said: {message}", message=error.message)), oss=oss)
