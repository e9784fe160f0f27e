"""Rule: OSS is not called while a database transaction is open. Services get their client here, which holds them to it.

Such a transaction would keep a connection and locks until OSS answers, and OSS does not take back what it has done when
the transaction is rolled back. Services record, commit, call OSS, and record again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import connections, router
from django.db.transaction import get_connection

from uploads import connection
from uploads.conf import settings
from uploads.domain.places import Place, Stored
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint

View = TypeVar("View", bound=Callable[..., Any])


class CalledInTransaction(RuntimeError):
    """A service was called inside `transaction.atomic()`, or by a view that ATOMIC_REQUESTS wraps in one."""

    def __init__(self) -> None:
        super().__init__(
            "This calls OSS, and a database transaction is open. OSS cannot take part in it: after a rollback, the "
            "object and its record would differ. Call it outside of transaction.atomic(), or after it by "
            "transaction.on_commit(). With ATOMIC_REQUESTS, decorate the view with transaction.non_atomic_requests."
        )


def require_no_transaction() -> None:
    """Raises CalledInTransaction inside an atomic block in the database of the uploads.

    The blocks in which Django's TestCase and pytest-django run a whole test do not count, as for
    `transaction.atomic(durable=True)`.
    """
    blocks: list[Any] = get_connection(router.db_for_write(Upload)).atomic_blocks
    if not all(block._from_testcase for block in blocks):
        raise CalledInTransaction


def oss_client(where: Place | Stored) -> OssClient:
    """The client of this process for a place, or for the place of a row.

    Raises CalledInTransaction, StorageRefused for a row whose place has left the settings, and ValueError when an
    endpoint is malformed.
    """
    require_no_transaction()
    client, deadline = connection.oss_client(_place(where)), _deadline.get()
    return client if deadline is None else client.until(deadline)


def browser_client(place: Place, endpoint: Endpoint) -> OssClient:
    """The client for an endpoint of a place that browsers use. Raises as `oss_client` does."""
    require_no_transaction()
    return connection.browser_client(place, endpoint)


def _place(where: Place | Stored) -> Place:
    return where if isinstance(where, Place) else settings.place_of(where)


@contextmanager
def oss_until(deadline: float) -> Iterator[None]:
    """Within it, services send each request to OSS once, and wait until `deadline` at most: see `Transport.until`."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


_deadline: ContextVar[float | None] = ContextVar("oss_until", default=None)


def without_atomic_requests(view: View) -> View:
    """The view, exempt from the ATOMIC_REQUESTS of every database: `transaction.non_atomic_requests` names only one."""
    view._non_atomic_requests = set(connections)  # type: ignore[attr-defined]
    return view
