"""Errors of the request itself: statuses 203 to 400.

Manual: "HTTP 400 errors" and the pages of the operations. Where the cause has a page of its own, its number is the EC.
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
_APK = (
    "The APK file is not allowed to be distributed in a public network using the OSS endpoint, please use CNAME "
    "instead."
)
_ENCRYPTION = "The Encryption request you specified is not valid. Supported value: AES256/KMS/SM4."

CORRECT_REQUEST = _("The request is not valid. Report it with its request id to those who maintain the program.")
SEND_AGAIN = _("The connection lost or changed bytes of the request. Send it again.")
CUSTOM_DOMAIN = _(
    "Bind a custom domain to the bucket, with an ICP filing, and set it as OSS_ENDPOINT with OSS_ADDRESSING=cname. "
    "Let the server use the internal endpoint: OSS_INTERNAL_ENDPOINT."
)

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
        ec="0042-00000209",
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
    ErrorCode(
        "PublicEndpointForbidden",
        400,
        "Not allowed using the OSS public endpoint, please use CNAME instead.",
        SITE,
        CUSTOM_DOMAIN,
        ec="0048-00000401",
    ),
    ErrorCode(
        "ExternalRedirectForbidden",
        400,
        "3xx redirect to public network is not allowed using the OSS endpoint, please use CNAME instead.",
        SITE,
        CUSTOM_DOMAIN,
        ec="0048-00000300",
        page="https://help.aliyun.com/en/oss/how-to-deal-with-externalredirectforbidden-reporting-errors",
    ),
    ErrorCode(
        "ApkDownloadForbidden",
        400,
        _APK,
        SITE,
        CUSTOM_DOMAIN,
        ec="0048-00000200",
    ),
    ErrorCode("InvalidWORMConfiguration", 400, "Invalid WORM Configuration.", PAGE, CORRECT_REQUEST),
    ErrorCode(
        "TooManyBuckets",
        400,
        "You have attempted to create more buckets than allowed.",
        ACCOUNT,
        _("Use an existing bucket, delete buckets that you do not need, or ask Alibaba Cloud for more."),
    ),
)
