"""Login for clients without a session."""

from rest_framework.authtoken.views import ObtainAuthToken

from uploads.web.throttles import ScopeThrottle


class TokenView(ObtainAuthToken):
    """Exchange a user name and password for a token, which requests carry as `Authorization: Token …`."""

    throttle_classes = (ScopeThrottle,)
    throttle_scope = "token"
