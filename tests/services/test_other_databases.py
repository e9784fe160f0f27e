"""Projects with several databases: an archive of copies, or uploads in a database that is not `default`."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from tests.django_fixtures import Begin, hold_prefix
from tests.services.test_deletion import completed, holds
from uploads import services
from uploads.domain.states import Event, State
from uploads.models import ObjectRemoval, Outcome, Part, PrefixCredentials, Upload, UploadEvent
from uploads.oss.client import OssClient

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "other"


class OtherDatabase:
    """A project's router: everything is in the database `other`, and nothing in `default`."""

    def db_for_read(self, *_: Any, **__: Any) -> str:
        return OTHER

    def db_for_write(self, *_: Any, **__: Any) -> str:
        return OTHER


def connection_to(file: Path) -> DatabaseWrapper:
    """Not in the settings: Django lets a test use such a connection without making a test database for it."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
    return DatabaseWrapper(connections.configure_settings({"default": database})["default"], OTHER)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """The file of a database with all tables."""
    file = tmp_path_factory.mktemp("other") / "empty.sqlite3"
    with django_db_blocker.unblock():
        connections[OTHER] = connection = connection_to(file)
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
        connection.close()
        del connections[OTHER]
    return file


@pytest.fixture
def other(empty: Path, tmp_path: Path) -> Iterator[str]:
    """A second database. Returns its alias."""
    connections[OTHER] = connection = connection_to(copyfile(empty, tmp_path / "other.sqlite3"))
    yield OTHER
    connection.close()
    del connections[OTHER]


@pytest.fixture
def begin_there(other: str, settings: Any, request: pytest.FixtureRequest) -> Begin:
    """`begin`, in a project that has all its rows in the second database."""
    settings.DATABASE_ROUTERS = [OtherDatabase()]
    begin: Begin = request.getfixturevalue("begin")
    return begin


def copied(upload: Upload, alias: str) -> Upload:
    """A copy of the row and of its owner in another database."""
    assert upload.owner is not None
    get_user_model().objects.get(pk=upload.owner_id).save(using=alias)
    Upload.objects.get(pk=upload.pk).save(using=alias)
    return Upload.objects.using(alias).get(pk=upload.pk)


@pytest.mark.parametrize(
    ("way", "on_owner_delete"), [("instance", "keep"), ("queryset", "keep"), ("owner", "keep"), ("owner", "delete")]
)
def test_a_row_that_is_deleted_in_an_archive_leaves_the_live_upload(
    begin: Begin, oss: OssClient, user: Any, other: str, settings: Any, way: str, on_owner_delete: str
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": on_owner_delete}
    upload = completed(begin)
    hold_prefix(user, upload.bucket, "a/")
    archived = copied(upload, other)
    events = UploadEvent.objects.count()
    if way == "instance":
        archived.delete()
    elif way == "queryset":
        Upload.objects.using(other).delete()
    else:
        get_user_model().objects.using(other).all().delete()
    list(services.sweep())
    assert holds(oss, upload)
    assert Upload.objects.get().state == State.COMPLETED
    assert (ObjectRemoval.objects.count(), UploadEvent.objects.count()) == (0, events)
    assert not PrefixCredentials.objects.get().remove_found


def test_the_uploads_of_a_project_may_be_in_a_database_that_is_not_default(begin_there: Begin, oss: OssClient) -> None:
    upload = completed(begin_there)
    key, bucket = upload.key, upload.bucket
    assert Upload.objects.using("default").count() == 0
    upload.delete()
    assert not holds(oss, Upload(bucket=bucket, key=key)), "at once, and not by a sweep"
    assert ObjectRemoval.objects.get().outcome == Outcome.REMOVED


def test_a_state_and_its_history_are_written_together_there(
    begin_there: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    upload = begin_there(5)
    monkeypatch.setattr("uploads.models.upload.record_events", fail)
    with pytest.raises(RuntimeError):
        Upload.objects.advance_many([upload], Event.ABORT)
    assert Upload.objects.get().state == State.UPLOADING


def test_what_others_have_moved_is_found_in_a_batch_there(begin_there: Begin) -> None:
    first, second = begin_there(5), begin_there(5)
    assert Upload.objects.advance(Upload.objects.get(pk=first.pk), Event.ABORT)
    assert Upload.objects.advance_many([first, second], Event.ABORT) == [second]


def test_parts_are_recorded_there(begin_there: Begin) -> None:
    """On PostgreSQL by a statement of the app's own, unless the uploads are in SQLite."""
    upload = begin_there(5)
    Part.objects.record(upload.pk, [(1, 5, "AA", "")], timezone.now())
    assert list(upload.parts.values_list("number", "size")) == [(1, 5)]
