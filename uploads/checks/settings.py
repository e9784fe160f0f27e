"""Reports wrong settings by Django's system checks, before anything is served.

Rule: each mistake has its own id, and a hint that says what to set. No check opens a connection; `doctor` does that.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from uploads.checks.authentication import check_authentication
from uploads.checks.credentials import check_credentials
from uploads.checks.destinations import check_destinations
from uploads.checks.integrations import check_integrations
from uploads.checks.places import ROLE_ARN, check_places
from uploads.checks.proxies import check_proxies
from uploads.checks.storages import check_storages
from uploads.conf import DEFAULT_THROTTLES, settings, worker_processes


@register("uploads")
def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Every mistake in `UPLOADS`; an empty list when there is none."""
    if not isinstance(getattr(django_settings, "UPLOADS", {}), dict):
        return [Error("UPLOADS is not a dict.", hint="Set UPLOADS = {'OSS_ENDPOINT': …}.", id="uploads.E001")]
    wrong_types = _types()
    found = [*_required(), *_unknown(), *_connection(), *check_credentials(), *_roles(), *_owners(), *wrong_types]
    if wrong_types:
        return found
    found += [*_callback_keys(), *_throttles(), *_cache(), *_cache_client(), *_origins()]
    return [
        *found,
        *check_authentication(),
        *check_proxies(),
        *check_destinations(),
        *check_places(),
        *check_storages(),
        *check_integrations(),
    ]


def _required() -> list[CheckMessage]:
    return [
        Error(f"{name} is not set.", hint=HINTS[name], id="uploads.E002")
        for name in settings.REQUIRED
        if not settings.text(name) and not (name in KEY_PAIR and settings.raw.get("CREDENTIALS"))
    ]


HINTS = {
    "OSS_ENDPOINT": "Set it to the region's endpoint, such as https://oss-cn-hangzhou.aliyuncs.com.",
    "OSS_REGION": "Set it to the region's id, such as cn-hangzhou.",
    "OSS_BUCKET": "Set it to the name of the bucket that receives the uploads.",
    "OSS_ACCESS_KEY_ID": "Set it to the access key id of a RAM user, or set CREDENTIALS.",
    "OSS_ACCESS_KEY_SECRET": "Set it to the secret of that access key, or set CREDENTIALS.",
}
KEY_PAIR = ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")


def _unknown() -> list[CheckMessage]:
    known = {*settings.REQUIRED, *settings.OPTIONAL}
    return [
        Warning(f"UPLOADS has an unknown key {name!r}.", hint="Check its spelling.", id="uploads.W001")
        for name in settings.raw
        if name not in known
    ]


def _types() -> list[CheckMessage]:
    """Values of a type that the other checks cannot read."""
    readers: dict[str, tuple[Callable[[], object], str]] = {
        "UPLOADS_ORIGINS": (lambda: settings.origins, "Set a list such as ['https://app.example.com']."),
        "OSS_CALLBACK_KEY_URLS": (lambda: settings.callback_key_urls, "Set a list of URL prefixes, or leave it out."),
        "AUTHENTICATION_CLASSES": (lambda: settings.authentication_classes, "Set a list of dotted paths."),
        "METRICS_PUBLIC": (lambda: settings.metrics_public, "Set True, or leave it out."),
        "STORAGE_PRICE": (lambda: settings.storage_price, "Set an amount and a currency, such as 0.12 CNY."),
        "THROTTLES": (lambda: settings.throttles, "Set a dict such as {'create': '600/min'}, or leave it out."),
    }
    found: list[CheckMessage] = []
    for name, (read, hint) in readers.items():
        try:
            read()
        except ValueError as error:
            found.append(Error(f"{name}: {error}.", hint=hint, id="uploads.E023"))
    return found


def _owners() -> list[CheckMessage]:
    try:
        str(settings.on_owner_delete)
    except ValueError as error:
        hint = "Set keep (uploads stay, without an owner) or delete (they go with their objects)."
        return [Error(f"ON_OWNER_DELETE: {error}.", hint=hint, id="uploads.E058")]
    return []


def _connection() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    try:
        str(settings.addressing)
    except ValueError as error:
        hint = "Set virtual (OSS itself), path (localoss, other servers) or cname (the bucket's own domain)."
        return [Error(f"OSS_ADDRESSING: {error}.", hint=hint, id="uploads.E003")]
    for name in ("OSS_ENDPOINT", "OSS_INTERNAL_ENDPOINT"):
        try:
            str(settings.internal_endpoint if name == "OSS_INTERNAL_ENDPOINT" else settings.endpoint)
        except ValueError as error:
            if settings.text(name):
                found.append(Error(f"{name}: {error}.", hint=HINTS["OSS_ENDPOINT"], id="uploads.E004"))
    with suppress(ValueError):
        str(settings.endpoint)
        found += _more_endpoints()
    if settings.region.startswith("oss-"):
        hint = f"Set {settings.region.removeprefix('oss-')}."
        found.append(Error("OSS_REGION must be the region's id, without oss-.", hint=hint, id="uploads.E005"))
    return found


def _more_endpoints() -> list[CheckMessage]:
    try:
        str(settings.more_endpoints)
    except ValueError as error:
        hint = "Set endpoints such as oss-accelerate.aliyuncs.com, or 'upload.example.com cname', each of them once."
        return [Error(f"OSS_MORE_ENDPOINTS: {error}.", hint=hint, id="uploads.E091")]
    return []


def _roles() -> list[CheckMessage]:
    """The role for temporary credentials."""
    found: list[CheckMessage] = []
    if settings.sts_role_arn and not ROLE_ARN.fullmatch(settings.sts_role_arn):
        hint = "Set acs:ram::<account id>:role/<name>, as the RAM console shows it."
        text = f"OSS_STS_ROLE_ARN: {settings.sts_role_arn!r} is not the ARN of a role."
        found.append(Error(text, hint=hint, id="uploads.E017"))
    if not _is_origin(settings.sts_endpoint):
        hint = "Set https://sts.cn-hangzhou.aliyuncs.com, or leave it out."
        text = f"OSS_STS_ENDPOINT: {settings.sts_endpoint!r} is not scheme://host[:port]."
        found.append(Error(text, hint=hint, id="uploads.E018"))
    return found


def _callback_keys() -> list[CheckMessage]:
    return [
        Error(
            f"OSS_CALLBACK_KEY_URLS: {url!r} is not a URL prefix.",
            hint="Set the beginning of a URL, with a slash after the host: https://gosspublic.alicdn.com/.",
            id="uploads.E019",
        )
        for url in settings.callback_key_urls
        if not (url.startswith(("https://", "http://")) and url.count("/") >= 3)
    ]


def _throttles() -> list[CheckMessage]:
    return [
        Error(
            f"THROTTLES: {name!r}: {rate!r} is not a scope and its rate.",
            hint=f"The scopes are {', '.join(sorted(DEFAULT_THROTTLES))}. Set a rate such as 600/min; empty: no limit.",
            id="uploads.E022",
        )
        for name, rate in settings.throttles.items()
        if name not in DEFAULT_THROTTLES or not RATE.fullmatch(str(rate))
    ]


def _cache() -> list[CheckMessage]:
    """Throttles count in the cache, so that one which each process has for itself multiplies every limit."""
    backend, workers = str(django_settings.CACHES["default"]["BACKEND"]), worker_processes()
    is_local = backend.endswith(("LocMemCache", "DummyCache"))
    if not is_local or workers == 1 or not any(settings.throttles.values()):
        return []
    text = f"Each of {workers} worker processes has a cache of its own: limits of requests and of logins do not hold."
    hint = "Set CACHE_URL (or CACHES) to a Redis server, or run one worker process."
    return [Error(text, hint=hint, id="uploads.E032")]


def _cache_client() -> list[CheckMessage]:
    """Django imports the client of a cache with the first request that uses it, and that request fails."""
    if django_settings.CACHES["default"]["BACKEND"] != REDIS_CACHE or find_spec("redis"):
        return []
    text = "The cache is a Redis server, and the package redis is not installed."
    return [Error(text, hint="pip install 'oss-uploads[redis]'", id="uploads.E046")]


REDIS_CACHE = "django.core.cache.backends.redis.RedisCache"
RATE = re.compile(r"(\d+/(s|sec|min|m|hour|h|day|d))?")


def _is_origin(text: object) -> bool:
    return isinstance(text, str) and "://" in text and text.count("/") == 2


def _origins() -> list[CheckMessage]:
    return [
        Error(
            f"UPLOADS_ORIGINS: {origin!r} is not an origin.",
            hint="Set scheme://host[:port] without a path, such as https://app.example.com.",
            id="uploads.E006",
        )
        for origin in settings.origins
        if not _is_origin(origin)
    ]
