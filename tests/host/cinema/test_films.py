"""As the host's own developers would test: with the fixtures that the installed app brings along."""

from typing import Any

import httpx
import pytest
from cinema import signals
from cinema.models import Film
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password="ann")


def test_a_film_takes_a_finished_upload_and_no_other(client: Client, ann: User, completed_upload: Any) -> None:
    client.force_login(ann)
    signals.completed.clear()
    mine = completed_upload(ann, b"a film", filename="mein Film 名.mp4", destination="films")
    assert signals.completed == ["mein Film 名.mp4"]
    theirs = completed_upload(User.objects.create_user("bob"), b"x", destination="films")
    assert b"not yours" in client.post("/", {"title": "x", "file": theirs.pk}).content
    assert b"not yours" in client.post("/", {"title": "x", "file": "nonsense"}).content
    assert client.post("/", {"title": "Mine", "file": mine.pk}).status_code == 302
    film = Film.objects.get()
    assert film.file == mine
    with film.file.open() as file:
        assert file.read() == b"a film"
    answer = httpx.get(film.file.url(expires=60))
    assert answer.content == b"a film"
    assert "mein%20Film" in answer.headers["Content-Disposition"]


def test_a_poster_is_kept_at_oss(ann: User, completed_upload: Any) -> None:
    film = Film(owner=ann, title="x", file=completed_upload(ann, destination="films"))
    film.poster.save("poster ü.png", ContentFile(b"\x89PNG"))
    film.refresh_from_db()
    assert film.poster.read() == b"\x89PNG"
    assert httpx.get(film.poster.url).content == b"\x89PNG"
    assert film.poster.size == 4
