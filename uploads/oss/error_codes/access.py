"""Errors of status 403: keys, signatures, permissions, addresses and accounts.

Manual, "HTTP 403 errors": https://www.alibabacloud.com/help/en/oss/user-guide/http-403-error-code

AccessDenied and InvalidAccessKeyId have several causes. The EC tells them apart, but the manual warns that an EC may
change: it chooses words here, never what the program does.
"""

from uploads.oss.error_codes.row import ErrorCode, Fault
from uploads.oss.error_codes.row import gettext_noop as _

PAGE, SITE, ACCOUNT = Fault.PAGE, Fault.SITE, Fault.ACCOUNT
ROLE_EC = "0003-00000301"
"""A refusal of temporary credentials."""
_NO_CORS = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request "
    "method / Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the "
    "resource's CORS spec."
)
_WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
_BUCKET_ACL = "You have no right to access this object because of bucket acl."
_ANONYMOUS = "Anonymous user has no right to access this bucket."
_SKEWED = "The difference between the request time and the current time is too large."
_REGION = (
    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future "
    "requests to this endpoint."
)

WRONG_ENDPOINT = _("The bucket is at {endpoint}. Set OSS_ENDPOINT, OSS_INTERNAL_ENDPOINT and OSS_REGION to its region.")
"""The cure for an answer that names the bucket's endpoint."""
ACTION_MISSING = _("The access key may not do {action} on {resource}. Allow it in its RAM policy.")
"""The cure for an answer that names the action: no policy allows it."""
ROLE_MISSING = _("The RAM role may not do {action} on {resource}. Allow it in the policy of the role.")
"""The same for temporary credentials."""
ACTION_DENIED = _("A policy ({policy}) denies {action} on {resource}. Remove or narrow its Deny statement.")
"""The cure for an answer that names the action: a policy denies it."""
POLICY = _("The server's access key may not do this. An administrator should check its RAM policy.")
OTHER_REGION = _(
    "The bucket is in another region. Set OSS_ENDPOINT, OSS_INTERNAL_ENDPOINT and OSS_REGION to its region."
)
KEY_ID = _("OSS does not know the server's AccessKey ID. Correct OSS_ACCESS_KEY_ID.")
KEY_DISABLED = _("The server's AccessKey is disabled, or not allowed from this address. Enable it in the RAM console.")
SECRET = _("The server's AccessKey secret is wrong. Correct OSS_ACCESS_KEY_SECRET.")
TOKEN = _("The security token does not belong to the access key, or is damaged. Renew OSS_SESSION_TOKEN with its key.")
TOKEN_EXPIRED = _("The server's temporary OSS credentials have expired. Renew OSS_SESSION_TOKEN.")
CLOCK = _("The server's clock is wrong by more than 24 hours. Correct it.")
NEW_URL = _("The signed URL or form is not valid at this time. Ask for a new one.")
HOST = _(
    "Let OSS_ENDPOINT name a region's endpoint or the bucket's own domain, and OSS_ADDRESSING be virtual or cname."
)
RETENTION = _("The retention policy of the bucket is locked, so that it can only be extended.")
DEBT = _("The Alibaba Cloud account owes money. Pay the bill.")
BLOCKED = _("Alibaba Cloud has disabled the account or the bucket. Open a ticket with the request id.")
KMS = _("Enable the Key Management Service (KMS) for the account, or change the encryption of the bucket.")

ROWS = (
    ErrorCode("AccessDenied", 403, "You have no right to access this object.", SITE, POLICY),
    ErrorCode("AccessDenied", 403, _BUCKET_ACL, SITE, POLICY, ec="0003-00000001"),
    ErrorCode("AccessDenied", 403, "You have no right to access this object.", SITE, POLICY, ec="0003-00000005"),
    ErrorCode(
        "AccessDenied",
        403,
        "Access denied by bucket policy.",
        SITE,
        _("A bucket policy denies it. Correct the policy in the console of the bucket."),
        ec="0003-00000101",
    ),
    ErrorCode("AccessDenied", 403, "Access denied by ram policy.", SITE, POLICY, ec="0003-00000201"),
    ErrorCode("AccessDenied", 403, "Access denied by ram policy.", SITE, POLICY, ec="0003-00000203"),
    ErrorCode("AccessDenied", 403, "Access denied by ram policy.", SITE, POLICY, ec="0003-00000204"),
    ErrorCode(
        "AccessDenied",
        403,
        "Access denied by authorizer's policy.",
        SITE,
        _("The RAM role of the temporary credentials, or their session policy, does not allow it. Check the role."),
        ec=ROLE_EC,
    ),
    ErrorCode("AccessDenied", 403, _ANONYMOUS, PAGE, _("The request is not signed. Sign it."), ec="0003-00000905"),
    ErrorCode("AccessDenied", 403, "Request has expired.", PAGE, NEW_URL, ec="0002-00000069"),
    ErrorCode("AccessDenied", 403, "Request is not valid yet.", PAGE, NEW_URL, ec="0002-00000235"),
    ErrorCode("AccessDenied", 403, "Invalid according to Policy: Policy expired.", PAGE, NEW_URL, ec="0006-00000213"),
    ErrorCode(
        "AccessForbidden",
        403,
        _NO_CORS,
        SITE,
        _("The bucket's CORS rules do not allow the page. Add its origin to UPLOADS_ORIGINS and run configure_bucket."),
    ),
    ErrorCode(
        "InvalidAccessKeyId",
        403,
        "The OSS Access Key Id you provided does not exist in our records.",
        SITE,
        KEY_ID,
        ec="0002-00000902",
    ),
    ErrorCode("InvalidAccessKeyId", 403, "The OSS Access Key Id is disabled.", SITE, KEY_DISABLED, ec="0002-00000903"),
    ErrorCode("InvalidAccessKeyId", 403, "The OSS Access Key Id is disabled.", SITE, KEY_DISABLED, ec="0002-00000904"),
    ErrorCode(
        "AccessKeyIdAndSecurityTokenNotMatch",
        403,
        "The security token does not belong to the access key.",
        SITE,
        TOKEN,
    ),
    ErrorCode("SignatureDoesNotMatch", 403, _WRONG_SIGNATURE, SITE, SECRET),
    ErrorCode(
        "InvalidSecurityToken", 403, "The security token you provided is invalid.", SITE, TOKEN, ec="0002-00000006"
    ),
    ErrorCode(
        "SecurityTokenExpired",
        403,
        "The security token you provided has expired.",
        SITE,
        TOKEN_EXPIRED,
        ec="0002-00000007",
    ),
    ErrorCode(
        "SecurityTokenNotSupported",
        403,
        "The operation does not support a security token.",
        SITE,
        _("Use a long-term access key for this operation."),
    ),
    ErrorCode("RequestTimeTooSkewed", 403, _SKEWED, SITE, CLOCK, ec="0002-00000504"),
    ErrorCode("PermanentRedirect", 403, _REGION, SITE, OTHER_REGION),
    ErrorCode("WORMConfigurationLocked", 403, "The WORM Configuration is locked.", SITE, RETENTION),
    # The message is not in the manual.
    ErrorCode(
        "SecondLevelDomainForbidden",
        403,
        "The bucket you are attempting to access must be addressed using OSS third level domain.",
        SITE,
        HOST,
    ),
    ErrorCode(
        "NonStandardHostForbidden",
        403,
        "Your host is invalid. Please use Open Storage Service standard host.",
        SITE,
        HOST,
    ),
    ErrorCode(
        "CnameDenied",
        403,
        "The cname belongs to another user.",
        SITE,
        _("The custom domain is bound to another bucket. Bind it to this bucket, or correct OSS_ENDPOINT."),
    ),
    ErrorCode(
        "BucketNotBelongTo",
        403,
        "The bucket you access does not belong to you.",
        SITE,
        _("The bucket belongs to another account. Correct OSS_BUCKET, or use a key of that account."),
    ),
    ErrorCode(
        "InvalidObjectState",
        403,
        "The operation is not valid for the object's state.",
        SITE,
        _("The object is archived. Restore it before it is read, or choose another storage class."),
    ),
    ErrorCode("UserDisable", 403, "UserDisable", ACCOUNT, DEBT, ec="0003-00000801"),
    ErrorCode("InDebt", 403, "Current user is indebted", ACCOUNT, DEBT),
    ErrorCode("InDebtOverdue", 403, "Current user is indebted Overdue", ACCOUNT, DEBT),
    ErrorCode("BucketDisable", 403, "BucketDisable", ACCOUNT, BLOCKED),
    ErrorCode("AbnormalBucketOwnerStatus", 403, "The status of the bucket owner is abnormal", ACCOUNT, BLOCKED),
    ErrorCode("KmsServiceNotEnabled", 403, "KMS is not enabled for this account.", ACCOUNT, KMS),
    ErrorCode("UbsmsInvalidBid", 403, "Your account partner does not have KMS Service", ACCOUNT, KMS),
)
