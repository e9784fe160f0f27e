"""The removals of deleted uploads' objects: which are waiting for OSS, and which were done, why and when."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.models import ObjectRemoval
from uploads.services.common import recorded_advice

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    RemovalModelAdmin = admin.ModelAdmin[ObjectRemoval]
else:
    RemovalModelAdmin = admin.ModelAdmin


@admin.register(ObjectRemoval)
class ObjectRemovalAdmin(RemovalModelAdmin):
    """A list to read. The sweep carries the removals out."""

    list_display = ("upload", "reason", "requested_at", "outcome", "done_at", "attempts", "problem")
    list_filter = (("done_at", admin.EmptyFieldListFilter), "reason", "outcome", "destination")
    fields = (
        "upload", "destination", "bucket", "key", "reason", "requested_at", "due_at", "emptied_at", "done_at",
        "outcome", "attempts", "problem",
    )  # fmt: skip
    readonly_fields = ("problem",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ObjectRemoval | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ObjectRemoval | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("error"))
    def problem(self, removal: ObjectRemoval) -> str:
        return recorded_advice(removal.error).translated(_) if removal.error else ""
