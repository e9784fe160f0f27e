"""Django's admin over uploads: a window. It changes nothing but by calling services."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from uploads import services
from uploads.errors import UploadError
from uploads.models import Upload, UploadEvent

if TYPE_CHECKING:
    # Django's own classes are generic in its stubs alone.
    Inline = admin.TabularInline[UploadEvent, Upload]
    UploadModelAdmin = admin.ModelAdmin[Upload]
else:
    Inline = admin.TabularInline
    UploadModelAdmin = admin.ModelAdmin


class EventInline(Inline):
    model = UploadEvent
    fields = readonly_fields = ("at", "name", "actor", "detail")
    extra = 0
    can_delete = False
    verbose_name_plural = "history"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Upload)
class UploadAdmin(UploadModelAdmin):
    """What is going on, whose it is, how far it is; and how to stop it."""

    list_display = (
        "filename",
        "owner",
        "state",
        "progress",
        "size_in_words",
        "destination",
        "created_at",
        "updated_at",
    )
    list_filter = ("state", "destination", "created_at")
    list_select_related = ("owner",)
    search_fields = ("filename", "key", "upload_id", "owner__username")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    actions = ("abort_uploads",)
    inlines = (EventInline,)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def has_abort_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("uploads.abort_upload")

    @admin.display(description="progress")
    def progress(self, upload: Upload) -> str:
        if upload.size is None:
            return f"{filesizeformat(upload.bytes_done)} so far"
        percent = 100 if upload.size == 0 else 100 * upload.bytes_done // upload.size
        return f"{percent} % ({upload.parts_done} of {upload.part_count})"

    @admin.display(description="size", ordering="size")
    def size_in_words(self, upload: Upload) -> str:
        return "not known yet" if upload.size is None else filesizeformat(upload.size)

    @admin.action(description="Abort the selected uploads", permissions=["abort"])
    def abort_uploads(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        aborted, refused = 0, []
        for upload in queryset:
            try:
                services.abort(upload, actor=request.user)
                aborted += 1
            except UploadError as error:
                refused.append(f"{upload.filename}: {error.detail}")
        if aborted:
            self.message_user(request, f"{aborted} aborted.", messages.SUCCESS)
        for line in refused:
            self.message_user(request, line, messages.WARNING)
