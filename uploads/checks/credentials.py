"""Checks of the setting CREDENTIALS, and of the key pair in the settings.

Rule: no secret is quoted, and nothing is requested; `doctor` does that.
"""

import os
from importlib.util import find_spec

from django.core.checks import CheckMessage, Error, Warning

from uploads.conf import settings
from uploads.oss.credential_sources import PACKAGE, Source, source_from, time_from

PROXIED = ("ecs_ram_role", "credentials_uri", "default", "profile")
"""Types that may send requests without TLS."""


def check_credentials() -> list[CheckMessage]:
    """Every mistake in the settings of the server's own credentials."""
    value = settings.raw.get("CREDENTIALS")
    if not value:
        return _session()
    try:
        source = source_from(value)
    except ValueError as error:
        hint = "Set a type such as 'ecs_ram_role', a dict with its options, or the dotted path of a function."
        return [Error(f"CREDENTIALS: {error}.", hint=hint, id="uploads.E075")]
    found: list[CheckMessage] = []
    if isinstance(source, Source) and source.of_vendor and not find_spec(PACKAGE):
        text = f"CREDENTIALS is {source.name!r}, and the package alibabacloud-credentials is not installed."
        found.append(Error(text, hint="pip install 'oss-uploads[credentials]'", id="uploads.E076"))
    if settings.text("OSS_ACCESS_KEY_ID") or settings.text("OSS_ACCESS_KEY_SECRET"):
        text = "CREDENTIALS and OSS_ACCESS_KEY_ID are both set; CREDENTIALS is used."
        found.append(Warning(text, hint="Remove one of them.", id="uploads.W075"))
    proxy = os.environ.get("HTTP_PROXY") or os.environ.get("http_proxy")
    if isinstance(source, Source) and source.of_vendor and source.name in PROXIED and proxy:
        # Tea, on which the package is built, takes HTTP_PROXY for every request and does not read NO_PROXY.
        text = "HTTP_PROXY is set: requests for credentials without TLS, and their answers, go to the proxy."
        hint = "Remove HTTP_PROXY from the environment of the site; HTTPS_PROXY may stay."
        found.append(Warning(text, hint=hint, id="uploads.W076"))
    return found


def _session() -> list[CheckMessage]:
    try:
        end = time_from(settings.text("OSS_SESSION_EXPIRES"))
    except ValueError:
        hint = "Set the time at which OSS_SESSION_TOKEN expires, such as 2026-01-15T09:30:00Z."
        return [Error("OSS_SESSION_EXPIRES is not a time.", hint=hint, id="uploads.E016")]
    if settings.text("OSS_SESSION_TOKEN") and end is None:
        text = "OSS_SESSION_TOKEN is set without OSS_SESSION_EXPIRES: presigned URLs may expire earlier than they say."
        hint = "Set the time at which the token expires, or let CREDENTIALS name where credentials come from."
        return [Warning(text, hint=hint, id="uploads.W077")]
    return []
