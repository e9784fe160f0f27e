"""The header that carries Django's CSRF token, by the host's settings."""

from django.conf import settings
from django.http.request import HttpHeaders


def header_name() -> str:
    """CSRF_HEADER_NAME as a browser sends it: `X-Csrftoken` for `HTTP_X_CSRFTOKEN`. Its case does not matter."""
    return str(HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME))
