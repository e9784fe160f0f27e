"""Wrong settings, told by Django's system check before anything is served.

Rule: each mistake has an id of its own and says what to set. No check opens a connection: that is `doctor`'s work.
"""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from uploads.conf import CLIENT_OPTIONS, Destination, settings
from uploads.keys import template_problem
from uploads.oss.limits import MAX_PART_SIZE, MAX_PRESIGN_SECONDS, MIN_PART_SIZE


@register("uploads")
def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    if not isinstance(getattr(django_settings, "UPLOADS", {}), dict):
        return [Error("UPLOADS is not a dict.", hint="Set UPLOADS = {'OSS_ENDPOINT': …}.", id="uploads.E001")]
    return [*_required(), *_unknown(), *_connection(), *_origins(), *_destinations()]


def _required() -> list[CheckMessage]:
    return [
        Error(f"{name} is not set.", hint=HINTS[name], id="uploads.E002")
        for name in settings.REQUIRED
        if not settings.text(name)
    ]


HINTS = {
    "OSS_ENDPOINT": "Set it to the region's endpoint, such as https://oss-cn-hangzhou.aliyuncs.com.",
    "OSS_REGION": "Set it to the region's id, such as cn-hangzhou.",
    "OSS_BUCKET": "Set it to the name of the bucket that receives the uploads.",
    "OSS_ACCESS_KEY_ID": "Set it to the access key id of a RAM user.",
    "OSS_ACCESS_KEY_SECRET": "Set it to the secret of that access key.",
}


def _unknown() -> list[CheckMessage]:
    known = {*settings.REQUIRED, *settings.OPTIONAL}
    return [
        Warning(f"UPLOADS holds {name!r}, which nothing reads.", hint="Mind the spelling.", id="uploads.W001")
        for name in settings.raw
        if name not in known
    ]


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
    if settings.region.startswith("oss-"):
        hint = f"Set {settings.region.removeprefix('oss-')}."
        found.append(Error("OSS_REGION is the region's id, without oss-.", hint=hint, id="uploads.E005"))
    return found


def _origins() -> list[CheckMessage]:
    return [
        Error(
            f"UPLOADS_ORIGINS: {origin!r} is not an origin.",
            hint="An origin is scheme://host[:port] without a path, such as https://app.example.com.",
            id="uploads.E006",
        )
        for origin in settings.origins
        if not isinstance(origin, str) or "://" not in origin or origin.count("/") != 2
    ]


def _destinations() -> list[CheckMessage]:
    given = settings.raw.get("DESTINATIONS") or {}
    if not isinstance(given, dict) or not all(isinstance(values, dict) for values in given.values()):
        hint = "Set {'default': {'key': …}}."
        return [Error("DESTINATIONS is not a dict of dicts.", hint=hint, id="uploads.E007")]
    found: list[CheckMessage] = []
    for name, values in given.items():
        if unknown := sorted(set(values) - Destination.keys()):
            hint = f"Known are: {', '.join(sorted(Destination.keys()))}."
            found.append(Error(f"Destination {name!r} holds {', '.join(unknown)}.", hint=hint, id="uploads.E008"))
        else:
            found += _destination(Destination(name=name, **values))
    return found


def _destination(destination: Destination) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if problem := template_problem(destination.key):
        hint = "For example uploads/{user_id}/{date:%Y/%m/%d}/{uuid}/{filename}."
        found.append(Error(f"Destination {destination.name!r}, key: {problem}.", hint=hint, id="uploads.E009"))
    if unknown := sorted(set(destination.client_options) - CLIENT_OPTIONS):
        hint = f"Known are: {', '.join(sorted(CLIENT_OPTIONS))}."
        text = f"Destination {destination.name!r}, client_options: {', '.join(unknown)}."
        found.append(Error(text, hint=hint, id="uploads.E011"))
    for key, low, high in (
        ("part_size", MIN_PART_SIZE, MAX_PART_SIZE),
        ("url_expires", 60, MAX_PRESIGN_SECONDS),
        ("upload_expires", 3600, None),
    ):
        value = getattr(destination, key)
        if value is None and key == "part_size":
            continue
        if not isinstance(value, int) or value < low or (high is not None and value > high):
            limits = f"from {low}" + (f" to {high}" if high is not None else "")
            found.append(
                Error(
                    f"Destination {destination.name!r}, {key}: {value!r}.",
                    hint=f"Set a whole number {limits} ({'bytes' if key == 'part_size' else 'seconds'}).",
                    id="uploads.E010",
                )
            )
    return found
