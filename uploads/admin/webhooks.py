"""The deliveries of webhooks: which wait, which were delivered, and which are dead and may be delivered again."""

from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.admin.filters import EndpointFilter
from uploads.admin.read_only import ReadOnlyAdmin
from uploads.domain.phrase import Phrase
from uploads.models import WebhookDelivery
from uploads.models.webhooks import WebhookDeliveryQuerySet


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """A list to read, with one action: deliver again."""

    list_display = ("event", "upload", "endpoint", "created_at", "ending", "due_at", "attempts", "problem")
    list_filter = ("ending", EndpointFilter)
    fields = (
        "message_id", "event", "upload", "endpoint", "created_at", "due_at", "ended_at", "ending", "attempts",
        "problem", "body",
    )  # fmt: skip
    readonly_fields = ("problem",)
    actions = ("deliver_again",)

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
