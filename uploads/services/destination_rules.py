"""What a destination lets in: who, what, how much; and what the client may choose.

Rule: deny by default. Each refusal names the field, the limit, and what would do.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import PermissionsMixin
from django.db.models import Count, Q, Sum
from django.utils import timezone

from uploads.conf import Destination, settings
from uploads.domain import options as table
from uploads.domain.errors import Forbidden, InvalidUpload, OverQuota, TooLarge, UploadError
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Upload, User
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
        raise too_large(place, size)
    bare = content_type.partition(";")[0].strip().lower()
    if place.content_types and not any(fnmatchcase(bare, glob.lower()) for glob in place.content_types):
        detail = Phrase(
            "The destination {name!r} takes {types}, not {type}.",
            name=place.name,
            types=", ".join(place.content_types),
            type=bare,
        )
        raise InvalidUpload(detail, errors={"content_type": [detail]})


def too_large(place: Destination, size: int) -> TooLarge:
    detail = Phrase(
        "The destination {name!r} takes files of at most {most} bytes; this one has {size}.",
        name=place.name,
        most=place.max_size,
        size=size,
    )
    return TooLarge(detail, errors={"size": [detail]})


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


class Quota:
    """How many uploads and bytes one user may have, over the uploads of one request.

    Asked twice: before OSS is troubled, and again under a lock when they are written down; those that came to be too
    many in between are in `refused`.
    """

    def __init__(self, user: User) -> None:
        self._user = user
        self._used: dict[str, tuple[int, int]] = {}
        self._admitted: dict[str, list[int]] = defaultdict(list)
        self.refused: dict[UUID, UploadError] = {}

    def admit(self, upload: Upload) -> None:
        """Raises Forbidden or OverQuota."""
        place = destination(upload.destination)
        permit(place, self._user)
        if _is_limited(place):
            if place.name not in self._used:
                self._used |= self._ask({place.name})
            self._check(place, upload)
        self._admitted[place.name].append(upload.size or 0)

    def count_again(self, uploads: Sequence[Upload]) -> None:
        """Within the transaction that writes them: the user's row is held, so that nobody counts beside us."""
        limited = {upload.destination for upload in uploads if _is_limited(destination(upload.destination))}
        if not limited:
            return
        get_user_model()._default_manager.select_for_update().filter(pk=self._user.pk).first()  # type: ignore[misc]
        self._used = self._ask(limited)
        self._admitted.clear()
        for upload in uploads:
            place = destination(upload.destination)
            try:
                if _is_limited(place):
                    self._check(place, upload)
            except UploadError as error:
                self.refused[upload.pk] = error
            else:
                self._admitted[place.name].append(upload.size or 0)

    def _ask(self, names: set[str]) -> dict[str, tuple[int, int]]:
        """Destination → unfinished uploads, bytes of the last 24 hours."""
        unfinished = Q(state__in=[State.UPLOADING, State.COMPLETING])
        recent = Q(created_at__gt=timezone.now() - timedelta(days=1))
        rows = (
            Upload.objects.counted_against(self._user)
            .filter(unfinished | recent, destination__in=names)
            .order_by()
            .values_list("destination")
            .annotate(active=Count("id", filter=unfinished), size=Sum("size", filter=recent))
        )
        return {**dict.fromkeys(names, (0, 0)), **{name: (active, size or 0) for name, active, size in rows}}

    def _check(self, place: Destination, upload: Upload) -> None:
        active, size = self._used[place.name]
        admitted = self._admitted[place.name]
        if place.max_active_per_user is not None and active + len(admitted) >= place.max_active_per_user:
            detail = Phrase(
                "You have {count} unfinished uploads; {most} is the most. Finish or abort one first.",
                count=active + len(admitted),
                most=place.max_active_per_user,
            )
            raise OverQuota(detail, errors={"destination": [detail]})
        most = place.max_bytes_per_user_per_day
        if most is not None and size + sum(admitted) + (upload.size or 0) > most:
            detail = Phrase(
                "You may upload {most} bytes within 24 hours; {left} are left.",
                most=most,
                left=max(0, most - size - sum(admitted)),
            )
            raise OverQuota(detail, errors={"size": [detail]})


def _is_limited(place: Destination) -> bool:
    return place.max_active_per_user is not None or place.max_bytes_per_user_per_day is not None
