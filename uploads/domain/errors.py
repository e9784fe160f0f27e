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
    ├── IssuerUnavailable   the keys of the issuer of tokens cannot be fetched; nothing is lost
    ├── DatabaseUnavailable the site's own database or cache does not answer; nothing is lost
    └── InternalError       a mistake in this program; the log has the traceback under the request's id

Rule: pure. Texts are phrases (`phrase.py`), to be translated when they are read. `from_storage` alone turns OSS's
errors into these, and `web/problems.py` alone turns these into answers.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from uploads.domain.phrase import Phrase
from uploads.oss import error_codes
from uploads.oss.error_codes import ErrorCode, Fault, access
from uploads.oss.errors import CredentialsUnavailable, NotOss, OssError, StorageError


class UploadError(Exception):
    """The base of all errors. `detail` tells users what happened and what to do; `retryable`: repeating may help."""

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
        """`errors`: field → messages or values; `oss`: what `oss_facts` returns; `retry_after`: in seconds.

        `sizes`: the exact bytes that `detail` rounds.
        """
        self.detail = detail
        self.errors = dict(errors or {})
        self.oss = dict(oss or {})
        self.sizes = dict(sizes or {})
        self.retry_after = retry_after
        super().__init__(self.advice)

    @property
    def advice(self) -> Phrase:
        """The detail, and the cure where OSS refused: for administrators, logs and those who call the services."""
        cure = self.oss.get("cure")
        return Phrase.joined([self.detail, cure], " ") if cure else self.detail


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


class IssuerUnavailable(UploadError):
    code = "issuer_unavailable"
    title = Phrase("The login service is not available at the moment")
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


REFUSED_PARTS = frozenset({"EntityTooSmall", "InvalidPart", "InvalidPartOrder"})
"""OSS's codes that concern the parts of an upload, whose cure is the client's. Manual: CompleteMultipartUpload."""

REFUSED: dict[Fault, Phrase] = {
    Fault.PAGE: Phrase("OSS did not accept the request. Repeating it does not help; start a new upload."),
    Fault.SITE: Phrase(
        "OSS refused the request because of the site's configuration. An administrator must correct it."
    ),
    Fault.ACCOUNT: Phrase("OSS refused the request because of the site's account. An administrator must act."),
    Fault.OSS: Phrase("OSS could not do what was requested. Try again later."),
}
"""What users are told of an error of OSS, by whose fault it is. The cure is for those who run the site."""


def cure_of(error: OssError) -> Phrase | None:
    """What an administrator should do, with the endpoint, the action and the resource that OSS names; None for a code
    that is not in the table (`oss.error_codes`). Settings have the names of the place of the request.
    """
    row = error_codes.find(error.code, error.ec)
    return None if row is None else _cure(error, row).renamed(error.setting_names)


def _cure(error: OssError, row: ErrorCode) -> Phrase:
    if error.code in ("AccessDenied", "PermanentRedirect") and error.endpoint:
        return Phrase(access.WRONG_ENDPOINT, endpoint=error.endpoint)
    if error.code == "AccessDenied" and error.action:
        named = {"action": error.action, "resource": error.resource or "*"}
        if error.denied_explicitly:
            return Phrase(access.ACTION_DENIED, policy=error.fields.get("PolicyType", "RAM"), **named)
        return Phrase(access.ROLE_MISSING if error.ec == access.ROLE_EC else access.ACTION_MISSING, **named)
    return Phrase(row.cure)


def oss_facts(error: StorageError) -> dict[str, str] | None:
    """The member `oss` of a problem: OSS's code, request id and EC, and what those who run the site should do and read.
    None without an answer of OSS.
    """
    if not isinstance(error, OssError):
        return None
    facts = {"code": error.code, "request_id": error.request_id, **({"ec": error.ec} if error.ec else {})}
    row = error_codes.find(error.code, error.ec)
    if row is None or row.fault == Fault.PAGE:
        return facts
    return facts | {"cure": cure_of(error) or "", "link": error.link}


def from_storage(error: StorageError) -> UploadError:
    """The error to raise for an error of the OSS client, with what OSS answered and the cure in `oss`."""
    oss = oss_facts(error)
    if isinstance(error, CredentialsUnavailable):
        text = Phrase("The server could not obtain its OSS credentials. Nothing is lost; try again.")
        return StorageBusy(text, retry_after=5)
    if isinstance(error, NotOss):
        text = Phrase("Something other than OSS answers the server. Nothing is lost; try again.")
        return StorageBusy(text, retry_after=5)
    if error.retryable:
        return StorageBusy(
            Phrase("The storage did not answer in time. Nothing is lost; try again."), oss=oss, retry_after=5
        )
    if error.code == "NoSuchUpload":
        return UploadGone(Phrase("OSS no longer has this upload and its parts. Start a new upload."), oss=oss)
    if error.code == "FileAlreadyExists":
        return Conflict(Phrase("An object with this key exists and must not be overwritten."), oss=oss)
    row = error_codes.find(error.code)
    if row is None:
        return StorageRefused(Phrase("OSS answered: {message}", message=error.message), oss=oss)
    if error.code in REFUSED_PARTS:
        named = error.fields.get("PartNumber", "") if isinstance(error, OssError) else ""
        numbers = [int(named)] if named.isascii() and named.isdigit() else []
        return PartsRefused(Phrase(row.cure), errors={"parts": numbers}, oss=oss)
    return StorageRefused(REFUSED[row.fault], oss=oss)


def advice(error: StorageError) -> Phrase:
    """What an administrator should do about an error of the OSS client: the cure, or what users are told of it."""
    cure = cure_of(error) if isinstance(error, OssError) else None
    return cure or from_storage(error).detail
