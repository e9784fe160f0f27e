"""The base of every view of the app."""

from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.views import APIView

from uploads.web.parsers import BoundedJSONParser
from uploads.web.throttles import ScopeThrottle


class UploadsAPIView(APIView):
    """Requires a login, reads bounded JSON, and is throttled by the app's own rates."""

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)
    parser_classes = (BoundedJSONParser,)
    throttle_classes = (ScopeThrottle,)
