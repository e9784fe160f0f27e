"""The removals of deleted uploads' objects: which are waiting for OSS, and which were done, why and when."""

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.admin.filters import DestinationFilter, PendingFilter
from uploads.admin.read_only import ReadOnlyAdmin
from uploads.models import ObjectRemoval
from uploads.services.common import recorded_advice


@admin.register(ObjectRemoval)
class ObjectRemovalAdmin(ReadOnlyAdmin):
    """A list to read. The sweep carries the removals out."""

    list_display = ("upload", "reason", "requested_at", "outcome", "done_at", "attempts", "problem")
    list_filter = (PendingFilter, "reason", DestinationFilter)
    fields = (
        "upload", "destination", "bucket", "key", "reason", "requested_at", "due_at", "emptied_at", "done_at",
        "outcome", "attempts", "problem",
    )  # fmt: skip
    readonly_fields = ("problem",)

    @admin.display(description=gettext_lazy("error"))
    def problem(self, removal: ObjectRemoval) -> str:
        return recorded_advice(removal.error).translated(_) if removal.error else ""
