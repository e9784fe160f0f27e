"""Films in the admin: choose, keep and replace their files, and see them in the list."""

import re
from typing import Any

import httpx
import pytest
from cinema.admin import FilmAdmin
from cinema.models import Film, Trailer
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client

from uploads.admin import upload_link

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/cinema/film/"


@pytest.fixture
def root(client: Client) -> User:
    user = User.objects.create_superuser("root")
    client.force_login(user)
    return user


def inline(*rows: dict[str, Any], there: int = 0) -> dict[str, Any]:
    data = {"trailer_set-TOTAL_FORMS": len(rows), "trailer_set-INITIAL_FORMS": there}
    for number, row in enumerate(rows):
        data |= {f"trailer_set-{number}-{name}": value for name, value in row.items()}
    return data


def test_a_film_is_added_with_its_files_and_trailers(client: Client, root: User, completed_upload: Any) -> None:
    page = client.get(f"{LIST}add/").content.decode()
    uploaders = re.findall(r'<oss-uploader name="([^"]+)"', page)
    assert uploaders == ["file", "stills", "trailer_set-0-file", "trailer_set-__prefix__-file"]
    assert page.count("uploads/oss-uploads.js") == 1
    film, still, trailer = (completed_upload(root, filename=name, destination="films") for name in "abc")
    values = {"title": "x", "owner": root.pk, "file": film.pk, "stills": [still.pk]}
    answer = client.post(f"{LIST}add/", values | inline({"language": "de", "file": trailer.pk}, {"language": "en"}))
    assert answer.status_code == 302, re.findall(r"errorlist.*?</ul>", answer.content.decode())
    saved = Film.objects.get()
    assert (saved.file, list(saved.stills.all())) == (film, [still])
    assert Trailer.objects.get().file == trailer


def test_files_of_others_stay_but_cannot_be_chosen(client: Client, root: User, completed_upload: Any) -> None:
    ann = User.objects.create_user("ann")
    theirs, other = (completed_upload(ann, filename=name, destination="films") for name in ("theirs.mp4", "other"))
    film = Film.objects.create(owner=ann, title="x", file=theirs)
    trailer = Trailer.objects.create(film=film, file=theirs)
    page = client.get(f"{LIST}{film.pk}/change/").content.decode()
    assert page.count("theirs.mp4") >= 3
    row = {"id": trailer.pk, "film": film.pk, "language": "fr", "file": theirs.pk}
    values = {"title": "new", "owner": ann.pk, "file": theirs.pk}
    assert client.post(f"{LIST}{film.pk}/change/", values | inline(row, there=1)).status_code == 302
    film.refresh_from_db()
    assert (film.title, film.file, film.trailer_set.get().file) == ("new", theirs, theirs)
    for refused in (
        values | {"file": other.pk} | inline(row, there=1),
        values | inline(row | {"file": other.pk}, there=1),
    ):
        assert b"not yours" in client.post(f"{LIST}{film.pk}/change/", refused).content
    cleared = values | inline({**row, "file": ""}, there=1)
    assert client.post(f"{LIST}{film.pk}/change/", cleared).status_code == 302
    assert film.trailer_set.get().file is None


def test_one_admins_form_does_not_know_the_user_of_another(client: Client, root: User, completed_upload: Any) -> None:
    mine = completed_upload(root, destination="films")
    client.get(f"{LIST}add/")
    other = Client()
    other.force_login(User.objects.create_superuser("second"))
    values = {"title": "x", "owner": root.pk, "file": mine.pk} | inline()
    assert b"not yours" in other.post(f"{LIST}add/", values).content
    assert client.post(f"{LIST}add/", values).status_code == 302


def test_the_list_links_to_the_file(client: Client, root: User, completed_upload: Any) -> None:
    film = completed_upload(root, b"a film", filename="<b>mein Film.mp4", destination="films")
    Film.objects.create(owner=root, title="x", file=film)
    for path in (LIST, f"{LIST}{Film.objects.get().pk}/change/"):
        page = client.get(path).content.decode()
        assert "<b>mein" not in page
        assert "uploads_admin/admin.css" in page
        link = re.search(r'<a href="([^"]+)">&lt;b&gt;mein Film', page)
        assert link
        assert httpx.get(link[1].replace("&amp;", "&")).content == b"a film"
        assert "up-completed" in page
        assert "6 bytes" in page
    assert upload_link(None) == "-"


def test_wrong_destinations_are_reported() -> None:
    assert [message for message in run_checks() if message.id in ("uploads.E062", "uploads.E063")] == []

    class WrongAdmin(FilmAdmin):
        upload_destinations = {"title": "films", "file": "flims"}

    found = {message.id: message.msg for message in WrongAdmin(Film, admin.site).check()}
    assert "'title'" in found["uploads.E062"]
    assert "'flims'" in found["uploads.E063"]
