"""Limits the rate of requests: per user, and per address for requests without a login or with a refused one.

Rule: rates come from the app's settings (`UPLOADS["THROTTLES"]`); a refusal carries `Retry-After`, in seconds.
"""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from uploads.conf import settings
from uploads.domain.errors import IssuerUnavailable

IPV6_NETWORK = 64
"""Bits of an IPv6 address that name a network. A provider gives each customer at least one such network."""


def scope_of(view: Any) -> str | None:
    """The scope of the view's action; None if its rate is not limited."""
    action = getattr(view, "action", None)
    scope: str | None = getattr(view, "throttle_scopes", {}).get(action) or getattr(view, "throttle_scope", None)
    return scope


class AddressThrottle(SimpleRateThrottle):
    """Knows the client's address. Rule: `X-Forwarded-For` counts only if NUM_PROXIES is set."""

    def get_ident(self, request: Request) -> str:
        """Without NUM_PROXIES, Django REST framework takes the whole header, in which clients write what they like."""
        if api_settings.NUM_PROXIES is None:
            return _counted_address(str(request.META.get("REMOTE_ADDR", "")))
        return _counted_address(str(super().get_ident(request)))


def _counted_address(address: str) -> str:
    """An IPv6 address as its network: whoever has one has the others, and would be somebody else with each request."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((parsed.packed, IPV6_NETWORK), strict=False))


class ScopeThrottle(AddressThrottle):
    """A view names its scope in `throttle_scope`, a view set each action's in `throttle_scopes`."""

    def __init__(self) -> None:  # The rate is known only when the scope is.
        pass

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = scope_of(view)
        self.rate = settings.throttles.get(self.scope or "") or None
        if not self.rate:
            return True
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str:
        ident = request.user.pk if request.user and request.user.is_authenticated else self.get_ident(request)
        return f"uploads:throttle:{self.scope}:{ident}"


class RefusedAlone(AuthenticationFailed):
    """Credentials that are not forged, such as an expired token. They are counted for themselves, by `ident`: the
    users of one office do not use up the limit of their address when their tokens expire.
    """

    def __init__(self, detail: str, ident: str) -> None:
        super().__init__(detail)
        self.ident = ident


class RefusalThrottle(AddressThrottle):
    """Limits credentials that are refused, per address. Rule: valid ones are never counted and never limited.

    Tokens that cannot be examined, because keys of their issuer are missing, count as well: they may be forged.
    """

    scope = "authentication"

    def __init__(self, refusal: AuthenticationFailed | IssuerUnavailable) -> None:
        self._ident: str = getattr(refusal, "ident", "")
        self.rate = settings.throttles.get(self.scope) or None
        self.num_requests, self.duration = self.parse_rate(self.rate)

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"uploads:throttle:{self.scope}:{self._ident or self.get_ident(request)}"
