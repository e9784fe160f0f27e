"""Wrong options of `uploads.storage` in Django's STORAGES."""

from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from uploads.checks.places import wrong_domain
from uploads.conf import settings
from uploads.storage import OssStorage, options_problem

ARGUMENTS = frozenset({"bucket", "prefix", "expires", "allow_overwrite", "manifest_storage", "manifest_strict"})
"""Options of the storage itself; the others are of its objects."""


def check_storages() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias, given in django_settings.STORAGES.items():
        if not _is_ours(given.get("BACKEND")):
            continue
        options = given.get("OPTIONS") or {}
        problem = options_problem({name: value for name, value in options.items() if name not in ARGUMENTS})
        if problem:
            hint = "Set a value that OSS accepts in the header of that name, or leave it out."
            found.append(Error(f"STORAGES[{alias!r}], {problem}.", hint=hint, id="uploads.E064"))
        try:
            settings.place(options.get("bucket", ""))
        except ValueError as error:
            found.append(wrong_domain(f"STORAGES[{alias!r}], bucket: {error}."))
        if alias == "staticfiles" and options.get("expires", 0) is not None:
            text = f"STORAGES[{alias!r}] signs its URLs: they expire, and files cannot refer to each other."
            hint = "Set 'expires': None, 'acl': 'public-read' and a 'prefix' of its own."
            found.append(Warning(text, hint=hint, id="uploads.W062"))
    return found


def _is_ours(backend: Any) -> bool:
    """Whether it is OssStorage or a class of the project that is based on it."""
    try:
        return issubclass(import_string(backend), OssStorage)
    except (ImportError, TypeError, AttributeError):
        return False  # Django reports it.
