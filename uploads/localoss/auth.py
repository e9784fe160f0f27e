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
from uploads.localoss.policy import Question, allows
from uploads.localoss.request import Request


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

        A long-term key may do everything, a temporary key what all of its policies allow. An empty `key` means the
        bucket, an empty `bucket` the service.
        """
        if self.key is None:
            message = "Anonymous user has no right to access this bucket."
            raise Refusal("AccessDenied", message=message, ec="0003-00000905")
        path = f"{bucket}/{key}" if key else bucket or "*"
        question = Question(action, f"acs:oss:{self.account}:{path}", self.values)
        if not all(allows(policy, question) for policy in self.key.policies):
            fields = {"AuthAction": action}
            raise Refusal("AccessDenied", fields, message="Access denied by authorizer's policy.", ec="0003-00000301")


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
    }
    return Identity(key, f"{config.region}:{config.owner}", values)
