"""Errors that concern the request, the bucket or the object: every status below 500 except 403.

Manual: "HTTP 400 errors", "HTTP status code 409", and the pages of the operations. Where the cause has a page of its
own, its number is the EC.
"""

from uploads.oss.error_codes.row import ErrorCode, Fault
from uploads.oss.error_codes.row import gettext_noop as _

PAGE, SITE, ACCOUNT = Fault.PAGE, Fault.SITE, Fault.ACCOUNT
_MISSING_PART = (
    "One or more of the specified parts could not be found or the specified entity tag might not have matched "
    "the part's entity tag."
)
_PART_ORDER = "The list of parts was not in ascending order. Parts list must specified in order by part number."
_BAD_XML = "The XML you provided was not well-formed or did not validate against our published schema."
_SHORT_BODY = "You did not provide the number of bytes specified by the Content-Length HTTP header."
_SLOW_BODY = (
    "Your socket connection to the server was not read from or written to within the timeout period. "
    "Idle connections will be closed."
)
_ENCRYPTION = "The Encryption request you specified is not valid. Supported value: AES256/KMS/SM4."
_NO_UPLOAD = (
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
    "completed."
)
_TAKEN = (
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
    "Please select a different name and try again."
)
_NO_OVERWRITE = "The object you specified already exists and can not be overwritten."

CORRECT_REQUEST = _("The request is not valid. Report it with its request id to those who maintain the program.")
SEND_AGAIN = _("The connection lost or changed bytes of the request. Send it again.")
CUSTOM_DOMAIN = _(
    "Bind a custom domain to the bucket, with an ICP filing, and set it as OSS_ENDPOINT with OSS_ADDRESSING=cname. "
    "Let the server use the internal endpoint: OSS_INTERNAL_ENDPOINT."
)
KEY_STATE = _("Enable the KMS key that encrypts the bucket, or choose another key.")
CONFIGURE = _("Run manage.py configure_bucket.")
RETENTION = _("A retention policy of the bucket protects the object. Wait until it ends, or choose another key.")
NOT_SET = _("The bucket has no such configuration. Nothing needs to be done.")

ROWS = (
    ErrorCode(
        "CallbackFailed",
        203,
        "The callback failed.",
        SITE,
        _("Check that the callback's URL is right, is open to OSS's addresses, and answers 200 with JSON within 5 s."),
        ec="0007-00000203",
    ),
    ErrorCode("NotModified", 304, "The object has not changed.", PAGE, _("Use the copy that you have.")),
    ErrorCode("InvalidArgument", 400, "Invalid argument.", PAGE, CORRECT_REQUEST),
    ErrorCode("InvalidRequest", 400, "Invalid request.", PAGE, CORRECT_REQUEST),
    ErrorCode("BadRequest", 400, "Bad request.", PAGE, CORRECT_REQUEST),
    ErrorCode("MalformedXML", 400, _BAD_XML, PAGE, CORRECT_REQUEST),
    ErrorCode(
        "InvalidPart",
        400,
        _MISSING_PART,
        PAGE,
        _("OSS does not have a part, or has other bytes under its number. Send the part again."),
    ),
    ErrorCode(
        "InvalidPartOrder",
        400,
        _PART_ORDER,
        PAGE,
        _("The parts are not in ascending order. Complete the upload again."),
    ),
    ErrorCode(
        "EntityTooSmall",
        400,
        "Your proposed upload smaller than the minimum allowed size.",
        PAGE,
        _("A part other than the last one is smaller than 100 KB. Start a new upload."),
    ),
    ErrorCode(
        "EntityTooLarge",
        400,
        "Your proposed upload exceeds the maximum allowed size.",
        PAGE,
        _("A part or a file in one request may have at most 5 GB, a form no more than its policy allows."),
    ),
    ErrorCode("InvalidDigest", 400, "The Content-MD5 you specified was invalid.", PAGE, SEND_AGAIN, repeat=True),
    # The message is not in the manual.
    ErrorCode("InvalidCRC64", 400, "The CRC64 you specified was invalid.", PAGE, SEND_AGAIN, repeat=True),
    ErrorCode("IncompleteBody", 400, _SHORT_BODY, PAGE, SEND_AGAIN, repeat=True),
    ErrorCode(
        "RequestTimeout",
        400,
        _SLOW_BODY,
        PAGE,
        _("The bytes came too slowly. Send the request again, with fewer others at the same time."),
        repeat=True,
    ),
    ErrorCode(
        "InvalidObjectName",
        400,
        "The specified object is not valid.",
        PAGE,
        _("A key has 1 to 1,023 bytes of UTF-8 and does not start with / or \\. Choose another name."),
    ),
    ErrorCode(
        "InvalidBucketName",
        400,
        "The specified bucket is not valid.",
        SITE,
        _("A bucket's name has 3 to 63 lower-case characters, digits and hyphens. Correct OSS_BUCKET."),
        ec="0015-00000001",
    ),
    ErrorCode(
        "InvalidEncryptionAlgorithmError",
        400,
        _ENCRYPTION,
        SITE,
        _("Set the destination's encryption to AES256, KMS or SM4."),
    ),
    ErrorCode(
        "InvalidTag",
        400,
        "The tag that you specified is not valid.",
        PAGE,
        _("An object has at most 10 tags; a tag has 1 to 128 characters, its value up to 256. Correct them."),
    ),
    ErrorCode(
        "PartNotSequential",
        400,
        "The part number is not the next one of a sequential upload.",
        PAGE,
        _("Send the parts of a sequential upload one after the other."),
    ),
    ErrorCode(
        "CORSRuleBeyondLimit",
        400,
        "The number of CORS rules is beyond the limit.",
        SITE,
        _("Delete CORS rules of the bucket, or join several origins in one rule."),
    ),
    ErrorCode("InvalidPolicyDocument", 400, "Invalid Policy.", PAGE, CORRECT_REQUEST),
    ErrorCode("FieldItemTooLong", 400, "Your proposed field exceeds the maximum allowed size.", PAGE, CORRECT_REQUEST),
    ErrorCode(
        "IncorrectNumberOfFilesInPOSTRequest",
        400,
        "POST requires exactly one file upload per request.",
        PAGE,
        CORRECT_REQUEST,
    ),
    ErrorCode(
        "MalformedPOSTRequest",
        400,
        "The body of your POST request is not well-formed multipart/form-data.",
        PAGE,
        CORRECT_REQUEST,
    ),
    # The messages of the three that follow are not in the manual.
    ErrorCode(
        "PublicEndpointForbidden",
        400,
        "The public endpoint of OSS does not serve this request. Use a custom domain.",
        SITE,
        CUSTOM_DOMAIN,
        ec="0048-00000401",
    ),
    ErrorCode(
        "ExternalRedirectForbidden",
        400,
        "The default domain of the bucket does not redirect. Use a custom domain.",
        SITE,
        CUSTOM_DOMAIN,
        ec="0048-00000300",
        page="https://help.aliyun.com/en/oss/how-to-deal-with-externalredirectforbidden-reporting-errors",
    ),
    ErrorCode(
        "ApkDownloadForbidden",
        400,
        "The default domain of the bucket does not serve APK and IPA files. Use a custom domain.",
        SITE,
        CUSTOM_DOMAIN,
    ),
    ErrorCode(
        "TooManyBuckets",
        400,
        "You have attempted to create more buckets than allowed.",
        ACCOUNT,
        _("Use an existing bucket, delete buckets that you do not need, or ask Alibaba Cloud for more."),
    ),
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
    ErrorCode("WORMConfigurationLocked", 409, "The retention policy of the bucket is locked.", SITE, RETENTION),
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
        _("The object changed meanwhile. Read it again, then repeat the request."),
    ),
    ErrorCode("InvalidRange", 416, "The requested range cannot be satisfied.", PAGE, CORRECT_REQUEST),
)
