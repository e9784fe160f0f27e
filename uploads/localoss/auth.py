"""Authentication: the access key that signed a request, or none.

Rule: this module decides which form of signature a request has; each signature version has a module of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from uploads.localoss import v1, v4
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.keys import AccessKey, KeyRing
from uploads.localoss.policy import Question, allows, denies
from uploads.localoss.request import Request

ENCRYPTION = "x-oss-server-side-encryption"
DEFAULT_KMS_KEY = "alias-acs-oss"
WRITING, READING = ("kms:GenerateDataKey", "kms:Decrypt"), ("kms:Decrypt",)
"""What KMS requires for an object that is written, and for one that is read (OSS manual: "PutObject", "GetObject",
section "Permissions")."""


OBJECT_ACL = "x-oss-object-acl"


@dataclass(frozen=True, slots=True)
class Identity:
    """The sender of a request. `key` is None for an anonymous one. `account` is region and owner as resource names hold
    them. `values` are the values that conditions of policies compare (RAM manual: "Policy elements")."""

    key: AccessKey | None = None
    account: str = "*:*"
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def anonymous(self) -> bool:
        """Whether the request is not signed."""
        return self.key is None

    def require(self, action: str, bucket: str, key: str) -> None:
        """Refusal (AccessDenied) unless this identity may do `action`, such as "oss:PutObject".

        The key of the account may do everything, a RAM user's key and a temporary key what all of its policies allow.
        An empty `key` means the bucket, an empty `bucket` the service.
        """
        if self.key is None:
            message = "Anonymous user has no right to access this bucket."
            raise Refusal("AccessDenied", message=message, ec="0003-00000905")
        path = f"{bucket}/{key}" if key else bucket or "*"
        question = Question(action, f"acs:oss:{self.account}:{path}", self.values)
        if not all(allows(policy, question) for policy in self.key.policies):
            raise _denied(self.key, question)

    def require_kms(self, stored: Mapping[str, str], *actions: str) -> None:
        """Refusal (AccessDenied) unless this identity may use the KMS key of an object with these headers.

        Without a key id OSS uses the default key of the account, whose id is not known here.
        """
        if self.key is None or stored.get(ENCRYPTION) != "KMS":
            return
        resource = f"acs:kms:{self.account}:key/{stored.get(f'{ENCRYPTION}-key-id') or DEFAULT_KMS_KEY}"
        for action in actions:
            if not all(allows(policy, Question(action, resource, self.values)) for policy in self.key.policies):
                # Page "This request is forbidden by kms"; it names neither the code nor the EC.
                raise Refusal("AccessDenied", {"AuthAction": action}, message="This request is forbidden by kms.")


def _denied(key: AccessKey, question: Question) -> Refusal:
    """The refusal by a policy. OSS tells the temporary key's from the RAM user's, and an explicit Deny from silence
    (pages "0003-00000301", "0003-00000201" and "0003-00000001")."""
    fields = {"AuthAction": question.action}
    if key.token is not None:
        return Refusal("AccessDenied", fields, message="Access denied by authorizer's policy.", ec="0003-00000301")
    if any(denies(policy, question) for policy in key.policies):
        return Refusal("AccessDenied", fields, message="Access denied by bucket policy.", ec="0003-00000201")
    message = "You have no right to access this object because of bucket acl."
    return Refusal("AccessDenied", fields, message=message, ec="0003-00000001")


def identify(request: Request, config: Config, keys: KeyRing, now: datetime) -> Identity:
    """The identity that signed the request. Refusal if a signature is present and not valid."""
    in_header = "authorization" in request.headers
    in_query = v4.is_query_form(request) or v1.is_query_form(request)
    if in_header and in_query:
        raise Refusal("InvalidRequest", message="A request must be signed in its header or in its URL, not in both.")
    if v4.is_query_form(request) or v4.is_header_form(request):
        return identity(v4.verify(request, config, keys, now), request, config, now)
    if v1.is_query_form(request) or v1.is_header_form(request):
        return identity(v1.verify(request, keys, now), request, config, now)
    if in_header:
        raise invalid_argument("Authorization", "", "Authorization header is invalid.", "0002-00000210")
    return Identity()


def identity(key: AccessKey, request: Request, config: Config, now: datetime) -> Identity:
    """The identity of a key's holder, with the values of this request."""
    given = request.parameters.get
    values = {
        "acs:sourceip": request.client,
        "acs:securetransport": str(request.scheme == "https").lower(),
        "acs:currenttime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "acs:useragent": request.headers.get("user-agent", ""),
        "oss:prefix": given("prefix", ""),
        "oss:delimiter": given("delimiter", ""),
        **with_acl(request.headers),
    }
    return Identity(key, f"{config.region}:{config.owner}", values)


def with_acl(headers: Mapping[str, str]) -> dict[str, str]:
    """The condition key oss:x-oss-object-acl, which only a request that names an ACL has (OSS manual: "Authorization
    syntax and elements")."""
    return {f"oss:{OBJECT_ACL}": headers[OBJECT_ACL]} if OBJECT_ACL in headers else {}
