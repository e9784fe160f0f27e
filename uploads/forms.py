"""A form field for a completed upload.

    class FilmForm(UploadFormMixin, forms.ModelForm):
        file = UploadField(destination="films")        # the model: file = ForeignKey("uploads.Upload", PROTECT)

    form = FilmForm(request.POST or None, user=request.user)

The browser uploads the file straight to OSS while the user fills in the form; the form submits the upload's id.

Rule: the field accepts only completed uploads of the form's user in the field's destination.
"""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from uploads.conf import settings
from uploads.domain.states import State
from uploads.models import Upload, User


class UploadWidget(forms.Widget):
    """Renders `<oss-uploader>`, which submits the upload's id with the form. The page needs `{{ form.media }}` once."""

    template_name = "uploads/widget.html"
    destination = "default"

    @property
    def media(self) -> forms.Media:
        script: Any = forms.widgets.Script("uploads/oss-uploads.js", type="module")  # The stubs know of text alone.
        return forms.Media(js=[script])

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"] |= {"destination": self.destination, "api": self._api()}
        return context

    def format_value(self, value: Any) -> str | None:
        return str(value.pk) if isinstance(value, Upload) else str(value) if value else None

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
    """Its value is an Upload. The form sets `user`; without one the field raises ImproperlyConfigured."""

    widget = UploadWidget
    default_error_messages = {
        "unknown": _("There is no such upload, or it is not yours. Upload the file again."),
        "unfinished": _("The upload is not finished. Wait until it is, or choose the file again."),
    }

    def __init__(self, *, destination: str = "default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.user: User | None = None
        if isinstance(self.widget, UploadWidget):
            self.widget.destination = destination

    def __deepcopy__(self, memo: dict[int, Any]) -> "UploadField":
        copy: UploadField = super().__deepcopy__(memo)
        copy.user = None  # Django copies a form's fields; the user belongs to one form.
        return copy

    def prepare_value(self, value: Any) -> Any:
        """The upload's id: of the initial value, or as it was submitted."""
        return value.pk if isinstance(value, Upload) else value

    def to_python(self, value: Any) -> Upload | None:
        if value in self.empty_values:
            return None
        if self.user is None:
            raise ImproperlyConfigured(
                "A form with an UploadField must inherit from UploadFormMixin and be created with user=…"
            )
        try:
            pk = value.pk if isinstance(value, Upload) else uuid.UUID(str(value))
        except ValueError:
            raise ValidationError(self.error_messages["unknown"], code="unknown") from None
        upload = Upload.objects.for_user(self.user).filter(pk=pk, destination=self.destination).first()
        if upload is None:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        if upload.state != State.COMPLETED:
            raise ValidationError(self.error_messages["unfinished"], code="unfinished")
        return upload

    def has_changed(self, initial: Any, data: Any) -> bool:
        return str(self.prepare_value(initial) or "") != str(self.prepare_value(data) or "")


class UploadFormMixin:
    """Sets the user of every UploadField of the form."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, UploadField):
                field.user = user
