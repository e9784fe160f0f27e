"""What the tables need on MySQL and MariaDB, and migrations cannot express.

Text compares there without regard to case unless the column says otherwise, but keys, upload ids and prefixes at OSS
are case-sensitive. And both ignore the condition of a unique constraint: a generated column has its place.

Rule: run after every migration, since one that alters a column gives it the table's collation again. Repeatable.
"""

from collections.abc import Iterator
from typing import Any

from django.apps.config import AppConfig
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

GENERATED_COLUMN, UNIQUE_INDEX = "idempotency_unique", "uploads_begun_once"


def adapt_tables(app_config: AppConfig, using: str, **_: Any) -> None:
    """Receives Django's signal post_migrate."""
    connection = connections[using]
    if connection.vendor != "mysql":
        return
    tables = set(connection.introspection.table_names())
    for model in app_config.get_models():
        if model._meta.db_table in tables and router.allow_migrate_model(using, model):
            _compare_by_bytes(connection, model)
            if model._meta.model_name == "upload":
                _begin_once(connection, model._meta.db_table)


def binary_collation(connection: Any) -> str:
    """Text is compared byte by byte. In the older collation `utf8mb4_bin` spaces at the end do not count.

    Manuals: https://mariadb.com/kb/en/supported-character-sets-and-collations/ and
    https://dev.mysql.com/doc/refman/8.0/en/charset-unicode-sets.html (since MySQL 8.0.17).
    """
    return "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_0900_bin"


def _compare_by_bytes(connection: BaseDatabaseWrapper, model: type[models.Model]) -> None:
    table, wrong = model._meta.db_table, {column for _, column in columns_of_other_collation(connection, [model])}
    changes = [
        f"MODIFY {connection.ops.quote_name(field.column)} {field.db_type(connection)} "
        f"CHARACTER SET utf8mb4 COLLATE {binary_collation(connection)} {'NULL' if field.null else 'NOT NULL'}"
        for field in text_fields(model)
        if field.column in wrong
    ]
    if changes:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} {', '.join(changes)}")


def text_fields(model: type[models.Model]) -> Iterator["models.CharField[Any, Any] | models.TextField[Any, Any]"]:
    """Without foreign keys, whose collation is that of the column that they refer to."""
    for field in model._meta.local_concrete_fields:
        if isinstance(field, (models.CharField, models.TextField)):
            yield field


def columns_of_other_collation(
    connection: BaseDatabaseWrapper, tables: list[type[models.Model]]
) -> list[tuple[str, str]]:
    """Table and column of the texts that do not compare by bytes."""
    names = {(model._meta.db_table, str(field.column)) for model in tables for field in text_fields(model)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND collation_name <> %s",
            [binary_collation(connection)],
        )
        return sorted(names & {(str(table), str(column)) for table, column in cursor.fetchall()})


def has_unique_index(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Whether an idempotency key begins one upload only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() AND table_name = %s AND index_name = %s AND non_unique = 0",
            [table, UNIQUE_INDEX],
        )
        return cursor.fetchone() is not None


def _begin_once(connection: BaseDatabaseWrapper, table: str) -> None:
    """NULL, which the column holds for uploads without a key, is not equal to itself."""
    if not has_unique_index(connection, table):
        with connection.cursor() as cursor:
            cursor.execute(
                f"ALTER TABLE {connection.ops.quote_name(table)} "
                f"ADD COLUMN {GENERATED_COLUMN} varchar(80) "
                f"CHARACTER SET utf8mb4 COLLATE {binary_collation(connection)} "
                "GENERATED ALWAYS AS (NULLIF(idempotency_key, '')) VIRTUAL, "
                f"ADD UNIQUE INDEX {UNIQUE_INDEX} (owner_id, {GENERATED_COLUMN})"
            )
