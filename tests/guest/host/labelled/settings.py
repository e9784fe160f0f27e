"""A project that has an app labelled `uploads` itself, and installs this one under another label."""

from hostile.settings import *  # noqa: F403
from hostile.settings import INSTALLED_APPS as _APPS

ROOT_URLCONF = "labelled.urls"
INSTALLED_APPS = [
    "labelled.holiday.apps.HolidayConfig",
    "labelled.oss_uploads.OssUploadsConfig",
    *(app for app in _APPS if app != "uploads"),
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
REST_FRAMEWORK: dict[str, object] = {}
SPECTACULAR_SETTINGS: dict[str, object] = {}
