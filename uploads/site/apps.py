"""The system checks of the standalone site: its environment variables."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured


class SiteConfig(AppConfig):
    name = "uploads.site"
    label = "uploads_site"  # "site" could be the label of another app.

    def ready(self) -> None:
        register(check_environment, "uploads")


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
