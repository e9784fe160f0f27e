"""Reports a database on which uploads do not work as promised.

Rule: the first two checks read settings only; the others ask the server, and Django runs them where a database is
named: `manage.py check --database default`, and `migrate`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

from uploads.models import Upload, mysql

SUPPORTED = ("postgresql", "sqlite", "mysql")
"""Django's names; MariaDB is `mysql`."""
SERVERS = "PostgreSQL, MySQL 8.0.17 or MariaDB 10.6 (or later versions), or SQLite"


@register("uploads")
def check_vendor(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """That the database of uploads is one on which they work."""
    connection = connections[router.db_for_write(Upload)]
    if connection.vendor in (*SUPPORTED, "unknown"):  # Without an engine, Django's own checks report it.
        return []
    text = f"Uploads do not work with {connection.display_name}."
    return [Error(text, hint=f"Set DATABASES (or DATABASE_URL) to {SERVERS}.", id="uploads.E054")]


@register("uploads")
def check_time_zones(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """That times have zones, as those of OSS do."""
    if settings.USE_TZ:
        return []
    text = "USE_TZ is off. The API would tell times without their zone, and those of OSS cannot be compared with rows."
    hint = 'Set USE_TZ = True; see "Migration guide" in Django\'s manual of time zones.'
    return [Error(text, hint=hint, id="uploads.E053")]


@register(Tags.database)
def check_mysql(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """What a MySQL or MariaDB server says of itself and of the tables; nothing about other databases."""
    alias = router.db_for_write(Upload)
    connection = connections[alias]
    if alias not in (databases or ()) or connection.vendor != "mysql":
        return []
    try:
        return [*_version(connection), *_isolation(connection), *_engines(connection), *_tables(connection)]
    except DatabaseError as error:
        return [Error(f"The database does not answer: {error}.", hint="Start the server.", id="uploads.E057")]


def _version(connection: Any) -> Iterator[CheckMessage]:
    lowest = (10, 6) if connection.mysql_is_mariadb else (8, 0, 17)
    if connection.mysql_version < lowest:
        version = ".".join(map(str, connection.mysql_version))
        text = f"Uploads do not work with {connection.display_name} {version}."
        yield Error(text, hint=f"Use {SERVERS}.", id="uploads.E055")


def _isolation(connection: Any) -> Iterator[CheckMessage]:
    level = connection.isolation_level
    if level != "read committed":
        text = f"Transactions have the isolation level {level or 'of the server'!r}: two requests may deadlock."
        hint = "Leave isolation_level out of the OPTIONS of DATABASES, or set it to 'read committed'."
        yield Warning(text, hint=hint, id="uploads.W054")


def _models() -> list[type[models.Model]]:
    return list(apps.get_app_config(Upload._meta.app_label).get_models())


def _engines(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    ours = {model._meta.db_table for model in _models()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()")
        found = sorted((str(table), str(engine)) for table, engine in cursor.fetchall() if table in ours)
    for table, engine in found:
        if engine != "InnoDB":
            text = f"The table {table} has the engine {engine}, which has no transactions."
            hint = f"Stop the site, and run ALTER TABLE {table} ENGINE=InnoDB."
            yield Error(text, hint=hint, id="uploads.E056")


def _tables(connection: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """Warnings, because errors would keep `migrate` from mending them."""
    hint = "Run manage.py migrate."
    if columns := mysql.columns_of_other_collation(connection, _models()):
        names = ", ".join(".".join(column) for column in columns)
        yield Warning(f"These columns do not compare text byte by byte: {names}.", hint=hint, id="uploads.W055")
    table = Upload._meta.db_table
    if table in connection.introspection.table_names() and not mysql.has_unique_index(connection, table):
        text = "Nothing keeps two requests with one Idempotency-Key from beginning two uploads."
        yield Warning(text, hint=hint, id="uploads.W056")
