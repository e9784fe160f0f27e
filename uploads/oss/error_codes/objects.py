"""Errors of the state of a bucket, an object or an upload: statuses 404 to 416.

Manual: "HTTP status code 409" and the pages of the operations. Where the cause has a page of its own, its number is the
EC.
"""

from uploads.oss.error_codes.requests import CORRECT_REQUEST
from uploads.oss.error_codes.row import ErrorCode, Fault
from uploads.oss.error_codes.row import gettext_noop as _

PAGE, SITE = Fault.PAGE, Fault.SITE
_NO_UPLOAD = (
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
    "completed."
)
_TAKEN = (
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
    "Please select a different name and try again."
)
_NO_OVERWRITE = "The object you specified already exists and can not be overwritten."
KEY_STATE = _("Enable the KMS key that encrypts the bucket, or choose another key.")
CONFIGURE = _("Run manage.py configure_bucket.")
CHANGED = _("The object changed meanwhile. Read it again, then repeat the request.")
RETENTION = _("A retention policy of the bucket protects the object. Wait until it ends, or choose another key.")
NOT_SET = _("The bucket has no such configuration. Nothing needs to be done.")

ROWS = (
    ErrorCode(
        "NoSuchBucket",
        404,
        "The specified bucket does not exist.",
        SITE,
        _("The bucket does not exist. Create it, or correct OSS_BUCKET."),
        ec="0015-00000101",
    ),
    ErrorCode(
        "NoSuchKey",
        404,
        "The specified key does not exist.",
        PAGE,
        _("The object does not exist, or was deleted. Upload the file again."),
        ec="0026-00000001",
    ),
    ErrorCode(
        "NoSuchUpload",
        404,
        _NO_UPLOAD,
        PAGE,
        _("OSS no longer has this upload and its parts. Start a new upload."),
        ec="0042-00000002",
    ),
    ErrorCode("NoSuchVersion", 404, "The specified version does not exist.", PAGE, CORRECT_REQUEST),
    ErrorCode(
        "NoSuchBucketOverwriteConfig",
        404,
        "The bucket does not have an overwrite configuration.",
        SITE,
        CONFIGURE,
    ),
    ErrorCode(
        "NoSuchLifecycle",
        404,
        "No Row found in Lifecycle Table.",
        SITE,
        CONFIGURE,
    ),
    ErrorCode(
        "NoSuchCORSConfiguration",
        404,
        "The CORS Configuration does not exist.",
        SITE,
        CONFIGURE,
    ),
    ErrorCode(
        "NoSuchWebsiteConfiguration",
        404,
        "The specified bucket does not have a website configuration.",
        PAGE,
        NOT_SET,
    ),
    ErrorCode("NoSuchWORMConfiguration", 404, "The WORM Configuration does not exist.", PAGE, NOT_SET),
    ErrorCode(
        "NoSuchServerSideEncryptionRule",
        404,
        "The bucket does not have a server-side encryption rule.",
        PAGE,
        NOT_SET,
    ),
    ErrorCode(
        "MethodNotAllowed", 405, "The specified method is not allowed against this resource.", PAGE, CORRECT_REQUEST
    ),
    ErrorCode(
        "FileAlreadyExists",
        409,
        _NO_OVERWRITE,
        PAGE,
        _("An object with this key exists and must not be overwritten. Choose another name."),
        ec="0026-00000002",
    ),
    ErrorCode(
        "FileImmutable",
        409,
        "The object you specified is immutable.",
        SITE,
        RETENTION,
    ),
    ErrorCode("ObjectNotAppendable", 409, "The object is not appendable.", PAGE, CORRECT_REQUEST),
    ErrorCode("PositionNotEqualToLength", 409, "Position is not equal to file length.", PAGE, CHANGED),
    ErrorCode(
        "BucketAlreadyExists",
        409,
        _TAKEN,
        SITE,
        _("Another account has a bucket of this name. Choose another name."),
        ec="0015-00000104",
    ),
    ErrorCode(
        "BucketNotEmpty",
        409,
        "The bucket has objects. Please delete them first.",
        SITE,
        _("Delete the objects, and abort the multipart uploads, before you delete the bucket."),
        ec="0015-00000301",
    ),
    ErrorCode(
        "KeyDisabled",
        409,
        "The request was rejected because the key state is Disabled.",
        SITE,
        KEY_STATE,
        ec="0005-00000214",
    ),
    ErrorCode(
        "KeyPendingDeletion",
        409,
        "The request was rejected because the key state is PendingDeletion.",
        SITE,
        KEY_STATE,
    ),
    ErrorCode("MissingContentLength", 411, "You must provide the Content-Length HTTP header.", PAGE, CORRECT_REQUEST),
    ErrorCode(
        "PreconditionFailed",
        412,
        "At least one of the pre-conditions you specified did not hold.",
        PAGE,
        CHANGED,
        ec="0017-00001001",
    ),
    ErrorCode("InvalidRange", 416, "The requested range cannot be satisfied.", PAGE, CORRECT_REQUEST),
)
