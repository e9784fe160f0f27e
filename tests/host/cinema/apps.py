from django.apps import AppConfig


class CinemaConfig(AppConfig):
    name = "cinema"
    default = True

    def ready(self) -> None:
        from cinema import signals  # noqa: F401
