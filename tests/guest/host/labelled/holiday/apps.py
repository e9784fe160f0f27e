from django.apps import AppConfig


class HolidayConfig(AppConfig):
    """The project's own app, which had the label `uploads` first."""

    name = "labelled.holiday"
    label = "uploads"
    default_auto_field = "django.db.models.BigAutoField"
