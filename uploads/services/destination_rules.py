"""What a destination accepts: who may upload, which files, and what the client may choose.

Rule: deny by default. Each refusal names the field, the limit, and what would be accepted.
"""

import logging
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from django.contrib.auth.models import PermissionsMixin
from django.utils.module_loading import import_string

from uploads.conf import Destination, settings
from uploads.domain import options as table
from uploads.domain.content_types import MAX_LENGTH, bare_type
from uploads.domain.errors import Forbidden, InvalidUpload, NotOffered
from uploads.domain.keys import key_value
from uploads.domain.phrase import Phrase
from uploads.domain.quota import too_large
from uploads.models import Upload, User
from uploads.oss.limits import MAX_METADATA_BYTES

log = logging.getLogger("uploads.destinations")

MAX_NAME = 64
"""Characters of an unknown option's name in a problem."""


def get_destination(name: str) -> Destination:
    """The destination that a client names. Raises InvalidUpload."""
    try:
        return settings.destinations[name]
    except KeyError:
        detail = Phrase("There is no destination {name!r}.", name=name)
        raise InvalidUpload(detail, errors={"destination": [detail]}) from None


def current_destination(upload: Upload) -> Destination:
    """The upload's destination as the settings have it now. Raises NotOffered if they no longer have it."""
    try:
        return settings.destinations[upload.destination]
    except KeyError:
        detail = Phrase("The destination {name!r} no longer exists. Abort this upload.", name=upload.destination)
        raise NotOffered(detail, errors={"destination": [detail]}) from None


def check_file(destination: Destination, size: int | None, content_type: str) -> None:
    """Check size (bytes; None: not known yet) and type. Raises TooLarge or InvalidUpload."""
    if destination.max_size is not None and size is not None and size > destination.max_size:
        raise too_large(destination.name, destination.max_size, size)
    bare, globs = bare_type(content_type), destination.content_types
    if globs and not (bare and any(fnmatchcase(bare, glob.lower()) for glob in globs)):
        detail = Phrase(
            "The destination {name!r} accepts {types}, not {type}.",
            name=destination.name,
            types=", ".join(globs),
            type=bare or content_type[:MAX_LENGTH],
        )
        raise InvalidUpload(detail, errors={"content_type": [detail]})


def permit(destination: Destination, user: User) -> None:
    """Raises Forbidden if this user may not upload there, or is inactive."""
    rule = destination.permission
    if callable(rule):
        allowed = bool(rule(user))
    else:
        allowed = not rule or (isinstance(user, PermissionsMixin) and user.has_perm(rule))
    allowed = allowed and user.is_active
    if not allowed:
        detail = Phrase("You may not upload to {name!r}. Ask an administrator for access.", name=destination.name)
        raise Forbidden(detail, errors={"destination": [detail]})


class KeyValues:
    """What the functions of destinations (`key_values`) say of one user; each is called once."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._known: dict[str, dict[str, str]] = {}

    def of(self, destination: Destination) -> Mapping[str, str]:
        """The values by field of the destination's key.

        Raises Forbidden for one that cannot be part of a key, None and "" included. What the functions raise, passes.
        """
        if destination.name not in self._known:
            given = destination.key_values.items()
            self._known[destination.name] = {name: self._value(destination, name, function) for name, function in given}
        return self._known[destination.name]

    def _value(self, destination: Destination, field: str, function: str | Callable[[Any], str | int]) -> str:
        value = key_value((import_string(function) if isinstance(function, str) else function)(self.user))
        if value is None:
            log.warning("no valid value for a key", extra={"destination": destination.name, "field": field})
            detail = Phrase(
                "You may not upload to {name!r}: your account has no valid {field}. Ask an administrator.",
                name=destination.name,
                field=field,
            )
            raise Forbidden(detail, errors={"destination": [detail]})
        return value


def metadata(destination: Destination, given: Mapping[str, str]) -> dict[str, str]:
    """The object's `x-oss-meta-*`, names in lower case. Raises InvalidUpload if the client may not set it."""
    if given and "metadata" not in destination.client_options:
        detail = Phrase("The destination {name!r} does not accept metadata from the client.", name=destination.name)
        raise InvalidUpload(detail, errors={"metadata": [detail]})
    if sum(len(f"x-oss-meta-{name}") + len(value) for name, value in given.items()) > MAX_METADATA_BYTES:
        detail = Phrase("Metadata may have at most {most} bytes in total.", most=MAX_METADATA_BYTES)
        raise InvalidUpload(detail, errors={"metadata": [detail]})
    return {name.lower(): value for name, value in given.items()}


def options(destination: Destination, given: Mapping[str, Any]) -> dict[str, Any]:
    """The object's options: those of the destination, and the client's where it may choose. Raises InvalidUpload."""
    wrong = {
        name[:MAX_NAME]: problem
        for name, value in given.items()
        if (problem := _option_problem(destination, name, value))
    }
    if wrong:
        each = (Phrase("{option}: {problem}", option=name, problem=problem) for name, problem in wrong.items())
        detail = Phrase("Invalid options: {problems}.", problems=Phrase.joined(each, "; "))
        raise InvalidUpload(detail, errors={"options": wrong})
    chosen = {**destination.options, **given}
    if problem := table.combination_problem(chosen):
        raise InvalidUpload(Phrase("Invalid options: {problems}.", problems=problem), errors={"options": [problem]})
    if destination.traffic_limit and "traffic_limit" in given:
        chosen["traffic_limit"] = min(destination.traffic_limit, given["traffic_limit"])  # Slower, never faster.
    return chosen


def _option_problem(destination: Destination, name: str, value: Any) -> Phrase | None:
    if name not in table.OPTIONS or name not in destination.client_options:
        return Phrase("the destination {name!r} does not let the client set this", name=destination.name)
    return table.problem(name, value)
