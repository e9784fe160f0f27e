"""Settings of the standalone site, from the environment.

Rule: every variable of the site is read here and nowhere else, and reading never fails: a system check names a value
that is missing or malformed. docs/configuration.md lists the variables, and those that other modules read.
"""

import json
import os
from functools import partial
from pathlib import Path

import django_cache_url
from environs import Env, EnvValidationError, validate
from pythonjsonlogger.core import RESERVED_ATTRS

from uploads.conf import Settings
from uploads.site import database
from uploads.site.secret_files import SecretReader

env = Env(eager=False)
secret = SecretReader(os.environ)

MOST_PROXIES = 10
"""A larger number is a mistake, such as a port."""

BASE_DIR = Path(__file__).resolve().parent.parent.parent

DEBUG = env.bool("DJANGO_DEBUG", False)
SECRET_KEY = secret.text("DJANGO_SECRET_KEY")
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])

INSTALLED_APPS = [
    "uploads.site.apps.SiteConfig",
    "uploads",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "uploads.site.probes.ProbesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "uploads.site.urls"
ASGI_CONCURRENCY = env.int("ASGI_CONCURRENCY", 64, validate=validate.Range(min=1))

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Under ASGI the thread of a request ends with it, and so does its connection: `uploads.site.asgi` sets 0.
CONN_MAX_AGE = env.int("DATABASE_CONN_MAX_AGE", 60) or 0
DEFAULT_DATABASE = None if secret.is_set("DATABASE_URL") else database.default_file(BASE_DIR, os.environ)
"""The file of the database when DATABASE_URL is not set."""
parse_database = partial(database.parse, seconds=CONN_MAX_AGE)
_database = secret.parsed("DATABASE_URL", parse_database, database.UNUSABLE)
if DEFAULT_DATABASE:
    _database = database.of_default_file(DEFAULT_DATABASE, BASE_DIR, CONN_MAX_AGE)
DATABASES = {"default": database.with_options(_database)}
if password := secret.text("DATABASE_PASSWORD"):
    DATABASES["default"]["PASSWORD"] = password
CACHES = {"default": secret.parsed("CACHE_URL", django_cache_url.parse, django_cache_url.parse("locmem://"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

HSTS_CHECKS = ["security.W004", "security.W005", "security.W021"]  # They ask for HSTS, which is off on purpose.
SILENCED_SYSTEM_CHECKS: list[str] = [*HSTS_CHECKS, *env.list("DJANGO_SILENCED_CHECKS", [])]
if DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    # These of Django's warn of constraints and indexes with conditions, for which the app has another form there.
    SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "models.W036", "models.W037"]


def credentials() -> object:
    """UPLOADS["CREDENTIALS"]: OSS_CREDENTIALS, or else what the variables of Alibaba Cloud's own tools name.

    These are read in the order of the vendor's default chain, and only where OSS_ACCESS_KEY_ID is not set:
    https://www.alibabacloud.com/help/en/sdk/developer-reference/v2-manage-python-access-credentials
    """
    given = secret.text("OSS_CREDENTIALS")
    if given or secret.text("OSS_ACCESS_KEY_ID"):
        return secret.parsed("OSS_CREDENTIALS", json.loads, {}) if given.startswith("{") else given
    key_id, token = secret.text("ALIBABA_CLOUD_ACCESS_KEY_ID"), secret.text("ALIBABA_CLOUD_SECURITY_TOKEN")
    if key_id:
        pair = {"access_key_id": key_id, "access_key_secret": secret.text("ALIBABA_CLOUD_ACCESS_KEY_SECRET")}
        return {"type": "sts", **pair, "security_token": token} if token else {"type": "access_key", **pair}
    named = {
        "oidc_role_arn": env.str("ALIBABA_CLOUD_OIDC_TOKEN_FILE", ""),
        "profile": env.str("ALIBABA_CLOUD_CREDENTIALS_FILE", ""),
        "ecs_ram_role": env.str("ALIBABA_CLOUD_ECS_METADATA", ""),
        "credentials_uri": env.str("ALIBABA_CLOUD_CREDENTIALS_URI", ""),
    }
    return next((kind for kind, value in named.items() if value), "")


def oidc() -> dict[str, object]:
    """UPLOADS["OIDC"]; empty without an issuer."""
    given = {
        "issuer": env.str("OIDC_ISSUER", ""),
        "audience": env.list("OIDC_AUDIENCE", []),
        "jwks_url": env.str("OIDC_JWKS_URL", ""),
        "algorithms": env.list("OIDC_ALGORITHMS", []),
        "leeway": env.int("OIDC_LEEWAY", 30),
        "username_claim": env.str("OIDC_USERNAME_CLAIM", "sub"),
        "roles_claim": env.str("OIDC_ROLES_CLAIM", ""),
        "roles": env.json("OIDC_ROLES", {}),
        "scopes": env.list("OIDC_SCOPES", []),
    }
    return given if given["issuer"] else {}


OIDC = oidc()
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    *(["uploads.web.token_permissions.TokenPermissions"] if OIDC else []),
]
# Pages of these origins may call the API, with a token in a header. Cookies are not sent.
CORS_ALLOWED_ORIGINS: list[str] = env.list("API_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["accept", "accept-language", "authorization", "content-type", "idempotency-key", "x-request-id"]
CORS_EXPOSE_HEADERS = ["Retry-After", "WWW-Authenticate", "X-Request-ID"]
if CORS_ALLOWED_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

UPLOADS = {
    "OSS_ENDPOINT": env.str("OSS_ENDPOINT", ""),
    "OSS_INTERNAL_ENDPOINT": env.str("OSS_INTERNAL_ENDPOINT", ""),
    "OSS_MORE_ENDPOINTS": env.list("OSS_MORE_ENDPOINTS", []),
    "OSS_REGION": env.str("OSS_REGION", ""),
    "OSS_BUCKET": env.str("OSS_BUCKET", ""),
    "OSS_ADDRESSING": env.str("OSS_ADDRESSING", "virtual"),
    "OSS_ACCESS_KEY_ID": secret.text("OSS_ACCESS_KEY_ID"),
    "OSS_ACCESS_KEY_SECRET": secret.text("OSS_ACCESS_KEY_SECRET"),
    "OSS_SESSION_TOKEN": secret.text("OSS_SESSION_TOKEN"),
    "OSS_SESSION_EXPIRES": env.str("OSS_SESSION_EXPIRES", ""),
    "CREDENTIALS": credentials(),
    "OSS_STS_ENDPOINT": env.str("OSS_STS_ENDPOINT", ""),
    "OSS_STS_ROLE_ARN": env.str("OSS_STS_ROLE_ARN", ""),
    "OSS_CALLBACK_KEY_URLS": env.list("OSS_CALLBACK_KEY_URLS", []),
    "UPLOADS_ORIGINS": env.list("UPLOADS_ORIGINS", []),
    "METRICS_TOKEN": secret.text("METRICS_TOKEN"),
    "METRICS_PUBLIC": env.bool("METRICS_PUBLIC", False) or False,
    "CLAMD_ADDRESS": env.str("CLAMD_ADDRESS", ""),
    "ON_OWNER_DELETE": env.str("ON_OWNER_DELETE", "keep"),
    "STORAGE_PRICE": env.str("STORAGE_PRICE", ""),
    "OIDC": OIDC,
    "WEBHOOKS": secret.parsed("UPLOADS_WEBHOOKS", json.loads, {}),
    "WEBHOOK_RETENTION_DAYS": env.int("WEBHOOK_RETENTION_DAYS", 30),
    "AUTHENTICATION_CLASSES": [
        *(["uploads.web.bearer.BearerAuthentication"] if OIDC else []),
        "uploads.web.tokens.PasswordBoundTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "BUCKETS": secret.parsed("UPLOADS_BUCKETS", json.loads, {}),
    "THROTTLES": env.json("UPLOADS_THROTTLES", {}),
    "DESTINATIONS": env.json("UPLOADS_DESTINATIONS", {"default": {"client_options": ["metadata"]}}),
}

PROXIES = env.int("DJANGO_PROXIES", 0, validate=validate.Range(min=0, max=MOST_PROXIES)) or 0
# The app's views take nothing else from here.
REST_FRAMEWORK = {"NUM_PROXIES": PROXIES}
SPECTACULAR_SETTINGS = {
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]  # Each in its own language.
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
# WhiteNoise serves the apps' static files in place; `collectstatic` is for a web server in front of the site.
STATIC_ROOT = env.path("STATIC_ROOT", None)
WHITENOISE_USE_FINDERS = True


def storage_origins() -> list[str]:
    """The origins that the page sends parts to: every address of each bucket. None while a system check fails."""
    app = Settings(UPLOADS)
    try:
        places = [app.place(name) for name in app.buckets]
        return sorted({address.origin(place.bucket) for place in places for address in place.addresses})
    except ValueError:
        return []


# No inline script or style, and requests only to the site and to OSS.
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/api/docs/"],  # Swagger UI has an inline script.
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "media-src": ["blob:"],  # A frame of a video that was uploaded.
        "connect-src": ["'self'", *storage_origins()],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    },
}

SESSION_COOKIE_SAMESITE = "Lax"
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if not DEBUG:
    # Off where the site is opened under http://, as in `manage.py demo` and in tests.
    SESSION_COOKIE_SECURE = env.bool("DJANGO_SECURE_COOKIES", True)
    CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE
    SECURE_REDIRECT_EXEMPT = [r"^healthz", r"^metrics$"]
    # Off: a browser that has seen the header opens the host under https:// alone for all this time, and nothing on the
    # server's side takes that back at once.
    SECURE_HSTS_SECONDS = env.int("DJANGO_HSTS_SECONDS", 0, validate=validate.Range(min=0)) or 0
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("DJANGO_HSTS_SUBDOMAINS", False) or False
    SECURE_HSTS_PRELOAD = env.bool("DJANGO_HSTS_PRELOAD", False) or False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message} {request_id}", "style": "{"},
        # Each key of a log call's `extra` becomes a field: upload, event, oss_request_id …
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "{asctime}{levelname}{name}{message}",
            "style": "{",
            # Django's error reports pass the whole request, with its URL.
            "reserved_attrs": [*RESERVED_ATTRS, "request"],
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
    },
    "filters": {
        "request_id": {"()": "uploads.web.request_id.RequestIdFilter"},
        "redaction": {"()": "uploads.web.redaction.RedactionFilter"},
    },
    "handlers": {
        "console": {
            "class": "uploads.site.logs.ConsoleHandler",
            "formatter": env.str("LOG_FORMAT", "json"),
            "filters": ["request_id", "redaction"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    # httpx logs whole URLs, and a URL may be presigned.
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        # It warns of every request that waits a moment for a thread.
        "waitress.queue": {"level": "ERROR"},
        # `runserver` has a handler of its own, without our filters.
        "django.server": {"handlers": [], "propagate": True},
    },
}

ENVIRONMENT_ERRORS: dict[str, list[str]] = secret.problems
"""The variables that could not be read, with the reasons. `uploads.site.apps` reports them as system checks."""
try:
    env.seal()
except EnvValidationError as error:
    if isinstance(error.error_messages, dict):
        ENVIRONMENT_ERRORS = {**secret.problems, **error.error_messages}
