"""The system checks of the standalone site: its environment variables, and who may read its metrics."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from uploads.conf import settings as app_settings


class SiteConfig(AppConfig):
    name = "uploads.site"
    label = "uploads_site"  # "site" could be the label of another app.

    def ready(self) -> None:
        register(check_environment, "uploads")
        register(check_metrics_readable, "uploads", deploy=True)


def check_environment(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Variables that are missing or malformed, except those that the app itself checks."""
    found: list[CheckMessage] = [
        Error(
            f"{name}: {' '.join(reasons)}",
            hint="Set it in the environment. README lists the variables.",
            id="uploads.E021",
        )
        for name, reasons in settings.ENVIRONMENT_ERRORS.items()
    ]
    try:
        str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        hint = "Set it to a long random text that does not change: sessions and signed values depend on it."
        found.append(Error("DJANGO_SECRET_KEY is not set.", hint=hint, id="uploads.E020"))
    return found


def check_metrics_readable(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """A warning if nothing says who may read `/metrics`."""
    if app_settings.metrics_token or app_settings.metrics_public:
        return []
    hint = "Set METRICS_TOKEN to a long random text, or METRICS_PUBLIC if anybody who reaches the site may read them."
    return [Warning("/metrics refuses every request.", hint=hint, id="uploads.W066")]
