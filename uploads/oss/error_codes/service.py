"""Errors of OSS's own load and failures, and the errors of STS.

Manual, "Error responses": https://help.aliyun.com/en/oss/user-guide/overview-14
Manual of STS, "AssumeRole": https://www.alibabacloud.com/help/en/ram/api-assumerole
"""

from uploads.oss.error_codes.access import CLOCK
from uploads.oss.error_codes.row import ASSUME_ROLE, ErrorCode, Fault
from uploads.oss.error_codes.row import gettext_noop as _

SITE, ACCOUNT, OSS = Fault.SITE, Fault.ACCOUNT, Fault.OSS
_BUSY = "Please reduce your request rate."

LATER = _("OSS is busy or has a failure. Try again later.")
RATE = _("The account sends more requests or bytes than OSS allows it. Try again later, or ask Alibaba Cloud for more.")
STS_KEY = _("STS does not know the server's AccessKey ID, or it is disabled. Correct OSS_ACCESS_KEY_ID.")
STS_REQUEST = _("STS did not accept the request. Check OSS_STS_ROLE_ARN, and the longest session that the role allows.")
STS_RATE = _("The account asks STS for more credentials than it allows. Try again later.")

SERVICE = (
    ErrorCode("InternalError", 500, "We encountered an internal error. Please try again.", OSS, LATER, repeat=True),
    ErrorCode(
        "NotImplemented",
        501,
        "A header you provided implies functionality that is not implemented.",
        Fault.PAGE,
        _("OSS does not offer this in the region, or the request has parameters that do not belong together."),
    ),
    ErrorCode("ServiceUnavailable", 503, _BUSY, OSS, LATER, repeat=True),
    ErrorCode("TotalQpsLimitExceeded", 503, _BUSY, ACCOUNT, RATE, repeat=True),
    ErrorCode("QpsLimitExceeded", 503, _BUSY, ACCOUNT, RATE, repeat=True),
    ErrorCode("MetaOperationQpsLimitExceeded", 503, _BUSY, ACCOUNT, RATE, repeat=True),
    ErrorCode("ActiveRequestLimitExceeded", 503, _BUSY, ACCOUNT, RATE, repeat=True),
    ErrorCode(
        "UploadTrafficRateLimitExceeded",
        503,
        "Please reduce your upload request traffic.",
        ACCOUNT,
        RATE,
        repeat=True,
    ),
    ErrorCode(
        "DownloadTrafficRateLimitExceeded",
        503,
        "Please reduce your download request traffic.",
        ACCOUNT,
        RATE,
        repeat=True,
    ),
)

STS = (
    ErrorCode(
        "NoPermission",
        403,
        "You are not authorized to do this action. You should be authorized by RAM.",
        SITE,
        _(
            "The server's access key is not allowed to assume the RAM role. "
            "Grant it sts:AssumeRole, and let the role trust it."
        ),
        page=ASSUME_ROLE,
    ),
    ErrorCode(
        "EntityNotExist.Role",
        404,
        "The role not exists.",
        SITE,
        _("The RAM role does not exist. Create it, or correct OSS_STS_ROLE_ARN."),
        page=ASSUME_ROLE,
    ),
    ErrorCode(
        "InvalidAccessKeyId.NotFound",
        404,
        "Specified access key is not found.",
        SITE,
        STS_KEY,
        page=ASSUME_ROLE,
    ),
    ErrorCode("InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled.", SITE, STS_KEY, page=ASSUME_ROLE),
    ErrorCode(
        "InvalidTimeStamp.Expired",
        400,
        "Specified time stamp or date value is expired.",
        SITE,
        CLOCK,
        page=ASSUME_ROLE,
    ),
    ErrorCode(
        "InvalidTimeStamp.Format",
        400,
        "Specified time stamp or date value is not well formatted.",
        SITE,
        STS_REQUEST,
        page=ASSUME_ROLE,
    ),
    ErrorCode(
        "SignatureNonceUsed",
        400,
        "Specified signature nonce was used already.",
        OSS,
        STS_RATE,
        repeat=True,  # Each attempt has a nonce of its own.
        page=ASSUME_ROLE,
    ),
    ErrorCode(
        "IncompleteSignature",
        400,
        "The request signature does not conform to Aliyun standards.",
        SITE,
        STS_REQUEST,
        page=ASSUME_ROLE,
    ),
    ErrorCode(
        "InvalidAction.NotFound",
        404,
        "Specified api is not found, please check your url and method.",
        SITE,
        _("OSS_STS_ENDPOINT is not an endpoint of STS. Correct it."),
        page=ASSUME_ROLE,
    ),
    ErrorCode("InvalidParameter", 400, "A parameter is not valid.", SITE, STS_REQUEST, page=ASSUME_ROLE),
    ErrorCode("MissingParameter", 400, "A parameter is missing.", SITE, STS_REQUEST, page=ASSUME_ROLE),
    ErrorCode("MissingRoleArn", 400, "RoleArn is mandatory for this action.", SITE, STS_REQUEST, page=ASSUME_ROLE),
    ErrorCode(
        "MissingRoleSessionName",
        400,
        "RoleSessionName is mandatory for this action.",
        SITE,
        STS_REQUEST,
        page=ASSUME_ROLE,
    ),
    ErrorCode(
        "MissingSecurityToken",
        400,
        "SecurityToken is mandatory for this action.",
        SITE,
        _("The server's key pair is a temporary one. Set OSS_SESSION_TOKEN too."),
        page=ASSUME_ROLE,
    ),
    # "Throttling.User" too; `find` drops what follows the dot.
    ErrorCode(
        "Throttling",
        400,
        "Request was denied due to user flow control.",
        ACCOUNT,
        STS_RATE,
        repeat=True,
        page=ASSUME_ROLE,
    ),
)
