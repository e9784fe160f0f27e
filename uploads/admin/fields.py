"""Uploads in the admin of other models: fields to choose files, and columns that show them.

@admin.register(Film)
class FilmAdmin(UploadAdminMixin, admin.ModelAdmin):
    upload_destinations = {"file": "films", "stills": "stills"}
    list_display = ("title", upload_column("file"))
    list_select_related = ("file",)
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Manager, Model
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from uploads.admin import display
from uploads.conf import settings
from uploads.domain.states import State
from uploads.forms import UploadField, bind_user
from uploads.models import Upload

LINK_SECONDS = 3600
NOTHING = "-"


class UploadAdminMixin:
    """For a ModelAdmin, or for an inline, whose model refers to uploads by ForeignKey or ManyToManyField.

    `upload_destinations`: the name of the model's field → the destination to which its files are uploaded. A form of
    the class's own may have fields of the class UploadField instead. Either way the fields accept the uploads of the
    user of the request, and keep those that the object has.
    """

    upload_destinations: Mapping[str, str] = {}

    @property
    def media(self) -> forms.Media:
        media: forms.Media = super().media  # type: ignore[misc]
        return media + forms.Media(css={"all": ["uploads_admin/admin.css"]})

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        destination = self.upload_destinations.get(db_field.name)
        if destination is None:
            return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        return UploadField(
            destination=destination,
            multiple=db_field.many_to_many,
            required=not db_field.blank,
            label=capfirst(db_field.verbose_name),
            help_text=db_field.help_text,
        )

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)  # type: ignore[misc]
        bind_user(form, request.user)
        return form

    def get_formset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Of an inline."""
        formset = super().get_formset(request, *args, **kwargs)  # type: ignore[misc]
        bind_user(formset.form, request.user)
        return formset

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """For `list_editable`."""
        formset = super().get_changelist_formset(request, **kwargs)  # type: ignore[misc]
        bind_user(formset.form, request.user)
        return formset

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_destinations()]  # type: ignore[misc]

    def _check_destinations(self) -> Iterable[checks.CheckMessage]:
        for name, destination in self.upload_destinations.items():
            if not _refers_to_uploads(self.model, name):  # type: ignore[attr-defined]
                text = (
                    f"upload_destinations names {name!r}, which is no ForeignKey or ManyToManyField to uploads.Upload."
                )
                hint = "Name a field of the model that refers to uploads."
                yield checks.Error(text, hint=hint, obj=self.__class__, id="uploads.E062")
            if destination not in settings.destinations:
                text = f"upload_destinations names the destination {destination!r}, which does not exist."
                hint = f"The destinations are {', '.join(sorted(settings.destinations))}."
                yield checks.Error(text, hint=hint, obj=self.__class__, id="uploads.E063")


def _refers_to_uploads(model: type[Model], name: str) -> bool:
    try:
        return model._meta.get_field(name).related_model is Upload
    except FieldDoesNotExist:
        return False


def upload_link(upload: Upload | None, expires: int = LINK_SECONDS) -> SafeString:
    """The file's name, size and state as HTML. The name of a completed upload is a link to download the object.

    `expires`: seconds for which the link is valid. Without an upload: a dash.
    """
    if upload is None:
        return SafeString(NOTHING)
    name = format_html("{}", upload.filename)
    if upload.state == State.COMPLETED:
        name = format_html('<a href="{}">{}</a>', upload.url(expires), upload.filename)
    badge = display.badge(upload.state, upload.get_state_display())
    return format_html("{} {}{}", name, badge, display.small(display.size(upload.size)))


def upload_column(field: str, description: str = "") -> Callable[[Any], SafeString]:
    """For `list_display` and `readonly_fields`: shows the upload of this field by `upload_link`, or all of its uploads.

    Name the field in `list_select_related`, or prefetch it, so that a list needs no query for each row.
    """

    @admin.display(description=description or field.replace("_", " "), ordering=field)
    def column(instance: Any) -> SafeString:
        value = getattr(instance, field)
        uploads = value.all() if isinstance(value, Manager) else [value]
        return format_html_join(SafeString("<br>"), "{}", ((upload_link(upload),) for upload in uploads)) or SafeString(
            NOTHING
        )

    column.__name__ = f"{field}_link"
    return column
