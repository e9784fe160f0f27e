"""What a project has anyway, and what the app wants to be told."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only-an-example"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
ROOT_URLCONF = "cinema.urls"
INSTALLED_APPS = [
    "cinema",
    "uploads",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("CINEMA_DB", BASE_DIR / "db.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/login/"
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": "posters/"}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

UPLOADS = {
    "OSS_ENDPOINT": os.environ.get("OSS_ENDPOINT", "http://127.0.0.1:9000"),
    "OSS_ADDRESSING": "path",
    "OSS_REGION": "cn-hangzhou",
    "OSS_BUCKET": "demo-bucket",
    "OSS_ACCESS_KEY_ID": "demo-key-id",
    "OSS_ACCESS_KEY_SECRET": "demo-key-secret",
    "DESTINATIONS": {"films": {"key": "films/{user_id}/{uuid}/{filename}", "max_size": 10 * 2**30}},
}
