"""Checks OIDC and WEBHOOKS: whose tokens the API accepts, and who is told of events."""

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning

from uploads.conf import settings

BEARER, PERMISSIONS = "BearerAuthentication", "TokenPermissions"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_integrations() -> Iterator[CheckMessage]:
    yield from _oidc()
    yield from _webhooks()


def _oidc() -> Iterator[CheckMessage]:
    try:
        issuer = settings.oidc
    except ValueError as error:
        hint = "Set {'issuer': 'https://login.example.com', 'audience': 'uploads'}; see the page on services."
        yield Error(f"OIDC: {error}.", hint=hint, id="uploads.E110")
        return
    is_used = any(path.endswith(f".{BEARER}") for path in settings.authentication_classes)
    if is_used and find_spec("jwt") is None:
        yield Error("Bearer tokens need the package PyJWT.", hint="pip install 'oss-uploads[oidc]'", id="uploads.E111")
    if (issuer is None) == is_used:
        text = "OIDC is set, but no authentication class reads its tokens." if issuer else "OIDC is not set."
        hint = f"Set OIDC, and have {BEARER} in AUTHENTICATION_CLASSES; or neither."
        yield Warning(text, hint=hint, id="uploads.W111")
    if issuer is None:
        return
    for url in (issuer.issuer, issuer.jwks_url):
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            hint = "Set https://. Whoever is between this server and the issuer could make tokens."
            yield Warning(f"OIDC: {url} has no https://.", hint=hint, id="uploads.W110")
    backends = django_settings.AUTHENTICATION_BACKENDS
    has_permissions = any(role.permissions for role in issuer.roles.values())
    if has_permissions and not any(path.endswith(f".{PERMISSIONS}") for path in backends):
        hint = f"Add {PERMISSIONS} to AUTHENTICATION_BACKENDS; see the page on services."
        yield Warning("OIDC: the permissions of the roles have no effect.", hint=hint, id="uploads.W112")


def _webhooks() -> Iterator[CheckMessage]:
    try:
        str(settings.webhooks)
    except ValueError as error:
        hint = "Set {'shop': {'url': 'https://shop.example.com/hooks', 'secret': 'whsec_…'}}; see the page on webhooks."
        yield Error(f"WEBHOOKS: {error}.", hint=hint, id="uploads.E112")
    try:
        str(settings.webhook_retention_days)
    except ValueError as error:
        yield Error(f"WEBHOOK_RETENTION_DAYS: {error}.", hint="Set a number, or leave it out.", id="uploads.E113")
