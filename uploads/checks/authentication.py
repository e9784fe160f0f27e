"""Checks AUTHENTICATION_CLASSES: a path that cannot be imported would be an error 500 at every request."""

from collections.abc import Iterator

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from uploads.conf import settings

TOKENS = "rest_framework.authtoken"


def check_authentication() -> Iterator[CheckMessage]:
    """The classes that are no authentication classes, and those whose tokens have no table."""
    base = import_string("rest_framework.authentication.BaseAuthentication")
    by_token = import_string("rest_framework.authentication.TokenAuthentication")
    for path in settings.authentication_classes:
        try:
            found = import_string(path)
        except ImportError:
            found = None
        if not (isinstance(found, type) and issubclass(found, base)):
            yield Error(
                f"AUTHENTICATION_CLASSES: {path!r} is not an authentication class of Django REST framework.",
                hint="Set dotted paths such as 'rest_framework.authentication.SessionAuthentication'.",
                id="uploads.E050",
            )
        elif issubclass(found, by_token) and getattr(found, "model", None) is None and not apps.is_installed(TOKENS):
            yield Error(
                f"AUTHENTICATION_CLASSES: {path!r} reads tokens from {TOKENS}, which is not installed.",
                hint=f"Add '{TOKENS}' to INSTALLED_APPS, or remove the class.",
                id="uploads.E051",
            )
