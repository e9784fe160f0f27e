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

Rule: pure; `api/problems.py` alone turns these into answers, `from_storage` alone turns OSS's errors into these.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from uploads.oss.errors import OssError, StorageError


class UploadError(Exception):
    """Something a person or a program may be told. `detail` says what happened and what to do now."""

    code: ClassVar[str] = "upload_error"
    title: ClassVar[str] = "The upload could not go on"
    status: ClassVar[int] = 400
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
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
    title = "No such upload"
    status = 404


class InvalidUpload(UploadError):
    code = "invalid"
    title = "The request cannot be carried out as it is"


class TooLarge(InvalidUpload):
    code = "too_large"
    title = "The file is too large"
    status = 413


class KeyReused(InvalidUpload):
    code = "idempotency_key_reused"
    title = "The Idempotency-Key was used before"
    status = 422


class Forbidden(UploadError):
    code = "forbidden"
    title = "Not allowed"
    status = 403


class OverQuota(Forbidden):
    code = "over_quota"
    title = "Too much at once"


class CallbackRefused(UploadError):
    code = "callback_refused"
    title = "Not a callback of OSS"
    status = 403


class Conflict(UploadError):
    code = "conflict"
    title = "Not possible now"
    status = 409


class WrongState(Conflict):
    code = "wrong_state"
    title = "The upload is past that"


class PartsMissing(Conflict):
    code = "parts_missing"
    title = "Not all parts have arrived"


class UploadGone(UploadError):
    code = "upload_gone"
    title = "OSS no longer has this upload"
    status = 410


class ObjectMismatch(UploadError):
    code = "object_mismatch"
    title = "The object is not what was sent"
    status = 409


class StorageBusy(UploadError):
    code = "storage_busy"
    title = "The storage cannot answer now"
    status = 503
    retryable = True


class StorageRefused(UploadError):
    code = "storage_refused"
    title = "The storage refused the server's request"
    status = 502


class NotOffered(Conflict):
    code = "not_offered"
    title = "This site does not offer that"


CURES: dict[str, str] = {
    "AccessDenied": "The server's OSS key may not do this: an administrator should check its RAM policy.",
    "InvalidAccessKeyId": "OSS does not know the server's access key id: set OSS_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "The server's OSS secret is wrong: set OSS_ACCESS_KEY_SECRET.",
    "RequestTimeTooSkewed": "The server's clock is off by more than 15 minutes: set it right.",
    "NoSuchBucket": "The bucket does not exist: create it, or set OSS_BUCKET.",
    "EntityNotExist.Role": "The role does not exist: create it, or set OSS_STS_ROLE_ARN.",
    "NoPermission": "The server's key may not assume the role: grant it sts:AssumeRole, and let the role trust it.",
    "SecurityTokenExpired": "The server's temporary OSS credentials have expired: renew OSS_SESSION_TOKEN.",
}
"""What an administrator should do, by OSS's code."""


def from_storage(error: StorageError) -> UploadError:
    """The one place where an error of OSS becomes one of ours; code and request id come along."""
    oss = {"code": error.code, "request_id": error.request_id} if isinstance(error, OssError) else None
    if error.retryable:
        return StorageBusy("The storage did not answer in time. Nothing is lost: try again.", oss=oss, retry_after=5)
    if error.code == "NoSuchUpload":
        return UploadGone("OSS has dropped this upload and its parts. Start the upload anew.", oss=oss)
    if error.code == "FileAlreadyExists":
        return Conflict("An object of that name exists and must not be replaced.", oss=oss)
    return StorageRefused(CURES.get(error.code, f"OSS said: {error.message}"), oss=oss)
