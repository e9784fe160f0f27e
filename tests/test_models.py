"""Rows: compare-and-set, the domain's words, and that the schema is what the models say."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.services.test_services import at_once
from uploads.domain.states import Event, State
from uploads.models import Upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload(user: Any) -> Upload:
    return Upload.objects.create(
        owner=user, size=10, part_size=10, key="k", bucket="b", filename="f", expires_at=timezone.now()
    )


def test_advance_moves_once_and_writes_history(upload: Upload, user: Any) -> None:
    same = Upload.objects.get(pk=upload.pk)
    assert Upload.objects.advance(upload, Event.ABORT, actor=user)
    assert not Upload.objects.advance(same, Event.ABORT)
    assert same.state == State.ABORTED
    assert [(event.name, event.actor) for event in upload.events.all()] == [("abort", user)]


def test_advance_refuses_what_the_table_does_not_know(upload: Upload) -> None:
    assert not Upload.objects.advance(upload, Event.FINISH)
    assert upload.state == State.UPLOADING


def test_the_database_refuses_an_unknown_state(upload: Upload) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Upload.objects.filter(pk=upload.pk).update(**{"state": "lost"})


def test_querysets_speak_the_domain(upload: Upload, user: Any, other_user: Any) -> None:
    assert list(Upload.objects.for_user(user)) == [upload]
    assert list(Upload.objects.for_user(other_user)) == []
    assert list(Upload.objects.stale(timezone.now() + timedelta(seconds=1))) == [upload]
    Upload.objects.advance(upload, Event.ABORT)
    assert list(Upload.objects.active()) == list(Upload.objects.stale(timezone.now())) == []


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def made(user: Any, count: int) -> list[Upload]:
    same = {"owner": user, "bucket": "b", "method": "post", "filename": "f", "content_type": "a/b", "part_size": 9}
    rows = [Upload(**same, key=f"k{n}", size=n, expires_at=timezone.now()) for n in range(count)]
    return Upload.objects.bulk_create(rows)


def test_many_advance_with_their_own_values_in_as_many_queries_as_two(user: Any) -> None:
    def queries(count: int) -> int:
        rows = made(user, count)
        for upload in rows:
            upload.expected = {"etag": upload.key}
        with CaptureQueriesContext(connection) as captured:
            assert Upload.objects.advance_many(rows, Event.COMPLETE, ("expected",), actor=user) == rows
        for upload in Upload.objects.filter(pk__in=[row.pk for row in rows]):
            assert (upload.state, upload.expected) == ("completing", {"etag": upload.key})
            assert [(event.name, event.actor) for event in upload.events.all()] == [("complete", user)]
        return len(captured)

    assert queries(2) == queries(20)


def test_a_value_that_many_share_is_written_with_their_state(user: Any) -> None:
    rows = made(user, 3)
    for upload in rows:
        upload.expected, upload.error = {"etag": upload.key}, {"code": "expired"}
    with CaptureQueriesContext(connection) as captured:
        Upload.objects.advance_many(rows, Event.ABORT, ("error",))
    written = Upload.objects.values_list("state", "error", "expected")
    assert list(written) == [("aborted", {"code": "expired"}, None)] * 3
    table = connection.ops.quote_name(Upload._meta.db_table)
    assert not [query for query in captured if f"INTO {table}" in query["sql"]], "no row is written twice"


def test_many_advance_but_those_that_somebody_else_has_moved(user: Any) -> None:
    """The comparison is in the statement that writes: what was read before proves nothing."""
    rows = made(user, 4)
    stale = list(Upload.objects.filter(pk__in=[row.pk for row in rows]).order_by("size"))
    assert Upload.objects.advance(rows[1], Event.ABORT)
    for upload in stale:
        upload.expected = {"etag": "late"}
    moved = Upload.objects.advance_many(stale, Event.COMPLETE, ("expected",))
    assert moved == [stale[0], stale[2], stale[3]]
    assert (stale[1].state, stale[2].state) == ("uploading", "completing"), "as handed in; moved"
    rows[1].refresh_from_db()
    assert (rows[1].state, rows[1].expected) == ("aborted", None)
    assert [event.name for event in rows[1].events.all()] == ["abort"]


@pytest.mark.parametrize("count", [1, 3])
def test_an_upload_that_was_claimed_again_since_it_was_read_does_not_move(user: Any, count: int) -> None:
    """The state is the same again, but another client claimed it and expects another object."""
    rows = made(user, count)
    assert Upload.objects.advance_many(rows, Event.COMPLETE) == rows
    read = list(Upload.objects.order_by("size"))
    assert Upload.objects.advance(rows[0], Event.REOPEN)
    assert Upload.objects.advance(rows[0], Event.COMPLETE, expected={"etag": "other"})
    moved = Upload.objects.advance_many(read, Event.FINISH, unchanged=True)
    assert moved == read[1:]
    rows[0].refresh_from_db()
    assert (rows[0].state, rows[0].expected) == ("completing", {"etag": "other"})
    assert [event.name for event in rows[0].events.order_by("id")] == ["complete", "reopen", "complete"]


@pytest.mark.django_db(transaction=True)
def test_a_batch_and_aborts_at_once_leave_each_upload_one_end(user: Any) -> None:
    """Two batches complete the same uploads while others abort them: each has one history."""
    for _ in range(5):
        rows = made(user, 12)

        def batch(ids: list[Any] = [row.pk for row in rows]) -> None:  # noqa: B006  Bound now, read only.
            mine = Upload.objects.filter(pk__in=ids, state="uploading")
            claimed = Upload.objects.advance_many(list(mine), Event.COMPLETE, ("expected",))
            Upload.objects.advance_many(claimed, Event.FINISH)

        aborts = [lambda id=row.pk: Upload.objects.advance(Upload.objects.get(pk=id), Event.ABORT) for row in rows[::3]]
        assert at_once(batch, batch, *aborts) == []
        for row in rows:
            row.refresh_from_db()
            history = [event.name for event in row.events.order_by("id")]
            assert history == {"completed": ["complete", "finish"], "aborted": ["abort"]}[row.state]
