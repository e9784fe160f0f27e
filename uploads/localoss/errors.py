"""The errors of OSS: code, HTTP status, usual message and EC (OSS manual: "Error responses", "EC error codes").

Rule: an operation raises a Refusal by its code; only `application.py` turns it into a response.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """An error. `ec` is the code that newer answers of OSS have in <EC>; empty if it is not known."""

    status: int
    message: str
    ec: str = ""


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
_NO_CORS = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request "
    "method / Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the "
    "resource's CORS spec."
)
_WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_NO_UPLOAD = (
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
    "completed."
)
_APK = (
    "The APK file is not allowed to be distributed in a public network using the OSS endpoint, please use CNAME "
    "instead."
)
_PATH_STYLE = "The bucket you are attempting to access must be addressed using OSS third level domain."
_TAKEN = (
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
    "Please select a different name and try again."
)

ERRORS: Mapping[str, Row] = {
    "InvalidArgument": Row(400, "Invalid argument."),
    "InvalidRequest": Row(400, "Invalid request."),
    "MalformedXML": Row(400, _BAD_XML),
    "InvalidPart": Row(400, _MISSING_PART),
    "InvalidPartOrder": Row(400, _PART_ORDER),
    "EntityTooSmall": Row(400, "Your proposed upload smaller than the minimum allowed size."),
    "EntityTooLarge": Row(400, "Your proposed upload exceeds the maximum allowed size."),
    "InvalidDigest": Row(400, "The Content-MD5 you specified was invalid."),
    "IncompleteBody": Row(400, _SHORT_BODY),
    "RequestTimeout": Row(400, _SLOW_BODY),
    "InvalidObjectName": Row(400, "The specified object is not valid."),
    "InvalidBucketName": Row(400, "The specified bucket is not valid.", "0015-00000001"),
    "InvalidEncryptionAlgorithmError": Row(
        400, "The Encryption request you specified is not valid. Supported value: AES256/KMS/SM4."
    ),
    "InvalidWORMConfiguration": Row(400, "Invalid WORM Configuration."),
    "InvalidTag": Row(400, "The tag that you specified is not valid."),
    "PartNotSequential": Row(400, "The part number is not the next one of a sequential upload."),
    "CORSRuleBeyondLimit": Row(400, "The number of CORS rules is beyond the limit."),
    # OSS manual: "0048-00000401", "0048-00000200", "0048-00000300".
    "PublicEndpointForbidden": Row(
        400, "Not allowed using the OSS public endpoint, please use CNAME instead.", "0048-00000401"
    ),
    "ApkDownloadForbidden": Row(400, _APK, "0048-00000200"),
    "ExternalRedirectForbidden": Row(
        400,
        "3xx redirect to public network is not allowed using the OSS endpoint, please use CNAME instead.",
        "0048-00000300",
    ),
    "InvalidPolicyDocument": Row(400, "Invalid Policy."),
    "FieldItemTooLong": Row(400, "Your proposed field exceeds the maximum allowed size."),
    "IncorrectNumberOfFilesInPOSTRequest": Row(400, "POST requires exactly one file upload per request."),
    "MalformedPOSTRequest": Row(400, "The body of your POST request is not well-formed multipart/form-data."),
    "CallbackFailed": Row(203, "The callback failed.", "0007-00000203"),
    "NotModified": Row(304, "The object has not changed."),
    "BadRequest": Row(400, "Bad request."),
    "WORMConfigurationLocked": Row(403, "The WORM Configuration is locked."),
    "SecondLevelDomainForbidden": Row(403, _PATH_STYLE),
    "KmsServiceNotEnabled": Row(403, "KMS is not enabled for this account."),
    "AccessDenied": Row(403, "You have no right to access this object."),
    "AccessForbidden": Row(403, _NO_CORS),
    "InvalidAccessKeyId": Row(
        403, "The OSS Access Key Id you provided does not exist in our records.", "0002-00000902"
    ),
    "AccessKeyIdAndSecurityTokenNotMatch": Row(403, "The security token does not belong to the access key."),
    "SignatureDoesNotMatch": Row(403, _WRONG_SIGNATURE),
    "InvalidSecurityToken": Row(403, "The security token you provided is invalid.", "0002-00000006"),
    "SecurityTokenExpired": Row(403, "The security token you provided has expired.", "0002-00000007"),
    "RequestTimeTooSkewed": Row(
        403, "The difference between the request time and the current time is too large.", "0002-00000504"
    ),
    "NoSuchBucket": Row(404, "The specified bucket does not exist.", "0015-00000101"),
    "NoSuchKey": Row(404, "The specified key does not exist.", "0026-00000001"),
    "NoSuchWebsiteConfiguration": Row(404, "The specified bucket does not have a website configuration."),
    "NoSuchVersion": Row(404, "The specified version does not exist."),
    "NoSuchWORMConfiguration": Row(404, "The WORM Configuration does not exist."),
    "NoSuchServerSideEncryptionRule": Row(404, "The bucket does not have a server-side encryption rule."),
    "NoSuchUpload": Row(404, _NO_UPLOAD, "0042-00000002"),
    "NoSuchBucketOverwriteConfig": Row(404, "The bucket does not have an overwrite configuration."),
    "NoSuchLifecycle": Row(404, "No Row found in Lifecycle Table."),
    "NoSuchCORSConfiguration": Row(404, "The CORS Configuration does not exist."),
    "MethodNotAllowed": Row(405, "The specified method is not allowed against this resource."),
    "FileAlreadyExists": Row(
        409, "The object you specified already exists and can not be overwritten.", "0026-00000002"
    ),
    # OSS manual: "HTTP status code 409".
    "FileImmutable": Row(409, "The object you specified is immutable."),
    "ObjectNotAppendable": Row(409, "The object is not appendable."),
    "PositionNotEqualToLength": Row(409, "Position is not equal to file length."),
    "BucketAlreadyExists": Row(409, _TAKEN, "0015-00000104"),
    "BucketNotEmpty": Row(409, "The bucket has objects. Please delete them first.", "0015-00000301"),
    "MissingContentLength": Row(411, "You must provide the Content-Length HTTP header."),
    "PreconditionFailed": Row(412, "At least one of the pre-conditions you specified did not hold."),
    "InvalidRange": Row(416, "The requested range cannot be satisfied."),
    "InternalError": Row(500, "We encountered an internal error. Please try again."),
    "NotImplemented": Row(501, "A header you provided implies functionality that is not implemented."),
    "ServiceUnavailable": Row(503, "Please reduce your request rate."),
}


class Refusal(Exception):
    """An error response of OSS. `code` is a key of ERRORS, whose message, EC and status hold unless they are given.

    `fields` follow Code, Message, RequestId and HostId in the XML, in their order. `headers` are sent too.
    """

    def __init__(
        self,
        code: str,
        fields: Mapping[str, str] | None = None,
        *,
        message: str | None = None,
        ec: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        row = ERRORS[code]
        self.code = code
        self.status = row.status if status is None else status
        self.message = row.message if message is None else message
        self.ec = row.ec if ec is None else ec
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        super().__init__(code)


def invalid_argument(name: str, value: str, message: str, ec: str = "") -> Refusal:
    """InvalidArgument, with ArgumentName and ArgumentValue."""
    return Refusal("InvalidArgument", {"ArgumentName": name, "ArgumentValue": value}, message=message, ec=ec)
