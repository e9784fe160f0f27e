"""Who is asking: the key that signed, or nobody.

Rule: this module decides which form of signature a request claims to have; each form is a module of its own.
"""

from dataclasses import dataclass
from datetime import datetime

from uploads.localoss import v1, v4
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.keys import AccessKey, KeyRing
from uploads.localoss.request import Request


@dataclass(frozen=True, slots=True)
class Identity:
    """`key` None: anonymous."""

    key: AccessKey | None = None

    @property
    def anonymous(self) -> bool:
        return self.key is None

    def require(self, action: str, bucket: str, key: str) -> None:
        """Refused, unless this identity may do `action` (RAM's name) on that key."""
        if self.anonymous:
            message = "Anonymous user has no right to access this bucket."
            raise Refusal("AccessDenied", message=message, ec="0003-00000905")


def identify(request: Request, config: Config, keys: KeyRing, now: datetime) -> Identity:
    """The identity that a request proves."""
    in_header = "authorization" in request.headers
    in_query = v4.is_query_form(request) or v1.is_query_form(request)
    if in_header and in_query:
        raise Refusal("InvalidRequest", message="A request is signed in its header or in its URL, not in both.")
    if v4.is_query_form(request) or v4.is_header_form(request):
        return Identity(v4.verify(request, config, keys, now))
    if v1.is_query_form(request) or v1.is_header_form(request):
        return Identity(v1.verify(request, keys, now))
    if in_header:
        raise invalid_argument("Authorization", "", "Authorization header is invalid.", "0002-00000210")
    return Identity()
