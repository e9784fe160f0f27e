"""A project whose Django REST framework is set up for its own views, and in no way for the app's."""

import os

SECRET_KEY = "only-a-test"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
ADMINS = [("root", "root@example.com")]
ROOT_URLCONF = "hostile.urls"
INSTALLED_APPS = [
    "uploads",
    "rest_framework",
    "django_filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
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
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True},
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "/static/"

UPLOADS = {
    "OSS_ENDPOINT": os.environ.get("OSS_ENDPOINT", "http://127.0.0.1:1"),
    "OSS_ADDRESSING": "path",
    "OSS_REGION": "cn-hangzhou",
    "OSS_BUCKET": "demo-bucket",
    "OSS_ACCESS_KEY_ID": "demo-key-id",
    "OSS_ACCESS_KEY_SECRET": "demo-key-secret",
}

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "hostile.framework.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "hostile.schema.Schema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["hostile.framework.Nobody"],
    "DEFAULT_PERMISSION_CLASSES": ["hostile.framework.Never"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FileUploadParser"],
    "DEFAULT_THROTTLE_CLASSES": ["hostile.framework.NotNow"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "hostile.framework.Negotiation",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
    "DEFAULT_VERSION": None,
    "ALLOWED_VERSIONS": ["v9"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 1,
    "DEFAULT_FILTER_BACKENDS": ["hostile.framework.Filter"],
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "NON_FIELD_ERRORS_KEY": "oops",
    "DATETIME_FORMAT": "%d.%m.%Y",
    "COERCE_BIGINT_TO_STRING": True,
    "COERCE_DECIMAL_TO_STRING": False,
    "COMPACT_JSON": False,
    "UNICODE_JSON": False,
    "STRICT_JSON": False,
    "URL_FORMAT_OVERRIDE": "kind",
    "FORMAT_SUFFIX_KWARG": "kind",
    "SCHEMA_COERCE_PATH_PK": False,
    "VIEW_NAME_FUNCTION": "hostile.framework.no_name",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "The host's own",
    "DESCRIPTION": "A secret of the host",
    "PREPROCESSING_HOOKS": ["hostile.framework.hook"],
    "POSTPROCESSING_HOOKS": ["hostile.framework.hook"],
    "APPEND_PATHS": {"/secret/": {}},
    "SERVERS": [{"url": "https://host.example"}],
}
