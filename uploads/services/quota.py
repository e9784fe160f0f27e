"""How many uploads and bytes one user may have, counted over the uploads of one request.

Rule: counted twice: before OSS is asked for anything, and again under a lock when the uploads are written down. A file
of unknown size counts with its reservation until it ends, and then with its real size. Aborted and failed uploads count
until OSS has dropped what it holds of them.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Case, Count, Q, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from uploads.conf import Destination
from uploads.domain.errors import UploadError
from uploads.domain.quota import Limits, Usage, check_quota, reservation
from uploads.domain.states import State
from uploads.models import Upload, User
from uploads.oss.limits import MIN_PART_SIZE
from uploads.services.destination_rules import get_destination, permit


class Quota:
    """What the uploads of one request may add to what their user has. `refused`: those that came to be too many
    between the two counts, by id."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._usage: dict[str, Usage] = {}
        self.refused: dict[UUID, UploadError] = {}

    def admit(self, upload: Upload) -> None:
        """Count this upload in, and set its reservation. Raises Forbidden or OverQuota."""
        destination = get_destination(upload.destination)
        permit(destination, self._user)
        if limits_of(destination).any and destination.name not in self._usage:
            self._usage[destination.name] = self._count([destination.name]).get(destination.name, Usage())
        self._add(destination, upload)

    def usage(self, destination: Destination) -> Usage:
        """What the user has at this destination now; nothing where nothing is limited."""
        if not limits_of(destination).any:
            return Usage()
        return self._count([destination.name]).get(destination.name, Usage())

    def admit_arrived(self, destination: Destination, size: int) -> None:
        """Within the transaction that writes the row of an object that is stored already. Only its bytes count, because
        it is not unfinished. Raises OverQuota."""
        limits = Limits(None, destination.max_bytes_per_user_per_day)
        if limits.any:
            get_user_model()._default_manager.select_for_update().filter(pk=self._user.pk).first()  # type: ignore[misc]
            check_quota(limits, self._count([destination.name]).get(destination.name, Usage()), size)

    def count_again(self, uploads: Sequence[Upload]) -> None:
        """Within the transaction that writes the uploads: the user's row is locked, so that nobody counts beside us."""
        limited = {upload.destination for upload in uploads if limits_of(get_destination(upload.destination)).any}
        if not limited:
            return
        get_user_model()._base_manager.select_for_update().filter(pk=self._user.pk).first()  # type: ignore[misc]
        self._usage = self._count(limited)
        for upload in uploads:
            if upload.destination in limited:
                try:
                    self._add(get_destination(upload.destination), upload)
                except UploadError as error:
                    self.refused[upload.pk] = error

    def _add(self, destination: Destination, upload: Upload) -> None:
        limits, usage = limits_of(destination), self._usage.get(destination.name, Usage())
        if upload.is_stream:
            _reserve(upload, reservation(limits, usage, destination.max_size))
        size = (upload.reserved if upload.is_stream else upload.size) or 0
        check_quota(limits, usage, size)
        self._usage[destination.name] = usage.plus(size)

    def _count(self, names: Iterable[str]) -> dict[str, Usage]:
        """Destination → what the user has there now."""
        unfinished = Q(state__in=[State.UPLOADING, State.COMPLETING])
        recent = Q(created_at__gt=timezone.now() - timedelta(days=1))
        running = When(unfinished & Q(is_stream=True), then=Coalesce("reserved", "size", "bytes_done"))
        size = Case(running, default=Coalesce("size", "reserved", "bytes_done"))
        rows = (
            Upload.objects.counted_against(self._user)
            .filter(unfinished | recent, destination__in=names)
            .order_by()
            .values_list("destination")
            .annotate(active=Count("id", filter=unfinished), bytes=Sum(size, filter=recent))
        )
        return {name: Usage(active, held or 0) for name, active, held in rows}


def _reserve(upload: Upload, size: int | None) -> None:
    """Parts larger than the reservation would not fit into it."""
    upload.reserved = size
    if size is not None:
        upload.part_size = min(upload.part_size, max(size, MIN_PART_SIZE))


def limits_of(destination: Destination) -> Limits:
    return Limits(destination.max_active_per_user, destination.max_bytes_per_user_per_day)
