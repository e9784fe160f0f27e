"""Who is asking: the key that signed, or nobody.

Rule: this module decides which form of signature a request claims to have; each form is a module of its own.
"""

from dataclasses import dataclass
from datetime import datetime

from uploads.localoss import v4
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


def identify(request: Request, config: Config, keys: KeyRing, now: datetime) -> Identity:
    """The identity that a request proves."""
    in_header, in_query = "authorization" in request.headers, v4.is_query_form(request)
    if in_header and in_query:
        raise Refusal("InvalidRequest", message="A request is signed in its header or in its URL, not in both.")
    if in_query or v4.is_header_form(request):
        return Identity(v4.verify(request, config, keys, now))
    if in_header and not request.headers["authorization"].startswith("OSS "):
        raise invalid_argument("Authorization", "", "Authorization header is invalid.", "0002-00000210")
    if in_header or "OSSAccessKeyId" in request.parameters:
        raise Refusal("NotImplemented", message="This server knows signature version 4 alone.")
    return Identity()
