"""A form field for completed uploads.

    class FilmForm(UploadFormMixin, forms.ModelForm):
        file = UploadField(destination="films")        # the model: file = ForeignKey("uploads.Upload", PROTECT)
        stills = UploadField(destination="stills", multiple=True, required=False)  # ManyToManyField("uploads.Upload")

    form = FilmForm(request.POST or None, user=request.user)
    formset = formset_factory(FilmForm)(request.POST or None, form_kwargs={"user": request.user})

The browser uploads the files straight to OSS while the user fills in the form; the form submits the uploads' ids.
`uploads.admin.UploadAdminMixin` does the same in the admin.

Rule: the field accepts only completed uploads of the form's user in the field's destination, and those that the object
that is edited has in the database.
"""

import uuid
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from django import forms
from django.conf import settings as django_settings
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from uploads.conf import settings
from uploads.csrf import header_name
from uploads.domain.states import State
from uploads.models import Upload, User


class UploadWidget(forms.Widget):
    """Renders the present uploads and `<oss-uploader>`, which submits ids with the form. The page needs its media."""

    template_name = "oss_uploads/widget.html"
    destination = "default"
    multiple = False

    @property
    def media(self) -> forms.Media:
        script: Any = forms.widgets.Script("uploads/oss-uploads.js", type="module")  # The stubs know of text alone.
        return forms.Media(js=[script])

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widget, present = context["widget"], value or []
        if present:  # Then the browser asks for no file; the server checks that one is left.
            widget["attrs"].pop("required", None)
        widget |= {
            "destination": self.destination,
            "multiple": self.multiple,
            "present": present,
            "removable": self.multiple or not self.is_required,
            "api": self._api(),
            "csrf_header": header_name(),
            "login": _login_url(),
        }
        return context

    def format_value(self, value: Any) -> Any:
        return value

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The ids that were submitted: a list, or the last one, since a new file comes after the present one."""
        given = data.getlist(name) if hasattr(data, "getlist") else data.get(name)
        ids = [each for each in _listed(given) if each]
        return ids if self.multiple else next(reversed(ids), None)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Never known: a box that is not checked submits nothing."""
        return False

    @staticmethod
    def _api() -> str:
        """The path under which the host includes the API. Raises ImproperlyConfigured if it is not found."""
        name = f"{settings.url_namespace}:upload-list"
        try:
            return reverse(name).removesuffix("uploads/")
        except NoReverseMatch as error:
            raise ImproperlyConfigured(
                f"There is no URL {name!r}. Include the app's URLs in the URLconf; if they are inside another "
                "namespace, set UPLOADS['URL_NAMESPACE'] to both, such as 'v1:uploads'."
            ) from error


class UploadField(forms.Field):
    """Its value is an Upload or, with `multiple`, a list of them. Without a user it raises ImproperlyConfigured.

    Whoever edits an object keeps its uploads, also those of other users. A ModelForm knows them by its instance; the
    `initial` of a form grants nothing.
    """

    widget = UploadWidget
    default_error_messages = {
        "unknown": _("There is no such upload, or it is not yours. Upload the file again."),
        "unfinished": _("The upload is not finished. Wait until it is, or choose the file again."),
    }

    def __init__(self, *, destination: str = "default", multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination, self.multiple = destination, multiple
        self.user: User | None = None
        self._kept: frozenset[uuid.UUID] = frozenset()
        if isinstance(self.widget, UploadWidget):
            self.widget.destination, self.widget.multiple = destination, multiple

    def for_user(self, user: User) -> "UploadField":
        """A copy that accepts the uploads of this user."""
        copy = deepcopy(self)
        copy.user = user
        return copy

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        self._kept = _kept_by(form, field_name)
        return super().get_bound_field(form, field_name)

    def prepare_value(self, value: Any) -> list[Upload]:
        """The uploads to show: those of the initial value, or as they were submitted, if the user may know them."""
        return self._known(_ids(value))

    def to_python(self, value: Any) -> Any:
        ids = _ids(value)
        if ids and self.user is None:
            raise ImproperlyConfigured(
                "An UploadField needs a user: let the form inherit from UploadFormMixin and create it with user=…, or "
                "the admin class from UploadAdminMixin."
            )
        found = self._known(ids)
        if len(found) < len({str(getattr(each, "pk", each)) for each in _listed(value)}):
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        if any(upload.state != State.COMPLETED and upload.pk not in self._kept for upload in found):
            raise ValidationError(self.error_messages["unfinished"], code="unfinished")
        return found if self.multiple else next(iter(found), None)

    def has_changed(self, initial: Any, data: Any) -> bool:
        if self.disabled:
            return False
        before, now = ({str(getattr(each, "pk", each)) for each in _listed(value)} for value in (initial, data))
        return before != now

    def _known(self, ids: list[uuid.UUID]) -> list[Upload]:
        """Those of the uploads that the form may have, in this order."""
        if not ids:
            return []
        allowed = Upload.objects.filter(pk__in=self._kept)
        if self.user is not None:
            allowed |= Upload.objects.for_user(self.user).filter(destination=self.destination)
        found = allowed.filter(pk__in=ids).in_bulk()
        return [found[pk] for pk in ids if pk in found]


class UploadFormMixin:
    """A form that takes `user=…` and gives it to each UploadField. Without it the fields accept nothing new."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, UploadField) and user is not None:
                field.user = user


def _login_url() -> str:
    """The path of the project's LOGIN_URL; "" where it has none."""
    try:
        return resolve_url(django_settings.LOGIN_URL)
    except NoReverseMatch:
        return ""


def bind_user(form: Any, user: User) -> None:
    """Gives the user to every UploadField of a class of forms that was made for one request."""
    for name, field in form.base_fields.items():
        if isinstance(field, UploadField):
            form.base_fields[name] = field.for_user(user)  # The field itself may belong to other classes as well.


def _listed(value: Any) -> Iterable[Any]:
    """The values of a field with many, or the one of a field with one; none for an empty one."""
    if value in (None, ""):
        return []
    return value if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "iterator") else [value]


def _ids(value: Any) -> list[uuid.UUID]:
    """Ids of uploads in the order given, each once. What is no id is left out."""
    found: dict[uuid.UUID, None] = {}
    for each in _listed(value):
        try:
            found[each.pk if isinstance(each, Upload) else uuid.UUID(str(each))] = None
        except ValueError:
            continue
    return list(found)


def _kept_by(form: Any, name: str) -> frozenset[uuid.UUID]:
    """The uploads that the edited object has in the database."""
    instance = getattr(form, "instance", None)
    if instance is None or instance._state.adding:
        return frozenset()
    try:
        return frozenset(_ids(instance._meta.get_field(name).value_from_object(instance)))
    except FieldDoesNotExist:
        return frozenset()
