"""The filters of the lists of uploads, removals and webhooks. Rule: no filter reads the table to learn its choices."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads.admin.statistics import stalled
from uploads.conf import settings
from uploads.models import ObjectRemoval, Upload, UploadQuerySet
from uploads.models.removals import ObjectRemovalQuerySet


class StalledFilter(admin.SimpleListFilter):
    """Unfinished uploads without activity for an hour."""

    title = gettext_lazy("stalled")
    parameter_name = "stalled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("no activity for an hour"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Upload]) -> QuerySet[Upload]:
        return stalled(cast(UploadQuerySet, queryset), timezone.now()) if self.value() == "yes" else queryset


class PendingFilter(admin.SimpleListFilter):
    """Removals that are not done."""

    title = gettext_lazy("done")
    parameter_name = "pending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("not done yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ObjectRemoval]) -> QuerySet[ObjectRemoval]:
        return cast(ObjectRemovalQuerySet, queryset).pending() if self.value() == "yes" else queryset


class DestinationFilter(admin.SimpleListFilter):
    """Rows of one destination. Those of a destination that is no longer in the settings are found by its name in
    the URL."""

    title = gettext_lazy("destination")
    parameter_name = "destination"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({*settings.destinations, *self.used_parameters.values()})]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(destination=self.value()) if self.value() else queryset


class EndpointFilter(admin.SimpleListFilter):
    """Deliveries to one receiver of webhooks."""

    title = gettext_lazy("endpoint")
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({*settings.webhooks, *self.used_parameters.values()})]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(endpoint=self.value()) if self.value() else queryset
