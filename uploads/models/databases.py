"""The database of the app: which one it is in this project, and what differs between those that Django knows."""

from collections.abc import Callable, Sequence
from functools import wraps
from random import uniform
from time import sleep
from typing import Any, ParamSpec, TypeVar

from django.apps import apps
from django.db import OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model, QuerySet

P = ParamSpec("P")
T = TypeVar("T")
ATTEMPTS, PAUSE_SECONDS = 6, 0.1
MYSQL_DEADLOCKS = (1020, 1213)
"""ER_CHECKREAD and ER_LOCK_DEADLOCK: https://mariadb.com/kb/en/mariadb-error-code-reference/."""
SQLSTATE_DEADLOCK = "40P01"
"""deadlock_detected: https://www.postgresql.org/docs/current/errcodes-appendix.html."""


def database() -> BaseDatabaseWrapper:
    """The connection to the database in which the project's routers keep uploads, and so all that belongs to them."""
    app: Any = apps.get_containing_app_config(__name__)  # A project may have given it another label.
    return connections[router.db_for_write(app.get_model("Upload"))]


def atomic() -> transaction.Atomic:
    """`transaction.atomic()` in the database of uploads."""
    return transaction.atomic(using=database().alias)


def on_commit(call: Callable[[], object], *, robust: bool = False) -> None:
    """`transaction.on_commit()` in the database of uploads."""
    transaction.on_commit(call, using=database().alias, robust=robust)


def conflict_target(*fields: str) -> dict[str, Any]:
    """Arguments of `bulk_create` for rows that may exist. MySQL and MariaDB update on a conflict with any unique key,
    and Django refuses to name one there."""
    named = {"unique_fields": fields} if database().features.supports_update_conflicts_with_target else {}
    return {"update_conflicts": True, **named}


def common_values(rows: Sequence[Model], fields: Sequence[str]) -> dict[str, Any]:
    """The values of those of `fields` that all `rows` share: one `update()` writes them for all."""
    columns = {name: [getattr(each, name) for each in rows] for name in fields}
    return {name: column[0] for name, column in columns.items() if column and column.count(column[0]) == len(column)}


def write_each(rows: QuerySet[Any], instances: Sequence[Model], fields: Sequence[str]) -> None:
    """Write `fields` of `instances`, whose rows are there. ``bulk_update`` would write a CASE for every value."""
    if fields:
        rows.bulk_create(instances, update_fields=fields, **conflict_target("id"))


def lock_in_order(rows: QuerySet[Any]) -> None:
    """Lock `rows` by primary key. Otherwise batches that overlap would deadlock."""
    if database().features.has_select_for_update:
        list(rows.order_by("pk").select_for_update().values_list("pk"))


def retry_deadlocks(work: Callable[P, T]) -> Callable[P, T]:
    """Decorates a function that holds one transaction: repeats it when the database ended it to resolve a deadlock.

    A pause before each repetition lets the others finish. Within a transaction of the caller nothing is repeated,
    because all of that transaction was rolled back.
    """

    @wraps(work)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, ATTEMPTS):
            if database().in_atomic_block:
                break
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if not is_deadlock(error):
                    raise
                sleep(uniform(0, attempt * PAUSE_SECONDS))  # noqa: S311
        return work(*args, **kwargs)

    return repeated


def is_deadlock(error: OperationalError) -> bool:
    if database().vendor == "mysql":
        return bool(error.args) and error.args[0] in MYSQL_DEADLOCKS
    return getattr(error.__cause__, "sqlstate", "") == SQLSTATE_DEADLOCK
