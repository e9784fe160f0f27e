"""Rows: compare-and-set, the domain's words, and that the schema is what the models say."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

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
