"""Checks that the throttles can tell clients apart where the project looks to be behind a proxy."""

from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Warning
from django.utils.module_loading import import_string

from uploads.conf import settings

SIGNS = ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")
"""Django's settings that have a meaning only behind a proxy."""


def check_proxies() -> Iterator[CheckMessage]:
    """A warning if all clients share the limits by address, because nothing says how many proxies there are."""
    found = [name for name in SIGNS if getattr(django_settings, name, None)]
    number = import_string("rest_framework.settings.api_settings").NUM_PROXIES
    if number is None and found and any(settings.throttles.values()):
        yield Warning(
            f"{' and '.join(found)} tell of a proxy, and NUM_PROXIES is not set: the throttles do not believe "
            "X-Forwarded-For, and all clients behind the proxy share the limits by address.",
            hint="Set REST_FRAMEWORK = {'NUM_PROXIES': n} to the number of proxies that add to X-Forwarded-For or set "
            "it; 0 if REMOTE_ADDR is the client's address.",
            id="uploads.W095",
        )
