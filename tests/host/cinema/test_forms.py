"""The form field: one file or several, in forms and formsets, on editing, and what tampering achieves."""

import re
import uuid
from typing import Any

import pytest
from cinema.forms import FilmForm
from cinema.models import Film
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import QueryDict

from uploads.forms import UploadField, UploadFormMixin
from uploads.models import Upload

pytestmark = pytest.mark.django_db(transaction=True)


class StillsForm(UploadFormMixin, forms.ModelForm):
    stills = UploadField(destination="films", multiple=True, required=False)

    class Meta:
        model = Film
        fields = ("title", "stills")


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob")


def posted(**values: Any) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, [str(each) for each in (value if isinstance(value, list) else [value])])
    return data


def names(html: Any) -> list[str]:
    return re.findall(r'name="([^"]+)"', str(html))


def test_required_is_rendered_once_and_only_where_the_form_says_so(ann: User) -> None:
    assert str(FilmForm(user=ann)["file"]).count("required") == 1
    assert "required" not in str(FilmForm(user=ann, use_required_attribute=False)["file"])
    assert "required" not in str(StillsForm(user=ann)["stills"])


def test_several_files_are_a_list_in_their_order(ann: User, completed_upload: Any) -> None:
    first, second = (completed_upload(ann, filename=name, destination="films") for name in ("a.png", "b.png"))
    form = StillsForm(posted(title="x", stills=[second.pk, first.pk, second.pk]), user=ann)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["stills"] == [second, first]
    assert "single" not in str(form["stills"])
    assert "single" in str(FilmForm(user=ann)["file"])
    assert StillsForm(posted(title="x"), user=ann).is_valid()


@pytest.mark.parametrize("form", [FilmForm, StillsForm])
def test_ids_of_others_are_refused_and_tell_nothing(
    form: Any, ann: User, bob: User, completed_upload: Any, django_assert_max_num_queries: Any
) -> None:
    theirs = completed_upload(bob, filename="secret.mp4", destination="films")
    unfinished = Upload.objects.create(
        owner=ann, destination="films", filename="half", part_size=1, size=1, state="uploading", bucket="b", key="k",
        expires_at="2099-01-01T00:00Z",
    )  # fmt: skip
    name = "stills" if form is StillsForm else "file"
    for value, message in {
        str(theirs.pk): "not yours",
        str(uuid.uuid4()): "not yours",
        "nonsense": "not yours",
        str(unfinished.pk): "not finished",
    }.items():
        given = form(posted(title="x", **{name: value}), user=ann)
        assert message in str(given.errors[name])
        assert "secret" not in str(given)
    prefilled = form(user=ann, initial={name: [theirs.pk] if name == "stills" else theirs.pk})
    assert "secret" not in str(prefilled)
    tampered = form(posted(title="x", **{name: theirs.pk}), user=ann, initial={name: theirs.pk})
    assert not tampered.is_valid()


def test_who_edits_keeps_what_the_object_has(ann: User, bob: User, completed_upload: Any) -> None:
    film = Film.objects.create(owner=ann, title="x", file=completed_upload(ann, filename="a.mp4", destination="films"))
    still = completed_upload(ann, filename="still.png", destination="films")
    film.stills.add(still)
    shown = FilmForm(instance=film, user=bob)
    assert "a.mp4" in str(shown["file"])
    assert "required" not in str(shown["file"]), "a file is there already"
    assert str(film.file.pk) in str(shown["file"])

    form = FilmForm(posted(title="New", file=film.file.pk), instance=film, user=bob)
    assert form.is_valid(), form.errors
    assert form.changed_data == ["title"]
    form.save()
    assert Film.objects.get().file == film.file

    new = completed_upload(bob, filename="new.png", destination="films")
    form = StillsForm(posted(title="New", stills=[still.pk, new.pk]), instance=film, user=bob)
    assert form.is_valid(), form.errors
    form.save()
    assert set(film.stills.all()) == {still, new}
    replaced = FilmForm(posted(title="New", file=[film.file.pk, new.pk]), instance=film, user=bob)
    assert replaced.is_valid()
    assert replaced.cleaned_data["file"] == new, "the new file comes after the one before"
    other = completed_upload(ann, filename="other", destination="films")
    assert not FilmForm(posted(title="x", file=other.pk), instance=film, user=bob).is_valid()


def test_files_are_removed_by_unchecking_them(ann: User, completed_upload: Any) -> None:
    film = Film.objects.create(owner=ann, title="x", file=completed_upload(ann, destination="films"))
    stills = [completed_upload(ann, filename=f"{number}.png", destination="films") for number in range(2)]
    film.stills.set(stills)
    shown = str(StillsForm(instance=film, user=ann)["stills"])
    assert shown.count('type="checkbox"') == shown.count("checked") == 2
    assert 'type="checkbox"' not in str(FilmForm(instance=film, user=ann)["file"]), "a required file is replaced only"
    for kept in (stills[:1], []):
        form = StillsForm(posted(title="x", stills=[each.pk for each in kept]), instance=film, user=ann)
        assert form.is_valid()
        assert "stills" in form.changed_data
        form.save()
        assert list(film.stills.all()) == kept


def test_what_was_uploaded_survives_an_error_in_another_field(ann: User, completed_upload: Any) -> None:
    upload = completed_upload(ann, filename="mine.mp4", destination="films")
    form = FilmForm(posted(title="", file=upload.pk), user=ann)
    assert not form.is_valid()
    assert "mine.mp4" in str(form["file"])
    assert f'value="{upload.pk}"' in str(form["file"])


def test_formsets_give_the_user_to_each_form(ann: User, completed_upload: Any) -> None:
    upload = completed_upload(ann, destination="films")
    formset = forms.formset_factory(FilmForm, extra=2)
    shown = formset(form_kwargs={"user": ann})
    assert "form-1-file" in names(shown)
    assert "form-__prefix__-file" in names(shown.empty_form["file"])
    assert "required" not in str(shown.forms[0]["file"])
    data = posted(**{"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 0, "form-0-title": "x", "form-0-file": upload.pk})
    given = formset(data, form_kwargs={"user": ann})
    assert given.is_valid(), given.errors
    assert [form.has_changed() for form in given] == [True, False]
    assert given.cleaned_data[0]["file"] == upload


def test_without_a_user_nothing_new_is_accepted(ann: User, completed_upload: Any) -> None:
    upload = completed_upload(ann, destination="films")
    with pytest.raises(ImproperlyConfigured, match="UploadFormMixin"):
        FilmForm(posted(title="x", file=upload.pk)).is_valid()
    assert not FilmForm(posted(title="x")).is_valid()
