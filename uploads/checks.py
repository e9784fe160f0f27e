"""Reports wrong settings by Django's system checks, before anything is served.

Rule: each mistake has its own id, and a hint that says what to set. No check opens a connection; `doctor` does that.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from uploads.conf import DEFAULT_THROTTLES, settings, worker_processes
from uploads.domain import options
from uploads.domain.destination import (
    CALLBACK_KEYS,
    CLIENT_OPTIONS,
    CREDENTIALS,
    ISSUES_FOR_PREFIX,
    Destination,
    callback_parameters,
)
from uploads.domain.keys import own_prefix, template_problem
from uploads.oss import callback
from uploads.oss.limits import MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PRESIGN_SECONDS, MIN_PART_SIZE
from uploads.oss.sts import MAX_DURATION_SECONDS, MIN_DURATION_SECONDS


@register("uploads")
def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Every mistake in `UPLOADS`; an empty list when there is none."""
    if not isinstance(getattr(django_settings, "UPLOADS", {}), dict):
        return [Error("UPLOADS is not a dict.", hint="Set UPLOADS = {'OSS_ENDPOINT': …}.", id="uploads.E001")]
    wrong_types = _types()
    found = [*_required(), *_unknown(), *_connection(), *_credentials(), *wrong_types]
    if wrong_types:
        return found
    return [*found, *_callback_keys(), *_throttles(), *_cache(), *_origins(), *_destinations()]


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
        Warning(f"UPLOADS has an unknown key {name!r}.", hint="Check its spelling.", id="uploads.W001")
        for name in settings.raw
        if name not in known
    ]


def _types() -> list[CheckMessage]:
    """Values of a type that the other checks cannot read."""
    readers: dict[str, tuple[Callable[[], object], str]] = {
        "UPLOADS_ORIGINS": (lambda: settings.origins, "Set a list such as ['https://app.example.com']."),
        "OSS_CALLBACK_KEY_URLS": (lambda: settings.callback_key_urls, "Set a list of URL prefixes, or leave it out."),
        "THROTTLES": (lambda: settings.throttles, "Set a dict such as {'create': '600/min'}, or leave it out."),
    }
    found: list[CheckMessage] = []
    for name, (read, hint) in readers.items():
        try:
            read()
        except ValueError as error:
            found.append(Error(f"{name}: {error}.", hint=hint, id="uploads.E023"))
    return found


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
        found.append(Error("OSS_REGION must be the region's id, without oss-.", hint=hint, id="uploads.E005"))
    return found


def _credentials() -> list[CheckMessage]:
    """The site's own credentials, and those that STS issues."""
    found: list[CheckMessage] = []
    try:
        str(settings.credentials_expire_at)
    except ValueError:
        hint = "Set the time at which OSS_SESSION_TOKEN expires, such as 2026-01-15T09:30:00Z."
        found.append(Error("OSS_SESSION_EXPIRES is not a time.", hint=hint, id="uploads.E016"))
    if settings.sts_role_arn and not ROLE_ARN.fullmatch(settings.sts_role_arn):
        hint = "Set acs:ram::<account id>:role/<name>, as the RAM console shows it."
        text = f"OSS_STS_ROLE_ARN: {settings.sts_role_arn!r} is not the ARN of a role."
        found.append(Error(text, hint=hint, id="uploads.E017"))
    if not _is_origin(settings.sts_endpoint):
        hint = "Set https://sts.cn-hangzhou.aliyuncs.com, or leave it out."
        text = f"OSS_STS_ENDPOINT: {settings.sts_endpoint!r} is not scheme://host[:port]."
        found.append(Error(text, hint=hint, id="uploads.E018"))
    return found


ROLE_ARN = re.compile(r"acs:ram::\d+:role/[\w.@-]+", re.ASCII)


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


def _destinations() -> list[CheckMessage]:
    given = settings.raw.get("DESTINATIONS") or {}
    if not isinstance(given, dict) or not all(isinstance(values, dict) for values in given.values()):
        hint = "Set a dict such as {'default': {'max_size': 10_000_000}}."
        return [Error("DESTINATIONS is not a dict of dicts.", hint=hint, id="uploads.E007")]
    found: list[CheckMessage] = []
    for name, values in given.items():
        if unknown := sorted(map(str, set(values) - Destination.keys())):
            text = f"Destination {name!r} has unknown keys: {', '.join(unknown)}."
            hint = f"The keys are {', '.join(sorted(Destination.keys()))}."
            found.append(Error(text, hint=hint, id="uploads.E008"))
        else:
            found += _destination(Destination(name=name, **values))
    return found


def _destination(destination: Destination) -> list[CheckMessage]:
    found = [*_numbers(destination), *_rules(destination), *_options(destination), *_issuing(destination)]
    if problem := template_problem(destination.key):
        hint = "Set a template such as uploads/{user_id}/{date:%Y/%m/%d}/{uuid}/{filename}."
        found.append(Error(f"Destination {destination.name!r}, key: {problem}.", hint=hint, id="uploads.E009"))
    elif not destination.has_own_prefix:
        text = f"Destination {destination.name!r}, key: it does not begin with a fixed directory."
        hint = (
            "Begin it with a directory, such as uploads/. Otherwise orphans cannot be told from the uploads of other "
            "applications: sweep_uploads --orphans and the lifecycle rules leave this destination out."
        )
        found.append(Warning(text, hint=hint, id="uploads.W003"))
    if destination.callback is not None and (problem := callback_problem(destination.callback)):
        text = f"Destination {destination.name!r}, callback: {problem}."
        hint = (
            "Set a dict such as {'url': 'https://your.site/api/oss/callback/'}. "
            "body, body_type, host, sni and vars have the meaning that they have at OSS."
        )
        found.append(Error(text, hint=hint, id="uploads.E014"))
    return found


NUMBERS = (
    ("max_size", 1, MAX_OBJECT_SIZE, "bytes"),
    ("max_active_per_user", 1, None, "uploads"),
    ("max_bytes_per_user_per_day", 1, None, "bytes"),
    ("part_size", MIN_PART_SIZE, MAX_PART_SIZE, "bytes"),
    ("url_expires", 60, MAX_PRESIGN_SECONDS, "seconds"),
    ("credentials_expires", MIN_DURATION_SECONDS, MAX_DURATION_SECONDS, "seconds"),
    ("upload_expires", 3600, None, "seconds"),
)
"""Key, least and greatest value, unit."""
MAY_BE_NONE = ("max_size", "max_active_per_user", "max_bytes_per_user_per_day", "part_size")


def _numbers(destination: Destination) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for key, low, high, unit in NUMBERS:
        value = getattr(destination, key)
        if value is None and key in MAY_BE_NONE:
            continue
        if type(value) is not int or value < low or (high is not None and value > high):
            limits = f"from {low} to {high}" if high is not None else f"of at least {low}"
            text = f"Destination {destination.name!r}, {key}: {value!r} is not allowed."
            found.append(Error(text, hint=f"Set a whole number {limits} ({unit}).", id="uploads.E010"))
    return found


def _rules(destination: Destination) -> list[CheckMessage]:
    """Which users may upload, which files, and what clients may set."""
    found: list[CheckMessage] = []
    types = destination.content_types
    if not _is_list_of_texts(types) or not all(glob.count("/") == 1 for glob in types):
        text = f"Destination {destination.name!r}, content_types: {types!r} is not a list of patterns."
        found.append(Error(text, hint="Set a list such as ['video/*', 'image/png'].", id="uploads.E012"))
    permission = destination.permission
    if not callable(permission) and not (isinstance(permission, str) and permission.count(".") == (permission != "")):
        text = f"Destination {destination.name!r}, permission: {permission!r} is not a permission."
        found.append(Error(text, hint="Set 'app.codename', or a function of the user.", id="uploads.E015"))
    allowed = destination.client_options
    if not _is_list_of_texts(allowed) or set(allowed) - CLIENT_OPTIONS:
        text = f"Destination {destination.name!r}, client_options: {allowed!r} is not a list of options."
        hint = f"Set a list of some of: {', '.join(sorted(CLIENT_OPTIONS))}."
        found.append(Error(text, hint=hint, id="uploads.E011"))
    return found


def _issuing(destination: Destination) -> list[CheckMessage]:
    """What temporary credentials are issued, and which rules their policy cannot express."""
    name, given = destination.name, destination.credentials
    if given not in CREDENTIALS:
        text = f"Destination {name!r}, credentials: {given!r} is not allowed."
        return [Error(text, hint="Set 'upload' or 'prefix', or leave it out to issue none.", id="uploads.E030")]
    found: list[CheckMessage] = []
    if given == ISSUES_FOR_PREFIX and not template_problem(destination.key) and own_prefix(destination.key, 1) is None:
        text = f"Destination {name!r}, credentials: its keys have no prefix for each user."
        hint = "Begin the key with a fixed text and {user_id}/, such as films/{user_id}/{uuid}/{filename}."
        found.append(Error(text, hint=hint, id="uploads.E031"))
    if given and destination.unenforced_by_policy:
        rules = ", ".join(destination.unenforced_by_policy)
        text = f"Destination {name!r}: temporary credentials cannot be limited by {rules}."
        hint = (
            "These rules are enforced when an object has arrived: run sweep_uploads often, which removes what breaks "
            "them. Without credentials, signatures enforce them before."
        )
        found.append(Warning(text, hint=hint, id="uploads.W030"))
    if given and destination.traffic_limit:
        text = f"Destination {name!r}, traffic_limit: it is advisory for temporary credentials."
        hint = "A policy cannot demand it. Leave credentials out if every request must be limited."
        found.append(Warning(text, hint=hint, id="uploads.W031"))
    return found


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(each, str) for each in value)


def _options(destination: Destination) -> list[CheckMessage]:
    """The options of the object."""
    found: list[CheckMessage] = [
        Error(f"Destination {destination.name!r}, {name}: {problem}.", hint=OPTION_HINT, id="uploads.E013")
        for name, value in sorted(destination.options.items())
        if (problem := options.problem(name, value))
    ]
    if not found and (problem := options.combination_problem(destination.options)):
        found.append(Error(f"Destination {destination.name!r}: {problem}.", hint=KMS_HINT, id="uploads.E024"))
    for name in ("forbid_overwrite", "complete_all"):
        if not isinstance(getattr(destination, name), bool):
            text = f"Destination {destination.name!r}, {name}: {getattr(destination, name)!r} is not a bool."
            found.append(Error(text, hint="Set True or False.", id="uploads.E025"))
    if destination.forbid_overwrite is False:
        text = f"Destination {destination.name!r}: whoever may still upload can replace a completed upload."
        hint = "Leave forbid_overwrite out, unless something else than uploads writes these keys again."
        found.append(Warning(text, hint=hint, id="uploads.W002"))
    return found


KMS_HINT = "Set encryption to KMS, or leave the other option out."
OPTION_HINT = "Set a value that OSS accepts in the header of that name, or leave it out."


def callback_problem(given: Any) -> str | None:
    """The mistake in a destination's callback, in words; None when there is none."""
    if not isinstance(given, dict) or not given.get("url"):
        return "url is missing"
    if unknown := sorted(map(str, set(given) - CALLBACK_KEYS)):
        return f"unknown keys {', '.join(unknown)}; the keys are {', '.join(sorted(CALLBACK_KEYS))}"
    try:
        callback.parse(*callback.encode(callback_parameters(given, {"x:upload": "-", "x:secret": "-"})))
    except (callback.CallbackRefused, TypeError, AttributeError) as error:
        return str(error).rstrip(".")
    return None
