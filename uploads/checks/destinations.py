"""Wrong destinations in the settings."""

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from uploads.checks.overlaps import bucket_of, check_own_prefixes, writers_of_final_keys
from uploads.conf import settings
from uploads.domain import options
from uploads.domain.destination import (
    CALLBACK_KEYS,
    CLIENT_OPTIONS,
    CREDENTIALS,
    ISSUES_FOR_PREFIX,
    Destination,
    callback_parameters,
)
from uploads.domain.keys import FIELDS, VALUE_NAME, own_prefix, template_problem
from uploads.domain.staging import prefix_problem
from uploads.oss import callback
from uploads.oss.limits import MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PRESIGN_SECONDS, MIN_PART_SIZE
from uploads.oss.sts import MAX_DURATION_SECONDS, MIN_DURATION_SECONDS


def check_destinations() -> list[CheckMessage]:
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
    return found + check_own_prefixes(sound_destinations())


def _destination(destination: Destination) -> list[CheckMessage]:
    found = [*_numbers(destination), *_rules(destination), *_options(destination), *_issuing(destination)]
    found += _key_values(destination)
    if problem := _template_problem(destination):
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
    return found + _staging(destination) + _deletion(destination)


def _key_values(destination: Destination) -> list[CheckMessage]:
    """Fields of the site's own: their names, and the functions that give their values."""
    given, label = destination.key_values, f"Destination {destination.name!r}, key_values"
    problems: list[str] = []
    if not isinstance(given, Mapping):
        problems = ["it is not a dict"]
    else:
        for name, function in given.items():
            if not isinstance(name, str) or not VALUE_NAME.fullmatch(name) or name in FIELDS:
                problems.append(f"{name!r} cannot be the name of a field")
            elif not callable(function) and (problem := _import_problem(function)):
                problems.append(problem)
    hint = "Set a dict of functions of the user, or of their dotted paths, such as {'tenant': 'yourapp.tenants.of'}."
    return [Error(f"{label}: {problem}.", hint=hint, id="uploads.E082") for problem in problems]


def _own_values(destination: Destination) -> dict[str, str]:
    """Examples of the values, by field."""
    given = destination.key_values
    names = given if isinstance(given, Mapping) else ()
    return {name: "value" for name in names if isinstance(name, str) and name not in FIELDS}


def _template_problem(destination: Destination) -> str | None:
    return template_problem(destination.key, _own_values(destination))


def _deletion(destination: Destination) -> list[CheckMessage]:
    """Who may delete, and how long rows and objects are kept. `_numbers` has checked the days by themselves."""
    found: list[CheckMessage] = []
    if not isinstance(destination.allow_delete, bool):
        text = f"Destination {destination.name!r}, allow_delete: {destination.allow_delete!r} is not a bool."
        found.append(Error(text, hint="Set True or False.", id="uploads.E059"))
    rows, objects = destination.retention_days, destination.object_retention_days
    if type(rows) is int and type(objects) is int and rows < objects:
        text = f"Destination {destination.name!r}: retention_days is {rows}, object_retention_days is {objects}."
        hint = "Set retention_days to as many days or more: an object whose row is gone is not removed."
        found.append(Error(text, hint=hint, id="uploads.E060"))
    if type(rows) is int and objects is None:
        text = f"Destination {destination.name!r}: after retention_days the objects of completed uploads have no row."
        hint = "Set object_retention_days too, unless the objects are meant to stay when their uploads are forgotten."
        found.append(Warning(text, hint=hint, id="uploads.W058"))
    return found


def _staging(destination: Destination) -> list[CheckMessage]:
    """Staged destinations: the staging prefix, the inspector, and options that do not go with staging."""
    name = f"Destination {destination.name!r}"
    found: list[CheckMessage] = []
    if destination.inspector and not destination.stage:
        found.append(Error(f"{name}: inspector needs stage.", hint="Set 'stage': True.", id="uploads.E042"))
    if destination.inspector and (problem := _import_problem(destination.inspector)):
        hint = "Set the dotted path of a function, such as yourapp.inspectors.inspect."
        found.append(Error(f"{name}, inspector: {problem}.", hint=hint, id="uploads.E043"))
    if not destination.stage:
        return found
    if problem := prefix_problem(destination.stage_prefix):
        hint = "Set a prefix such as staging/."
        found.append(Error(f"{name}, stage_prefix: {problem}.", hint=hint, id="uploads.E040"))
        return found
    bucket, prefix = bucket_of(destination.bucket), destination.stage_prefix
    others = [each for each in sound_destinations() if bucket_of(each.bucket) == bucket]
    inside = sorted(each.name for each in others if each.prefix.startswith(prefix) or prefix.startswith(each.prefix))
    if inside:
        text = f"{name}, stage_prefix: {prefix!r} overlaps the keys of {', '.join(inside)}, which would expire with it."
        found.append(Error(text, hint="Let both begin with different directories.", id="uploads.E041"))
    if not _template_problem(destination) and (writers := writers_of_final_keys(destination, others)):
        text = f"{name}: credentials 'prefix' of {', '.join(writers)} allow users to write its final keys unchecked."
        hint = "Let the keys of both begin with different directories, or use different buckets."
        found.append(Error(text, hint=hint, id="uploads.E047"))
    if destination.callback:
        hint = "OSS makes no callback for the final copy. Use the signal upload_completed instead."
        found.append(Error(f"{name}: callback does not go with stage.", hint=hint, id="uploads.E044"))
    return found


def _import_problem(path: object) -> str | None:
    try:
        return None if callable(import_string(str(path))) else f"{path!r} is not a function"
    except ImportError as error:
        return str(error).rstrip(".")


def sound_destinations() -> list[Destination]:
    """Those that have known keys only, and a template that is allowed."""
    given = settings.raw.get("DESTINATIONS") or {"default": {}}
    dicts = [each for each in given.items() if isinstance(each[1], dict)] if isinstance(given, dict) else []
    known = [Destination(name=name, **values) for name, values in dicts if set(values) <= Destination.keys()]
    return [each for each in known if not _template_problem(each)]


MAX_DAYS = 36_500
"""Dates of a hundred years ago still exist."""
NUMBERS = (
    ("max_size", 1, MAX_OBJECT_SIZE, "bytes"),
    ("max_active_per_user", 1, None, "uploads"),
    ("max_bytes_per_user_per_day", 1, None, "bytes"),
    ("part_size", MIN_PART_SIZE, MAX_PART_SIZE, "bytes"),
    ("url_expires", 60, MAX_PRESIGN_SECONDS, "seconds"),
    ("credentials_expires", MIN_DURATION_SECONDS, MAX_DURATION_SECONDS, "seconds"),
    ("upload_expires", 3600, None, "seconds"),
    ("download_expires", 60, MAX_PRESIGN_SECONDS, "seconds"),
    ("retention_days", 1, MAX_DAYS, "days"),
    ("object_retention_days", 1, MAX_DAYS, "days"),
)
"""Key, least and greatest value, unit."""
MAY_BE_NONE = (
    "max_size",
    "max_active_per_user",
    "max_bytes_per_user_per_day",
    "part_size",
    "download_expires",
    "retention_days",
    "object_retention_days",
)


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
    if given == ISSUES_FOR_PREFIX and destination.stage:
        hint = "Set credentials to 'upload': objects of clients that begin uploads themselves cannot be staged."
        text = f"Destination {name!r}: credentials 'prefix' do not go with stage."
        found.append(Error(text, hint=hint, id="uploads.E045"))
    own = own_prefix(destination.key, 1, _own_values(destination)) if not _template_problem(destination) else ""
    if given == ISSUES_FOR_PREFIX and own is None:
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
