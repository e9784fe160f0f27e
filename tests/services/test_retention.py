"""Retention: objects and rows go when their destination says so, and no sooner."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection, models
from django.utils import timezone

from tests.django_fixtures import Begin, Place, hold_prefix
from tests.services.test_deletion import completed, holds, sweep_later
from tests.services.test_sweep import past, run
from uploads import services
from uploads.domain.states import State
from uploads.models import ObjectRemoval, PrefixCredentials, Reason, Upload, UploadEvent, UploadQuerySet
from uploads.models.databases import MYSQL_DEADLOCKS, SQLSTATE_DEADLOCK
from uploads.oss.client import OssClient
from uploads.services import retention

pytestmark = pytest.mark.django_db(transaction=True)


def aged(upload: Upload, days: float) -> Upload:
    """As if it had ended so many days ago."""
    return past(upload, updated_at=timedelta(days=days), created_at=timedelta(days=days + 1))


def aborted(begin: Begin) -> Upload:
    upload = services.abort(begin(1000))
    return past(upload, look_again_at=timedelta(days=1))


def test_objects_are_removed_when_their_days_are_over(begin: Begin, oss: OssClient, place: Place) -> None:
    place(object_retention_days=30)
    old, young, elsewhere = aged(completed(begin), 31), aged(completed(begin), 29), aged(completed(begin), 31)
    Upload.objects.filter(pk=elsewhere.pk).update(destination="other")
    assert f"would be deleted: {old.key}" in run("--dry-run")
    assert "1 deleted" in run()
    states = [Upload.objects.get(pk=upload.pk).state for upload in (old, young, elsewhere)]
    assert states == [State.DELETED, State.COMPLETED, State.COMPLETED]
    assert [holds(oss, upload) for upload in (old, young, elsewhere)] == [False, True, True]
    assert ObjectRemoval.objects.get().reason == Reason.RETENTION
    assert run() == "Nothing to do."


def test_rows_and_history_are_forgotten_in_batches(
    begin: Begin, oss: OssClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(retention_days=30, object_retention_days=30)
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(3):
        aged(aborted(begin), 31)
    services.delete_object(gone := completed(begin))
    aged(gone, 31)
    young, unfinished = aged(aborted(begin), 29), aged(begin(1000), 31)
    run()  # Releases what was aborted.
    assert set(Upload.objects.values_list("pk", flat=True)) == {young.pk, unfinished.pk}
    assert set(UploadEvent.objects.values_list("upload_id", flat=True)) == {young.pk, unfinished.pk}


def test_a_sweep_that_the_database_ended_to_resolve_a_deadlock_repeats_the_batch(
    begin: Begin, oss: OssClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(retention_days=30)
    aged(completed(begin), 31)
    real, ended = UploadQuerySet._raw_delete, []

    def deadlock_once(self: UploadQuerySet, using: str) -> Any:
        if not ended:
            ended.append(deadlock())
            raise ended[0]
        return real(self, using)

    monkeypatch.setattr(UploadQuerySet, "_raw_delete", deadlock_once)
    assert "1 forgotten" in run()
    assert len(ended) == 1
    assert not Upload.objects.exists()
    assert not UploadEvent.objects.exists()


def deadlock() -> OperationalError:
    """As Django raises it on this database; on SQLite, which has none, as on PostgreSQL."""
    error = OperationalError(MYSQL_DEADLOCKS[-1], "Deadlock found")
    error.__cause__ = type("DeadlockDetected", (Exception,), {"sqlstate": SQLSTATE_DEADLOCK})()
    return error


def test_the_object_of_a_forgotten_row_stays_without_a_retention_of_its_own(
    begin: Begin, oss: OssClient, place: Place
) -> None:
    place(retention_days=30)
    upload = aged(completed(begin), 31)
    assert "1 forgotten" in run()
    assert not Upload.objects.exists()
    assert not ObjectRemoval.objects.exists()
    assert holds(oss, upload)


def test_a_row_with_work_left_for_the_sweep_stays(begin: Begin, oss: OssClient, place: Place, user: Any) -> None:
    place(retention_days=1)
    unreleased = aged(completed(begin), 3)
    Upload.objects.filter(pk=unreleased.pk).update(credentials_until=timezone.now() + timedelta(hours=1))
    assert "forgotten" not in run()
    assert Upload.objects.filter(pk=unreleased.pk).exists()


@pytest.mark.parametrize("staged", [False, True])
def test_a_row_that_was_deleted_soon_after_its_completion_is_forgotten(
    begin: Begin, oss: OssClient, place: Place, staged: bool
) -> None:
    """Before the sweep has looked for what credentials and staging left: the removal does that."""
    place(stage=staged, key="films/{user_id}/{uuid}/{filename}", retention_days=30, object_retention_days=30)
    upload = completed(begin, 9_000_000)
    if not staged:
        Upload.objects.filter(pk=upload.pk).update(credentials_until=timezone.now() + timedelta(hours=1))
    services.delete_object(upload)
    assert ObjectRemoval.objects.pending().exists()
    aged(upload, 31)
    assert "1 forgotten" in run()
    assert not Upload.objects.exists()
    sweep_later(24 * 60)
    assert not ObjectRemoval.objects.pending().exists()
    assert not holds(oss, upload)


def test_a_row_whose_object_could_be_registered_anew_stays(
    begin: Begin, oss: OssClient, place: Place, user: Any
) -> None:
    place(key="films/{user_id}/{uuid}/{filename}", credentials="prefix", retention_days=1)
    hold_prefix(user, "demo-bucket", f"films/{user.pk}/")
    upload = aged(completed(begin), 3)
    assert "forgotten" not in run()
    assert Upload.objects.get().pk == upload.pk


@pytest.mark.parametrize(("days", "stays"), [(1.1, True), (7.9, True), (8.1, False)])
def test_a_row_stays_as_long_as_the_search_of_its_prefix_looks_at_its_object(
    begin: Begin, oss: OssClient, place: Place, user: Any, days: float, stays: bool
) -> None:
    """Which is as old as the end of the upload. This machine's clock may be a day behind OSS's."""
    rules = {"key": "films/{user_id}/{uuid}/{filename}", "credentials": "prefix", "retention_days": 1}
    place(**rules)
    upload = completed(begin)
    past(upload, created_at=timedelta(days=20), updated_at=timedelta(days=days))
    hold_prefix(user, "demo-bucket", f"films/{user.pk}/")
    PrefixCredentials.objects.update(since=timezone.now() - timedelta(days=30))
    place(**rules, content_disposition="attachment")  # What the search takes for new, it deletes.
    for _ in range(2):
        run()
    assert Upload.objects.filter(pk=upload.pk).exists() == stays
    if stays:
        assert holds(oss, upload)


def test_finished_removals_are_forgotten_too(begin: Begin, oss: OssClient, place: Place) -> None:
    place(retention_days=30)
    for _ in range(2):
        completed(begin).delete()
    first = ObjectRemoval.objects.first()
    assert first is not None
    run()
    ObjectRemoval.objects.update(look_until=timezone.now(), due_at=timezone.now())
    run()
    ObjectRemoval.objects.filter(pk=first.pk).update(done_at=timezone.now() - timedelta(days=31))
    run()
    assert ObjectRemoval.objects.count() == 1


@pytest.fixture
def film(transactional_db: None) -> Iterator[Any]:
    """A model of the project that protects its upload, with its table."""
    with model_of_the_project(models.PROTECT) as model:
        yield model


@contextmanager
def model_of_the_project(on_delete: Any) -> Iterator[Any]:
    class Film(models.Model):
        file = models.ForeignKey(Upload, on_delete=on_delete, related_name="+")

        class Meta:
            app_label = "uploads"

        def __str__(self) -> str:
            return "film"

    with connection.schema_editor() as editor:
        editor.create_model(Film)
    try:
        yield Film
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Film)
        del apps.all_models["uploads"]["film"]
        apps.clear_cache()


def test_a_row_that_the_project_refers_to_stays(begin: Begin, oss: OssClient, place: Place, film: Any) -> None:
    place(retention_days=30, object_retention_days=30)
    upload, other = aged(completed(begin), 31), aged(completed(begin), 31)
    film.objects.create(file=upload)
    run()
    assert {each.state for each in Upload.objects.all()} == {State.DELETED}
    for each in (upload, other):
        aged(each, 31)
    run()
    assert Upload.objects.get().pk == upload.pk
    assert not holds(oss, upload)
