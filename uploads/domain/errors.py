"""The errors that people and programs are told: for each a code, a title, an HTTP status and what to do.

    UploadError
    ├── NotFoundError       there is no such upload, or it belongs to another user; the answer does not say which
    ├── InvalidUpload       a value is invalid: size, file name, content type, part number; `errors` by field
    │   ├── TooLarge        more bytes than the destination accepts
    │   └── KeyReused       the Idempotency-Key was used for another request
    ├── Forbidden           the user lacks the permission
    │   └── OverQuota       too many unfinished uploads, or too many bytes in a day
    ├── CsrfFailed          the CSRF token is missing, or of an earlier login; the page asks for a new one
    ├── CallbackRefused     a callback that OSS did not sign, or with a body that cannot be read
    ├── Conflict            valid, but not possible now
    │   ├── WrongState      the upload is completed, aborted, failed …
    │   ├── DeletionNotAllowed  the destination does not let users delete completed uploads
    │   ├── NotOffered      the site is not configured for it
    │   ├── PartsMissing    OSS does not have all parts; `errors["parts"]` lists their numbers
    │   └── PartsRefused    OSS refuses parts or their order; `errors["parts"]` lists those that OSS names
    ├── UploadGone          OSS does not know the upload any more; its parts are lost
    ├── ObjectMismatch      the object exists, but differs from the file that was sent
    ├── Rejected            the file of a staged destination did not pass the checks
    ├── StorageBusy         OSS cannot be reached, or asks to retry; nothing is lost
    ├── StorageRefused      OSS refuses the server's request: credentials, policy, bucket; an administrator must act
    ├── DatabaseUnavailable the site's own database does not answer; nothing is lost
    └── InternalError       a mistake in this program; the log has the traceback under the request's id

Rule: pure. Texts are phrases (`phrase.py`), to be translated when they are read. `from_storage` alone turns OSS's
errors into these, and `web/problems.py` alone turns these into answers.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from uploads.domain.phrase import Phrase
from uploads.oss.errors import CredentialsUnavailable, OssError, StorageError


class UploadError(Exception):
    """The base of all errors. `detail` says what happened and what to do; `retryable`: repeating may help."""

    code: ClassVar[str] = "upload_error"
    title: ClassVar[Phrase] = Phrase("The upload could not continue")
    status: ClassVar[int] = 400
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: Phrase,
        *,
        errors: Mapping[str, Any] | None = None,
        oss: Mapping[str, str] | None = None,
        sizes: Mapping[str, int] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`errors`: field → messages or values; `oss`: OSS's `code` and `request_id`; `retry_after`: in seconds.

        `sizes`: the exact bytes that `detail` rounds.
        """
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})
        self.oss = dict(oss or {})
        self.sizes = dict(sizes or {})
        self.retry_after = retry_after


class NotFoundError(UploadError):
    code = "not_found"
    title = Phrase("No such upload")
    status = 404


class InvalidUpload(UploadError):
    code = "invalid"
    title = Phrase("Invalid request")


class TooLarge(InvalidUpload):
    code = "too_large"
    title = Phrase("The file is too large")
    status = 413


class KeyReused(InvalidUpload):
    code = "idempotency_key_reused"
    title = Phrase("The Idempotency-Key was used for another request")
    status = 422


class Forbidden(UploadError):
    code = "forbidden"
    title = Phrase("Not allowed")
    status = 403


class OverQuota(Forbidden):
    code = "over_quota"
    title = Phrase("Quota exceeded")


class CsrfFailed(UploadError):
    code = "csrf_failed"
    title = Phrase("The CSRF token was refused")
    status = 403


class CallbackRefused(UploadError):
    code = "callback_refused"
    title = Phrase("Invalid OSS callback")
    status = 403


class Conflict(UploadError):
    code = "conflict"
    title = Phrase("Not possible now")
    status = 409


class WrongState(Conflict):
    code = "wrong_state"
    title = Phrase("Not allowed in the current state")


class DeletionNotAllowed(Conflict):
    code = "deletion_not_allowed"
    title = Phrase("Completed uploads cannot be deleted here")


class PartsMissing(Conflict):
    code = "parts_missing"
    title = Phrase("Not all parts have arrived")


class PartsRefused(Conflict):
    code = "parts_refused"
    title = Phrase("OSS refuses the parts")


class UploadGone(UploadError):
    code = "upload_gone"
    title = Phrase("OSS no longer has this upload")
    status = 410


class ObjectMismatch(UploadError):
    code = "object_mismatch"
    title = Phrase("The object differs from the file that was sent")
    status = 409


class Rejected(UploadError):
    """Inspectors raise it, with the reason as a phrase."""

    code = "rejected"
    title = Phrase("The file was rejected")
    status = 422


class StorageBusy(UploadError):
    code = "storage_busy"
    title = Phrase("The storage is not available at the moment")
    status = 503
    retryable = True


class StorageRefused(UploadError):
    code = "storage_refused"
    title = Phrase("The storage refused the server's request")
    status = 502


class DatabaseUnavailable(UploadError):
    code = "database_unavailable"
    title = Phrase("The site is not available at the moment")
    status = 503
    retryable = True


class InternalError(UploadError):
    code = "internal_error"
    title = Phrase("Internal error")
    status = 500


class NotOffered(Conflict):
    code = "not_offered"
    title = Phrase("Not available on this site")


def kinds_of_error(of: type[UploadError] = UploadError) -> Iterator[type[UploadError]]:
    """Every class of the tree above, `of` first."""
    yield of
    for kind in of.__subclasses__():
        yield from kinds_of_error(kind)


FIXES: dict[str, Phrase] = {
    "AccessDenied": Phrase("The server's access key may not do this. An administrator should check its RAM policy."),
    "InvalidAccessKeyId": Phrase("OSS does not know the server's AccessKey ID. Correct OSS_ACCESS_KEY_ID."),
    "SignatureDoesNotMatch": Phrase("The server's AccessKey secret is wrong. Correct OSS_ACCESS_KEY_SECRET."),
    "RequestTimeTooSkewed": Phrase("The server's clock is wrong by more than 24 hours. Correct it."),
    "InvalidTimeStamp.Expired": Phrase("The server's clock is wrong by more than 24 hours. Correct it."),
    "NoSuchBucket": Phrase("The bucket does not exist. Create it, or correct OSS_BUCKET."),
    "EntityNotExist.Role": Phrase("The RAM role does not exist. Create it, or correct OSS_STS_ROLE_ARN."),
    "NoPermission": Phrase(
        "The server's access key is not allowed to assume the RAM role. "
        "Grant it sts:AssumeRole, and let the role trust it."
    ),
    "SecurityTokenExpired": Phrase("The server's temporary OSS credentials have expired. Renew OSS_SESSION_TOKEN."),
}
"""OSS's error code → what an administrator should do."""


REFUSED_PARTS: dict[str, Phrase] = {
    "EntityTooSmall": Phrase("A part other than the last one is smaller than 100 KB. Start a new upload."),
    "InvalidPart": Phrase("OSS does not have a part, or has other bytes under its number. Send the part again."),
    "InvalidPartOrder": Phrase("The parts are not in ascending order. Complete the upload again."),
}
"""OSS's error codes that concern the parts of an upload → what a client should do. Manual: CompleteMultipartUpload."""


def from_storage(error: StorageError) -> UploadError:
    """The error to raise for an error of the OSS client, with OSS's code and request id in `oss`."""
    oss = {"code": error.code, "request_id": error.request_id} if isinstance(error, OssError) else None
    if isinstance(error, CredentialsUnavailable):
        text = Phrase("The server could not obtain its OSS credentials. Nothing is lost; try again.")
        return StorageBusy(text, retry_after=5)
    if error.retryable:
        return StorageBusy(
            Phrase("The storage did not answer in time. Nothing is lost; try again."), oss=oss, retry_after=5
        )
    if error.code == "NoSuchUpload":
        return UploadGone(Phrase("OSS no longer has this upload and its parts. Start a new upload."), oss=oss)
    if error.code == "FileAlreadyExists":
        return Conflict(Phrase("An object with this key exists and must not be overwritten."), oss=oss)
    if error.code in REFUSED_PARTS:
        named = error.fields.get("PartNumber", "") if isinstance(error, OssError) else ""
        numbers = [int(named)] if named.isascii() and named.isdigit() else []
        return PartsRefused(REFUSED_PARTS[error.code], errors={"parts": numbers}, oss=oss)
    return StorageRefused(FIXES.get(error.code, Phrase("OSS answered: {message}", message=error.message)), oss=oss)
