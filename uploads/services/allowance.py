"""What one user may upload to a destination, told before anything is uploaded."""

from dataclasses import dataclass

from uploads.conf import Destination
from uploads.models import User
from uploads.services.destination_rules import get_destination, permit
from uploads.services.quota import Quota, limits_of


@dataclass(frozen=True, slots=True)
class Allowance:
    """The destination, and what is left of the user's quota there; None: no limit."""

    destination: Destination
    uploads_left: int | None
    bytes_left: int | None


def allowance(user: User, name: str) -> Allowance:
    """What `user` may upload to the destination `name`. Raises InvalidUpload without such a destination, Forbidden."""
    destination = get_destination(name)
    permit(destination, user)
    limits, usage = limits_of(destination), Quota(user).usage(destination)
    return Allowance(destination, _left(limits.max_active, usage.active), _left(limits.max_bytes_per_day, usage.size))


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)
