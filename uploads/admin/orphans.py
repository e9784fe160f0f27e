"""The orphans that the sweep has found at OSS: a list to read, and the abort of multipart uploads among them.

Rule: who may view uploads sees them, and who may abort uploads may abort them. Objects are not deleted here: one whose
row was lost gets it again by `manage.py reconcile_uploads --register`.
"""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads import services
from uploads.admin import activity, bulk_abort, display, held
from uploads.admin.counting import MAX_COUNTED
from uploads.admin.filters import DestinationFilter
from uploads.admin.read_only import ReadOnlyAdmin
from uploads.domain.errors import UploadError
from uploads.models import Kind, Orphan, Upload, permission_name
from uploads.services.common import recorded_advice
from uploads.services.transactions import without_atomic_requests


@admin.register(Orphan)
class OrphanAdmin(ReadOnlyAdmin):
    """The oldest first."""

    list_display = ("name", "kind", "size", "cost", "destination", "age")
    list_filter = ("kind", DestinationFilter)
    fields = (
        "key", "kind", "destination", "bucket", "upload_id", "size", "cost", "began_at", "seen_at", "gone_at", "due_at",
        "attempts", "problem",
    )  # fmt: skip
    readonly_fields = ("size", "cost", "problem")
    actions = ("abort_orphans",)
    change_form_template = "oss_uploads/admin/orphan_form.html"

    class Media:
        css = {"all": ("uploads_admin/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        """Those of Django and one more, which calls OSS."""
        view, name = self.admin_site.admin_view(self.abort_page), f"{self.opts.app_label}_{self.opts.model_name}_abort"
        return [path("<uuid:pk>/abort/", without_atomic_requests(view), name=name), *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Orphan | None = None) -> bool:
        return bool(request.user.has_perm(permission_name("view")))

    def has_abort_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(permission_name("abort")))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Orphan]:
        return Orphan.objects.held()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With a button to abort a multipart upload."""
        orphan = self.get_object(request, object_id)
        may_abort = orphan is not None and orphan.kind == Kind.MULTIPART and self.has_abort_permission(request)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_abort": may_abort})

    @admin.display(description=gettext_lazy("key"))
    def name(self, orphan: Orphan) -> SafeString:
        problem = self.problem(orphan)
        return format_html('{}<span class="up-problem">{}</span>', orphan.key, problem)

    @admin.display(description=gettext_lazy("size"))
    def size(self, orphan: Orphan) -> str:
        return display.size(orphan.bytes)

    @admin.display(description=gettext_lazy("cost per month"))
    def cost(self, orphan: Orphan) -> str:
        return held.cost(orphan.bytes)

    @admin.display(description=gettext_lazy("age"))
    def age(self, orphan: Orphan) -> str:
        return display.age(orphan.began_at)

    @admin.display(description=gettext_lazy("error"))
    def problem(self, orphan: Orphan) -> str:
        if not orphan.error:
            return ""
        words = _("Failed attempts: {count}. {message}")
        return words.format(count=orphan.attempts, message=recorded_advice(orphan.error).translated(_))

    @admin.action(description=gettext_lazy("Abort the selected multipart uploads at OSS"), permissions=["abort"])
    def abort_orphans(self, request: HttpRequest, queryset: QuerySet[Orphan]) -> HttpResponse:
        """Leads to the page that asks. Objects are left out."""
        chosen = queryset.filter(kind=Kind.MULTIPART).order_by().values_list("pk", "bytes")[: MAX_COUNTED + 1]
        selected = list(chosen)
        if len(selected) > MAX_COUNTED:
            words = _("Only {count} are aborted. Run the action again for the others.")
            self.message_user(request, words.format(count=f"{MAX_COUNTED:,}"), messages.WARNING)
        token = bulk_abort.begin(request, selected[:MAX_COUNTED], orphans=True)
        name = f"admin:{Upload._meta.app_label}_{Upload._meta.model_name}_bulk_abort"
        return HttpResponseRedirect(reverse(name, args=[token], current_app=self.admin_site.name))

    def abort_page(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Asks before it aborts one multipart upload."""
        if not (self.has_view_permission(request) and self.has_abort_permission(request)):
            raise PermissionDenied
        orphan = get_object_or_404(Orphan, pk=pk, kind=Kind.MULTIPART)
        if request.method != "POST":
            common = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
            context = {**common, "title": _("Abort at OSS"), "orphan": orphan, "bytes": display.size(orphan.bytes)}
            request.current_app = self.admin_site.name
            return TemplateResponse(request, "oss_uploads/admin/orphan_abort.html", context)
        try:
            services.abort_if_orphan(orphan)
            activity.log(request, activity.ABORTED_AT_OSS, orphan)
            self.message_user(
                request, _("Aborted at OSS. The sweep will check that nothing is left."), messages.SUCCESS
            )
        except UploadError as error:
            self.message_user(request, error.advice.translated(_), messages.ERROR)
        changelist = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return HttpResponseRedirect(reverse(changelist, current_app=self.admin_site.name))
