"""What a destination lets in: who, what, how much; and what the client may choose.

Rule: deny by default. Each refusal names the field, the limit, and what would do.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from django.contrib.auth.models import PermissionsMixin

from uploads.conf import Destination, settings
from uploads.domain import options as table
from uploads.domain.errors import Forbidden, InvalidUpload
from uploads.domain.phrase import Phrase
from uploads.domain.quota import too_large
from uploads.models import User
from uploads.oss.limits import MAX_METADATA_BYTES


def destination(name: str) -> Destination:
    """The destination that a client names."""
    try:
        return settings.destinations[name]
    except KeyError:
        detail = Phrase("There is no destination {name!r}.", name=name)
        raise InvalidUpload(detail, errors={"destination": [detail]}) from None


def check_file(place: Destination, size: int | None, content_type: str) -> None:
    """Size (bytes; None: not known yet) and type, against what the destination takes."""
    if place.max_size is not None and size is not None and size > place.max_size:
        raise too_large(place.name, place.max_size, size)
    bare = content_type.partition(";")[0].strip().lower()
    if place.content_types and not any(fnmatchcase(bare, glob.lower()) for glob in place.content_types):
        detail = Phrase(
            "The destination {name!r} takes {types}, not {type}.",
            name=place.name,
            types=", ".join(place.content_types),
            type=bare,
        )
        raise InvalidUpload(detail, errors={"content_type": [detail]})


def permit(place: Destination, user: User) -> None:
    """Whether this user may upload there at all."""
    rule = place.permission
    if callable(rule):
        allowed = bool(rule(user))
    else:
        allowed = not rule or (isinstance(user, PermissionsMixin) and user.has_perm(rule))
    if not allowed:
        detail = Phrase("You may not upload to {name!r}. Ask an administrator for the right to.", name=place.name)
        raise Forbidden(detail, errors={"destination": [detail]})


def metadata(place: Destination, given: Mapping[str, str]) -> dict[str, str]:
    """`x-oss-meta-*` of the object, if the destination lets the client set it."""
    if given and "metadata" not in place.client_options:
        detail = Phrase("The destination {name!r} takes no metadata from the page.", name=place.name)
        raise InvalidUpload(detail, errors={"metadata": [detail]})
    if sum(len(f"x-oss-meta-{name}") + len(value) for name, value in given.items()) > MAX_METADATA_BYTES:
        detail = Phrase("Metadata may have {most} bytes in all.", most=MAX_METADATA_BYTES)
        raise InvalidUpload(detail, errors={"metadata": [detail]})
    return {name.lower(): value for name, value in given.items()}


def options(place: Destination, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the object is given: the destination's word, and the client's where it may have one."""
    wrong = {name: problem for name, value in given.items() if (problem := _option_problem(place, name, value))}
    if wrong:
        each = (Phrase("{option}: {problem}", option=name, problem=problem) for name, problem in wrong.items())
        detail = Phrase("These options will not do: {problems}.", problems=Phrase.of(each, "; "))
        raise InvalidUpload(detail, errors={"options": wrong})
    chosen = {**place.options, **given}
    if place.traffic_limit and "traffic_limit" in given:
        chosen["traffic_limit"] = min(place.traffic_limit, given["traffic_limit"])  # Slower, never faster.
    return chosen


def _option_problem(place: Destination, name: str, value: Any) -> Phrase | None:
    if name not in table.OPTIONS or name not in place.client_options:
        return Phrase("the destination {name!r} does not leave this to the page", name=place.name)
    return table.problem(name, value)
