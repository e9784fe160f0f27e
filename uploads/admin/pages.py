"""The admin's own pages: statistics, multipart uploads at OSS, and the progress of a bulk abort.

Rule: a page needs the permission to view uploads; to abort needs the permission `abort_upload`.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from uploads.admin import bulk_abort, multipart_uploads
from uploads.admin.statistics import statistics
from uploads.conf import settings
from uploads.domain.errors import UploadError
from uploads.models import Upload

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    UploadModelAdmin = admin.ModelAdmin[Upload]
else:
    UploadModelAdmin = admin.ModelAdmin


class PagesAdmin(UploadModelAdmin):
    """A ModelAdmin with these pages; `UploadAdmin` adds the list and the detail page."""

    def has_abort_permission(self, request: HttpRequest) -> bool:
        """For the pages here, and for actions that name the permission `abort`."""
        return request.user.has_perm("uploads.abort_upload")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        run_batch = wrap(require_POST(self.bulk_abort_next))
        return [
            path("statistics/", wrap(self.statistics_page), name="uploads_upload_statistics"),
            path("multipart-uploads/", wrap(self.multipart_uploads_page), name="uploads_upload_multipart_uploads"),
            path("bulk-abort/<str:token>/", wrap(self.bulk_abort_page), name="uploads_upload_bulk_abort"),
            path("bulk-abort/<str:token>/next/", run_batch, name="uploads_upload_bulk_abort_next"),
            *super().get_urls(),
        ]

    def statistics_page(self, request: HttpRequest) -> HttpResponse:
        """While days are missing, the browser asks again by itself."""
        context = statistics()
        page = self._page(request, "statistics", _("Statistics"), context)
        if context["continues"]:
            page.headers["Refresh"] = "1"
        return page

    def multipart_uploads_page(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return self._abort_multipart_uploads(request)
        try:
            context = multipart_uploads.page(request.GET.dict())
        except UploadError as error:
            context = {"error": error.detail.translated(_), "buckets": list(settings.buckets)}
        context["may_abort"] = self.has_abort_permission(request)
        return self._page(request, "multipart_uploads", _("Multipart uploads at OSS"), context)

    def _abort_multipart_uploads(self, request: HttpRequest) -> HttpResponse:
        self._require_abort(request)
        bucket = request.POST.get("bucket", "")
        if bucket in settings.buckets:
            try:
                count = multipart_uploads.abort(bucket, request.POST.getlist("selected"), request.user)
                self.message_user(request, _("{count} aborted at OSS.").format(count=count), messages.SUCCESS)
            except UploadError as error:
                self.message_user(request, error.detail.translated(_), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def bulk_abort_page(self, request: HttpRequest, token: str) -> HttpResponse:
        self._require_abort(request)
        job = bulk_abort.progress(bulk_abort.find(request, token))
        context = {"job": job, "next": reverse("admin:uploads_upload_bulk_abort_next", args=[token])}
        return self._page(request, "bulk_abort", _("Bulk abort"), context)

    def bulk_abort_next(self, request: HttpRequest, token: str) -> HttpResponse:
        """One batch: JSON for the script of the page, a redirect for a browser without scripts."""
        self._require_abort(request)
        job = bulk_abort.progress(bulk_abort.run_batch(request, token))
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse(job)
        return HttpResponseRedirect(reverse("admin:uploads_upload_bulk_abort", args=[token]))

    def _require_abort(self, request: HttpRequest) -> None:
        if not self.has_abort_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "media": self.media}
        return TemplateResponse(request, f"admin/uploads/upload/{name}.html", {**common, **context})
