"""The deliveries of webhooks: which wait, which were delivered, and which are dead and may be delivered again."""

from typing import TYPE_CHECKING, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.admin.counting import BoundedPaginator
from uploads.admin.filters import EndpointFilter
from uploads.domain.phrase import Phrase
from uploads.models import WebhookDelivery
from uploads.models.webhooks import WebhookDeliveryQuerySet
from uploads.services.transactions import without_atomic_requests

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    DeliveryModelAdmin = admin.ModelAdmin[WebhookDelivery]
else:
    DeliveryModelAdmin = admin.ModelAdmin


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(DeliveryModelAdmin):
    """A list to read, with one action: deliver again."""

    list_display = ("event", "upload", "endpoint", "created_at", "ending", "due_at", "attempts", "problem")
    list_filter = ("ending", EndpointFilter)
    fields = (
        "message_id", "event", "upload", "endpoint", "created_at", "due_at", "ended_at", "ending", "attempts",
        "problem", "body",
    )  # fmt: skip
    readonly_fields = ("problem",)
    actions = ("deliver_again",)
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

    def has_change_permission(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> bool:
        return False

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.redeliver_{self.opts.model_name}")

    @admin.action(description=gettext_lazy("Deliver the selected messages again"), permissions=["redeliver"])
    def deliver_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Those that have ended become due, with their ids: a receiver that has one already can tell."""
        count = cast(WebhookDeliveryQuerySet, queryset).deliver_again(timezone.now())
        self.message_user(request, _("{count} will be delivered again.").format(count=count), messages.SUCCESS)

    @admin.display(description=gettext_lazy("error"))
    def problem(self, delivery: WebhookDelivery) -> str:
        return Phrase.from_json(delivery.error).translated(_) if delivery.error else ""
