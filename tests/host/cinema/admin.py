from cinema.models import Film, Trailer
from django.contrib import admin

from uploads.admin import UploadAdminMixin, upload_column


class TrailerInline(UploadAdminMixin, admin.TabularInline):
    model = Trailer
    extra = 1
    upload_destinations = {"file": "films"}


shown = upload_column("file", "current file")


@admin.register(Film)
class FilmAdmin(UploadAdminMixin, admin.ModelAdmin):
    fields = ("title", "owner", "file", "stills", shown)
    readonly_fields = (shown,)
    inlines = (TrailerInline,)
    list_display = ("title", shown, "owner")
    list_select_related = ("file", "owner")
    upload_destinations = {"file": "films", "stills": "films"}
