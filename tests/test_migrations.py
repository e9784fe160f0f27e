"""Migrations while the site runs: indexes are built without a lock that writers wait for."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from tests.stack import wait_until
from uploads.models import Upload

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
]
BEFORE = [("uploads", "0007_staging")]


def migrate(targets: list[tuple[str, str]]) -> None:
    MigrationExecutor(connection).migrate(targets)


@pytest.fixture
def before_indexes(transactional_db: None) -> Iterator[list[tuple[str, str]]]:
    """The schema as it was before them. Yields the newest migrations, which follow in the end."""
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes("uploads")
    migrate(BEFORE)
    yield newest
    migrate(newest)


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid "
            "WHERE indrelid = %s::regclass AND indisvalid",
            [Upload._meta.db_table],
        )
        return {name for (name,) in cursor.fetchall()}


def test_a_writer_is_not_blocked_while_indexes_are_built(before_indexes: Any, user: Any) -> None:
    assert "uploads_of_state" not in indexes()
    ended = threading.Event()

    def build() -> None:
        try:
            migrate(before_indexes)
        finally:
            connections.close_all()
            ended.set()

    builder = threading.Thread(target=build)
    with transaction.atomic():
        insert(user.pk)  # A transaction that writes for a long time: a build waits for its end.
        builder.start()
        wait_until(is_building, "the first index to be built")
        writer = threading.Thread(target=write, args=[user.pk])
        writer.start()
        writer.join(60)
        assert not writer.is_alive(), "a lock of the migration blocks writers"
        assert not ended.is_set()
    builder.join(120)
    assert ended.is_set()
    assert {index.name for index in Upload._meta.indexes} | {"uploads_begun_once"} <= indexes()


def insert(owner: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE auth_user SET first_name = 'x' WHERE id = %s", [owner])
        cursor.execute("LOCK TABLE uploads_upload IN ROW EXCLUSIVE MODE")  # As INSERT and UPDATE do.


def write(owner: int) -> None:
    try:
        Upload.objects.filter(owner_id=owner).update(etag="x")
    finally:
        connections.close_all()


def is_building() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE%%INDEX%%' AND wait_event_type = 'Lock' "
            "AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def test_a_build_that_was_broken_off_is_repeated(before_indexes: Any) -> None:
    """PostgreSQL leaves an invalid index."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX uploads_of_state ON uploads_upload (state)")
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'uploads_of_state'::regclass")
    migrate(before_indexes)
    assert "uploads_of_state" in indexes()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('uploads_of_state'::regclass)")
        assert "created_at DESC" in cursor.fetchone()[0]
