"""The admin's own pages: statistics, multipart uploads at OSS, and the progress of a bulk abort.

Rule: a page needs the permission to view uploads; to abort needs the permission `abort_upload`.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from uploads import services
from uploads.admin import activity, bulk_abort, display, export, held, multipart_uploads
from uploads.admin.statistics import statistics
from uploads.conf import settings
from uploads.domain.errors import UploadError
from uploads.models import Upload, permission_name
from uploads.services.log_erasure import EXPORTED
from uploads.services.transactions import without_atomic_requests

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    UploadModelAdmin = admin.ModelAdmin[Upload]
else:
    UploadModelAdmin = admin.ModelAdmin


class PagesAdmin(UploadModelAdmin):
    """A ModelAdmin with these pages; `UploadAdmin` adds the list and the detail page."""

    def has_abort_permission(self, request: HttpRequest) -> bool:
        """For the pages here, and for actions that name the permission `abort`."""
        return request.user.has_perm(permission_name("abort"))

    def get_urls(self) -> list[URLPattern]:
        """The pages of this class and of Django. None runs in the transaction of ATOMIC_REQUESTS: they call OSS."""
        wrap = self.admin_site.admin_view
        pages: list[tuple[str, Any, str]] = [
            ("statistics/", wrap(self.statistics_page), "statistics"),
            ("multipart-uploads/", wrap(self.multipart_uploads_page), "multipart_uploads"),
            ("bulk-abort/<str:token>/", wrap(self.bulk_abort_page), "bulk_abort"),
            ("<uuid:pk>/abort/", wrap(self.abort_page), "abort"),
            ("activity/", wrap(self.activity_page), "activity"),
            ("export/", wrap(self.export), "export"),
            ("<uuid:pk>/download/", wrap(self.download), "download"),
            ("bulk-abort/<str:token>/next/", wrap(require_POST(self.bulk_abort_next)), "bulk_abort_next"),
        ]
        own = [path(route, view, name=self._url_name(name)) for route, view, name in pages]
        urls = [*own, *super().get_urls()]
        for url in urls:
            url.callback = without_atomic_requests(url.callback)
        return urls

    def _url_name(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    def page_url(self, name: str, *arguments: str) -> str:
        """The path of one of the pages, in the admin site that this class is registered with."""
        return reverse(f"admin:{self._url_name(name)}", args=arguments, current_app=self.admin_site.name)

    def statistics_page(self, request: HttpRequest) -> HttpResponse:
        """While days are missing, the browser asks again by itself."""
        orphans = held.page_url(self.admin_site.name, "orphan", "changelist")
        shown = {"may_abort": self.has_abort_permission(request), "orphans_url": orphans}
        context = {**statistics(), **held.figures(self.admin_site.name), **shown}
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
            context = {"error": error.advice.translated(_), "buckets": list(settings.buckets)}
        context["may_abort"] = self.has_abort_permission(request)
        return self._page(request, "multipart_uploads", _("Multipart uploads at OSS"), context)

    def _abort_multipart_uploads(self, request: HttpRequest) -> HttpResponse:
        self._require_abort(request)
        bucket = request.POST.get("bucket", "")
        if bucket in settings.buckets:
            count, refused = multipart_uploads.abort(bucket, request.POST.getlist("selected"), request.user)
            if count or not refused:
                activity.log(request, activity.ABORTED_AT_OSS, text=f"{bucket}: {count}")
                self.message_user(request, _("{count} aborted at OSS.").format(count=count), messages.SUCCESS)
            for words in dict.fromkeys(error.advice.translated(_) for error in refused):
                self.message_user(request, words, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def bulk_abort_page(self, request: HttpRequest, token: str) -> HttpResponse:
        """The number of uploads and of bytes, to be confirmed, and then the progress."""
        self._require_abort(request)
        if request.method == "POST":
            bulk_abort.confirm(request, token)
            activity.log(request, activity.BULK_ABORT, text=str(bulk_abort.find(request, token)["total"]))
            return HttpResponseRedirect(request.get_full_path())
        job = bulk_abort.progress(bulk_abort.find(request, token))
        context = {"job": job, "next": self.page_url("bulk_abort_next", token)}
        return self._page(request, "bulk_abort", _("Bulk abort"), context)

    def bulk_abort_next(self, request: HttpRequest, token: str) -> HttpResponse:
        """One batch: JSON for the script of the page, a redirect for a browser without scripts."""
        self._require_abort(request)
        job = bulk_abort.progress(bulk_abort.run_batch(request, token))
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse(job)
        return HttpResponseRedirect(self.page_url("bulk_abort", token))

    def abort_page(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Asks before it aborts one upload."""
        self._require_abort(request)
        upload = get_object_or_404(Upload, pk=pk)
        if request.method != "POST":
            context = {"upload": upload, "bytes": display.size(upload.bytes_done)}
            return self._page(request, "abort_confirmation", _("Abort the upload"), context)
        try:
            services.abort(upload, actor=request.user)
            activity.log(request, activity.ABORTED, upload)
            self.message_user(request, _("The upload was aborted."), messages.SUCCESS)
        except UploadError as error:
            self.message_user(request, error.advice.translated(_), messages.ERROR)
        return HttpResponseRedirect(self.page_url("change", str(pk)))

    def activity_page(self, request: HttpRequest) -> HttpResponse:
        """What administrators did."""
        return self._page(request, "activity", _("Who did what"), activity.page(request.GET.dict()))

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is filtered, as CSV."""
        self._require(request, "view", "export")
        try:
            changes = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            raise Http404 from None
        # Not the values: a search is often for a person, whose erasure could not find it here.
        activity.log(request, EXPORTED, text=", ".join(request.GET) or "*")
        return export.response(request, changes.get_queryset(request))

    def download(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Leads the browser to the object. The address is in no page and in no log, and is valid for a minute."""
        self._require(request, "view", "download")
        upload = get_object_or_404(Upload, pk=pk)
        try:
            link = services.administrators_link(upload)
        except UploadError as error:
            self.message_user(request, error.advice.translated(_), messages.ERROR)
            return HttpResponseRedirect(self.page_url("change", str(pk)))
        services.record_download(upload, request.user)
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return HttpResponseRedirect(link.url, headers=headers)

    def _require(self, request: HttpRequest, *actions: str) -> None:
        if not all(request.user.has_perm(permission_name(action)) for action in actions):
            raise PermissionDenied

    def _require_abort(self, request: HttpRequest) -> None:
        if not self.has_abort_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "media": self.media}
        request.current_app = self.admin_site.name  # For the links in the template.
        return TemplateResponse(request, f"oss_uploads/admin/{name}.html", {**common, **context})
