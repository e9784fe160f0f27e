"""The standalone site as a host that serves pages of other origins, keeps its CSRF token to itself, and has its static
files at OSS. The recipe of docs/browser.md for the server's side."""

from corsheaders.defaults import default_headers

from tests.site_settings import *  # noqa: F403
from uploads.site.settings import INSTALLED_APPS, MIDDLEWARE, UPLOADS

INSTALLED_APPS = [*INSTALLED_APPS, "corsheaders"]
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE]
CORS_ALLOWED_ORIGINS = UPLOADS["UPLOADS_ORIGINS"]
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key"]
CORS_EXPOSE_HEADERS = ["Retry-After", "X-Request-Id"]
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS
CSRF_COOKIE_NAME = "anti-forgery"
CSRF_COOKIE_HTTPONLY = True
STORAGES = {
    "default": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": "media/"}},
    "staticfiles": {
        "BACKEND": "uploads.storage.OssStorage",
        "OPTIONS": {"prefix": "static/", "expires": None, "acl": "public-read"},
    },
}
