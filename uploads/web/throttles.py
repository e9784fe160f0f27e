"""How often one may ask: by scope, each user for themselves, strangers by address.

Rule: rates come from the app's settings (`THROTTLES`); a refusal says when to come back (`Retry-After`).
"""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from uploads.conf import settings


class ScopeThrottle(SimpleRateThrottle):
    """A view names its scope by `throttle_scope`; actions of a view set by `throttle_scopes`."""

    def __init__(self) -> None:  # the rate is known when the scope is
        pass

    def allow_request(self, request: Request, view: Any) -> bool:
        action = getattr(view, "action", None)
        self.scope = getattr(view, "throttle_scopes", {}).get(action) or getattr(view, "throttle_scope", None)
        self.rate = settings.throttles.get(self.scope or "") or None
        if not self.rate:
            return True
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str:
        who = request.user.pk if request.user and request.user.is_authenticated else self.get_ident(request)
        return f"uploads:throttle:{self.scope}:{who}"
