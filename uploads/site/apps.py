"""The system checks of the standalone site: its environment variables, its database, and what is in front of it."""

import re
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from uploads.conf import settings as app_settings
from uploads.site.database import check_default_file

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
"""As browsers write it in the header Origin: in lower case, without a path."""


class SiteConfig(AppConfig):
    name = "uploads.site"
    label = "uploads_site"  # "site" could be the label of another app.

    def ready(self) -> None:
        register(check_environment, "uploads")
        register(check_default_file, "uploads")
        register(check_proxies, "uploads")
        register(check_metrics_readable, "uploads", deploy=True)


def check_environment(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Variables that are missing or malformed, except those that the app itself checks."""
    found: list[CheckMessage] = [
        Error(
            f"{name}: {' '.join(reasons)}",
            hint="Correct it in the environment. docs/configuration.md describes the variables.",
            id="uploads.E021",
        )
        for name, reasons in settings.ENVIRONMENT_ERRORS.items()
    ]
    hint = "Set scheme://host[:port] without a path, such as https://app.example.com. `*` is not accepted."
    found += [
        Error(f"API_ORIGINS: {origin!r} is not an origin.", hint=hint, id="uploads.E114")
        for origin in settings.CORS_ALLOWED_ORIGINS
        if not ORIGIN.fullmatch(origin)
    ]
    if {"DJANGO_SECRET_KEY", "DJANGO_SECRET_KEY_FILE"} & settings.ENVIRONMENT_ERRORS.keys():
        return found
    try:
        str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        hint = "Set it to a long random text that does not change: sessions and signed values depend on it."
        found.append(Error("DJANGO_SECRET_KEY is not set.", hint=hint, id="uploads.E020"))
    return found


def check_proxies(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """A warning if every request would be redirected: to https://, which nothing says that it came by."""
    if settings.DEBUG or not settings.SECURE_SSL_REDIRECT or settings.PROXIES:
        return []
    text = "DJANGO_PROXIES is 0: gunicorn serves plain HTTP, and each request is redirected to https:// without an end."
    hint = (
        "Set DJANGO_PROXIES to the number of proxies, such as 1 with deploy/nginx.conf. If the site is opened under "
        "http://, set DJANGO_SECURE_COOKIES=false. If another server than gunicorn does TLS itself, silence this check."
    )
    return [Warning(text, hint=hint, id="uploads.W026")]


def check_metrics_readable(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """A warning if nothing says who may read `/metrics`."""
    if app_settings.metrics_token or app_settings.metrics_public:
        return []
    hint = "Set METRICS_TOKEN to a long random text, or METRICS_PUBLIC if anybody who reaches the site may read them."
    return [Warning("/metrics refuses every request.", hint=hint, id="uploads.W066")]
