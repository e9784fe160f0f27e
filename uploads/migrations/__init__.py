"""Rule: a migration writes LABEL where `makemigrations` writes 'uploads', because a project can change the app's label."""

from django.apps import apps

LABEL = next(config.label for config in apps.get_app_configs() if config.name == "uploads")
"""The label under which this project has installed the app."""
