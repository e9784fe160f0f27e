"""Settings of the standalone site, from the environment.

Rule: every variable of the site is read here and nowhere else, and reading never fails: a system check names a value
that is missing or malformed. (`manage.py demo` reads PORT, OSS_PORT and VAR_DIR itself; the doctor and `/metrics` read
variables of gunicorn and of the Prometheus client.)
"""

from pathlib import Path

from environs import Env, EnvValidationError, validate
from pythonjsonlogger.core import RESERVED_ATTRS

from uploads.conf import Settings
from uploads.site.mysql import use_pymysql

env = Env(eager=False)

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PACKAGE_DIR = BASE_DIR / "uploads"

DEBUG = env.bool("DJANGO_DEBUG", False)
SECRET_KEY = env.str("DJANGO_SECRET_KEY", "")
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

SQLITE = f"sqlite:///{BASE_DIR / 'var' / 'db.sqlite3'}"
# Under ASGI the thread of a request ends with it, and so does its connection: `uploads.site.asgi` sets 0.
CONN_MAX_AGE = env.int("DATABASE_CONN_MAX_AGE", 60)
DATABASES = {
    "default": env.dj_db_url("DATABASE_URL", SQLITE, conn_max_age=CONN_MAX_AGE)
    or {"ENGINE": "django.db.backends.dummy"}
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE: a transaction waits for the write lock at its start, instead of failing at its first write.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    use_pymysql()
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("charset", "utf8mb4")
CACHES = {
    "default": env.dj_cache_url("CACHE_URL", "locmem://") or {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SILENCED_SYSTEM_CHECKS: list[str] = env.list("DJANGO_SILENCED_CHECKS", [])
if DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    # These of Django's warn of constraints and indexes with conditions, for which the app has another form there.
    SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "models.W036", "models.W037"]


def credentials() -> object:
    """UPLOADS["CREDENTIALS"]: OSS_CREDENTIALS, or else what the variables of Alibaba Cloud's own tools name.

    These are read in the order of the vendor's default chain, and only where OSS_ACCESS_KEY_ID is not set:
    https://www.alibabacloud.com/help/en/sdk/developer-reference/v2-manage-python-access-credentials
    """
    given = env.str("OSS_CREDENTIALS", "")
    if given or env.str("OSS_ACCESS_KEY_ID", ""):
        return env.json("OSS_CREDENTIALS", {}) if given and given.startswith("{") else given
    key_id, token = env.str("ALIBABA_CLOUD_ACCESS_KEY_ID", ""), env.str("ALIBABA_CLOUD_SECURITY_TOKEN", "")
    if key_id:
        pair = {"access_key_id": key_id, "access_key_secret": env.str("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")}
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
    "OSS_ACCESS_KEY_ID": env.str("OSS_ACCESS_KEY_ID", ""),
    "OSS_ACCESS_KEY_SECRET": env.str("OSS_ACCESS_KEY_SECRET", ""),
    "OSS_SESSION_TOKEN": env.str("OSS_SESSION_TOKEN", ""),
    "OSS_SESSION_EXPIRES": env.str("OSS_SESSION_EXPIRES", ""),
    "CREDENTIALS": credentials(),
    "OSS_STS_ENDPOINT": env.str("OSS_STS_ENDPOINT", ""),
    "OSS_STS_ROLE_ARN": env.str("OSS_STS_ROLE_ARN", ""),
    "OSS_CALLBACK_KEY_URLS": env.list("OSS_CALLBACK_KEY_URLS", []),
    "UPLOADS_ORIGINS": env.list("UPLOADS_ORIGINS", []),
    "METRICS_TOKEN": env.str("METRICS_TOKEN", ""),
    "METRICS_PUBLIC": env.bool("METRICS_PUBLIC", False) or False,
    "CLAMD_ADDRESS": env.str("CLAMD_ADDRESS", ""),
    "ON_OWNER_DELETE": env.str("ON_OWNER_DELETE", "keep"),
    "OIDC": OIDC,
    "WEBHOOKS": env.json("UPLOADS_WEBHOOKS", {}),
    "WEBHOOK_RETENTION_DAYS": env.int("WEBHOOK_RETENTION_DAYS", 30),
    "AUTHENTICATION_CLASSES": [
        *(["uploads.web.bearer.BearerAuthentication"] if OIDC else []),
        "uploads.web.tokens.PasswordBoundTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "BUCKETS": env.json("UPLOADS_BUCKETS", {}),
    "DESTINATIONS": env.json("UPLOADS_DESTINATIONS", {"default": {"client_options": ["metadata"]}}),
}

# The app's views take nothing else from here.
REST_FRAMEWORK = {"NUM_PROXIES": env.int("DJANGO_PROXIES", 0)}
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
PROXIES = env.int("DJANGO_PROXIES", 0)
if PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if not DEBUG:
    # Off only in `manage.py demo` and in tests, which serve plain HTTP.
    SESSION_COOKIE_SECURE = env.bool("DJANGO_SECURE_COOKIES", True)
    CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SESSION_COOKIE_SECURE
    SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE
    SECURE_REDIRECT_EXEMPT = [r"^healthz", r"^metrics$"]
    if SESSION_COOKIE_SECURE:
        SECURE_HSTS_SECONDS = 365 * 24 * 3600
        SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True

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

ENVIRONMENT_ERRORS: dict[str, list[str]] = {}
"""The variables that could not be read, with the reasons. `uploads.site.apps` reports them as system checks."""
try:
    env.seal()
except EnvValidationError as error:
    if isinstance(error.error_messages, dict):
        ENVIRONMENT_ERRORS = error.error_messages
