"""The removals of deleted uploads' objects: which are waiting for OSS, and which were done, why and when."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.admin.counting import BoundedPaginator
from uploads.admin.filters import DestinationFilter, PendingFilter
from uploads.models import ObjectRemoval
from uploads.services.common import recorded_advice
from uploads.services.transactions import without_atomic_requests

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    RemovalModelAdmin = admin.ModelAdmin[ObjectRemoval]
else:
    RemovalModelAdmin = admin.ModelAdmin


@admin.register(ObjectRemoval)
class ObjectRemovalAdmin(RemovalModelAdmin):
    """A list to read. The sweep carries the removals out."""

    list_display = ("upload", "reason", "requested_at", "outcome", "done_at", "attempts", "problem")
    list_filter = (PendingFilter, "reason", DestinationFilter)
    fields = (
        "upload", "destination", "bucket", "key", "reason", "requested_at", "due_at", "emptied_at", "done_at",
        "outcome", "attempts", "problem",
    )  # fmt: skip
    readonly_fields = ("problem",)
    sortable_by = ()
    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_urls(self) -> list[URLPattern]:
        """Those of Django. None runs in the transaction of ATOMIC_REQUESTS."""
        urls = super().get_urls()
        for url in urls:
            url.callback = without_atomic_requests(url.callback)
        return urls

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ObjectRemoval | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ObjectRemoval | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("error"))
    def problem(self, removal: ObjectRemoval) -> str:
        return recorded_advice(removal.error).translated(_) if removal.error else ""
