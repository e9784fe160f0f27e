"""The Django app `uploads`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UploadsConfig(AppConfig):
    name = "uploads"
    verbose_name = _("Uploads")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from uploads import checks, connection  # noqa: F401  Registered by being imported.
        from uploads.services import deletion

        deletion.connect()
