"""What must hold in each database: text compared by bytes, promises of uniqueness, deadlocks resolved, checks."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from uploads.checks import check_mysql, check_time_zones, check_vendor
from uploads.models import CompanionRevocation, Upload
from uploads.models.databases import retry_deadlocks

pytestmark = pytest.mark.django_db
ON_MYSQL = pytest.mark.skipif(connection.vendor != "mysql", reason="about MySQL and MariaDB")


def made(user: Any, **values: Any) -> Upload:
    same = {"owner": user, "bucket": "b", "method": "post", "content_type": "a/b", "part_size": 9, "size": 9}
    return Upload.objects.create(**{**same, "expires_at": timezone.now(), "filename": "f", "key": "k", **values})


@pytest.mark.parametrize("field", ["key", "filename", "fingerprint", "upload_id", "destination", "idempotency_key"])
def test_upper_case_is_not_lower_case(user: Any, field: str) -> None:
    upload = made(user, **{field: "Straße é"})
    for other in ("straße é", "Strasse é", "Straße e", "Straße é "):
        assert not Upload.objects.filter(**{field: other}).exists()
    assert Upload.objects.get(**{field: "Straße é"}) == upload


def test_an_idempotency_key_begins_one_upload(user: Any, other_user: Any) -> None:
    for key in ("", "", "a", "A"):
        made(user, idempotency_key=key)
    made(other_user, idempotency_key="a")
    with pytest.raises(IntegrityError), transaction.atomic():
        made(user, idempotency_key="a")


def test_the_longest_names_are_kept(user: Any) -> None:
    """Four bytes in UTF-8 each, and longer than a row of an index may be."""
    name = "".join(chr(0x20000 + number) for number in range(1023))
    upload = made(user, filename=name, key=name, relative_path=name)
    upload.refresh_from_db()
    assert upload.filename == upload.key == upload.relative_path == name


def test_times_are_kept_to_the_microsecond(user: Any) -> None:
    at = timezone.now().replace(microsecond=123_457)
    upload = made(user, claimed_until=at)
    assert Upload.objects.filter(pk=upload.pk, claimed_until=at).exists()


@pytest.mark.skipif(not connection.features.has_select_for_update, reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_was_ended_by_a_deadlock_is_repeated(user: Any) -> None:
    uploads = [made(user, key=f"k{n}") for n in range(2)]
    both, attempts, wrong = threading.Barrier(2), [], []

    @retry_deadlocks
    def touch(order: list[Upload], first: list[bool]) -> None:
        attempts.append(order)
        with transaction.atomic():
            Upload.objects.filter(pk=order[0].pk).update(etag="x")
            if first:
                first.clear()
                both.wait(60)  # Each holds a row that the other wants.
            Upload.objects.filter(pk=order[1].pk).update(etag="x")

    def run(order: list[Upload]) -> None:
        try:
            touch(order, [True])
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[order]) for order in (uploads, uploads[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert wrong == []
    assert len(attempts) > 2, "the database ended one of the two"


# System checks


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def test_a_supported_database_has_no_findings() -> None:
    assert check_vendor() == check_mysql(databases=["default"]) == []
    assert [m for m in run_checks(databases=["default"]) if m.id in ("models.W036", "models.W037")] == [] or (
        connection.vendor == "mysql"
    )


def test_times_without_zones_are_refused(settings: Any) -> None:
    assert check_time_zones() == []
    settings.USE_TZ = False
    (found,) = check_time_zones()
    assert (found.id, found in run_checks()) == ("uploads.E053", True)


def test_another_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "oracle")
    (found,) = check_vendor()
    assert found.id == "uploads.E054"
    assert "PostgreSQL" in str(found.hint)


@ON_MYSQL
def test_an_old_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "mysql_version", (10, 5, 9))
    assert ids(check_mysql(databases=["default"])) == ["uploads.E055"]


@ON_MYSQL
def test_another_isolation_level_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not on the proxy `connection`: pytest would delete the attribute afterwards instead of restoring it.
    monkeypatch.setattr(connections["default"], "isolation_level", "repeatable read")
    assert ids(check_mysql(databases=["default"])) == ["uploads.W054"]


@pytest.fixture
def restored_table(transactional_db: None) -> Iterator[str]:
    """A small table to be broken."""
    yield CompanionRevocation._meta.db_table
    with connection.schema_editor() as editor:
        editor.delete_model(CompanionRevocation)
        editor.create_model(CompanionRevocation)


@ON_MYSQL
def test_a_table_without_transactions_is_named(restored_table: str) -> None:
    with connection.schema_editor() as editor:
        editor.delete_model(CompanionRevocation)
        editor.execute(f"CREATE TABLE {restored_table} (id int) ENGINE=MyISAM")
    assert ids(check_mysql(databases=["default"])) == ["uploads.E056"]


@ON_MYSQL
@pytest.mark.django_db(transaction=True)
def test_what_a_later_migration_undoes_is_done_again_by_migrate() -> None:
    table = Upload._meta.db_table
    with connection.schema_editor() as editor:
        editor.execute(f"ALTER TABLE {table} MODIFY etag varchar(64) NOT NULL COLLATE utf8mb4_general_ci")
        editor.execute(f"ALTER TABLE {table} ADD INDEX for_the_foreign_key (owner_id)")
        editor.execute(f"ALTER TABLE {table} DROP INDEX uploads_begun_once, DROP COLUMN idempotency_unique")
    found = check_mysql(databases=["default"])
    assert ids(found) == ["uploads.W055", "uploads.W056"]
    assert "etag" in found[0].msg
    call_command("migrate", verbosity=0)
    assert check_mysql(databases=["default"]) == []
    with connection.schema_editor() as editor:
        editor.execute(f"ALTER TABLE {table} DROP INDEX for_the_foreign_key")
