"""The list and the pages of uploads in Django's admin."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from uploads import services
from uploads.admin import aborting, at_oss, drawing
from uploads.admin.figures import STALLED, figures
from uploads.domain.errors import UploadError
from uploads.domain.states import State
from uploads.models import Upload
from uploads.services.common import from_record

if TYPE_CHECKING:
    # Django's own classes are generic in its stubs alone.
    UploadModelAdmin = admin.ModelAdmin[Upload]
else:
    UploadModelAdmin = admin.ModelAdmin

QUIET = timedelta(minutes=5)
"""What has not moved for so long is idle."""
AT_ONCE = 100
"""Uploads that an action asks OSS about in one request."""


class StalledFilter(admin.SimpleListFilter):
    title = gettext_lazy("stalled")
    parameter_name = "stalled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("nothing for an hour"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Upload]) -> QuerySet[Upload]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(state__in=[State.UPLOADING, State.COMPLETING], updated_at__lt=timezone.now() - STALLED)


@admin.register(Upload)
class UploadAdmin(UploadModelAdmin):
    """What is going on, whose it is, how far it is; and how to stop it."""

    list_display = ("filename", "badge", "progress", "owner", "destination", "age")
    list_filter = ("state", StalledFilter, "destination", "method", "created_at")
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("filename", "key", "upload_id", "owner__username", "id")
    search_help_text = gettext_lazy("File name, key, OSS's upload id, user, or our id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    actions = ("abort_uploads", "check_against_oss", "look_for_the_object")
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("badge", "filename", "owner", "strip", "history", "problem")}),
        (
            gettext_lazy("At OSS"),
            {"fields": ("bucket", "key", "upload_id", "method", "etag", "crc64", "location", "callback")},
        ),
        (
            gettext_lazy("The file"),
            {"fields": ("size_in_words", "content_type", "part_size", "fingerprint", "metadata", "options")},
        ),
        (gettext_lazy("Times"), {"fields": ("created_at", "updated_at", "expires_at", "completed_at", "released_at")}),
    )
    readonly_fields = ("badge", "strip", "history", "problem", "size_in_words")

    class Media:
        css = {"all": ("uploads_admin/admin.css",)}

    # Nothing is changed here but by services

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def has_abort_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("uploads.abort_upload")

    # What is shown

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def badge(self, upload: Upload) -> SafeString:
        return drawing.badge(upload.state, upload.get_state_display())

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, upload: Upload) -> SafeString:
        if upload.state == State.COMPLETED or upload.size is None:
            return drawing.bar(0, None, drawing.size(upload.size if upload.size is not None else upload.bytes_done))
        words = _("{done} of {size}").format(done=drawing.size(upload.bytes_done), size=drawing.size(upload.size))
        return drawing.bar(upload.bytes_done, upload.size, words)

    @admin.display(description=gettext_lazy("age"), ordering="created_at")
    def age(self, upload: Upload) -> SafeString:
        """Since it began; and, of one that should be moving, since it last did."""
        over = upload.state not in (State.UPLOADING, State.COMPLETING)
        if over or timezone.now() - upload.updated_at < QUIET:
            return _ago(upload.created_at)
        idle = _ago(upload.updated_at)
        words = format_html(_("idle {time}"), time=idle)
        return format_html('{}<span class="up-words">{}</span>', _ago(upload.created_at), words)

    @admin.display(description=gettext_lazy("size"))
    def size_in_words(self, upload: Upload) -> str:
        if upload.size is None:
            return drawing.size(None)
        return _("{size} ({bytes} bytes)").format(size=drawing.size(upload.size), bytes=f"{upload.size:,}")

    @admin.display(description=gettext_lazy("parts"))
    def strip(self, upload: Upload) -> SafeString:
        return drawing.strip(upload)

    @admin.display(description=gettext_lazy("history"))
    def history(self, upload: Upload) -> SafeString:
        return drawing.timeline(upload.events.select_related("actor"))

    @admin.display(description=gettext_lazy("what went wrong"))
    def problem(self, upload: Upload) -> str:
        if upload.error:
            return from_record(upload.error)["detail"].said(_)
        if upload.callback and not upload.callback.get("ok"):
            words = _("Stored, but the callback failed: {message}")
            return words.format(message=upload.callback.get("message", ""))
        return ""

    # Actions

    @admin.action(description=gettext_lazy("Abort the selected uploads"), permissions=["abort"])
    def abort_uploads(self, request: HttpRequest, queryset: QuerySet[Upload]) -> HttpResponse:
        chosen = queryset.filter(state__in=[State.UPLOADING, State.COMPLETING]) | queryset.filter(released_at=None)
        token = aborting.begin(request, list(chosen.order_by().values_list("pk", flat=True)))
        return HttpResponseRedirect(reverse("admin:uploads_upload_aborting", args=[token]))

    @admin.action(description=gettext_lazy("Check the selected uploads against OSS"), permissions=["abort"])
    def check_against_oss(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """Brings the record of parts in line, and settles what is being completed."""

        def check(upload: Upload) -> object:
            return services.complete(upload) if upload.state == State.COMPLETING else services.synchronize_parts(upload)

        self._each(request, queryset.active(), check, _("{count} checked."))  # type: ignore[attr-defined]

    @admin.action(
        description=gettext_lazy("Look whether the object is there, as a callback would"), permissions=["abort"]
    )
    def look_for_the_object(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        self._each(request, queryset.active(), services.check_object, _("{count} looked for."))  # type: ignore[attr-defined]

    def _each(self, request: HttpRequest, uploads: QuerySet[Upload], work: Any, told: str) -> None:
        done, refused = 0, []
        for upload in uploads[:AT_ONCE]:
            try:
                work(upload)
                done += 1
            except UploadError as error:
                refused.append(f"{upload.filename}: {error.detail.said(_)}")
        self.message_user(request, told.format(count=done), messages.SUCCESS)
        for line in refused:
            self.message_user(request, line, messages.WARNING)
        if uploads.count() > AT_ONCE:
            words = _("At most {count} at once: run it again for the others.").format(count=AT_ONCE)
            self.message_user(request, words, messages.WARNING)

    # Pages of our own

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("figures/", wrap(self.figures_page), name="uploads_upload_figures"),
            path("at-oss/", wrap(self.at_oss_page), name="uploads_upload_at_oss"),
            path("aborting/<str:token>/", wrap(self.aborting_page), name="uploads_upload_aborting"),
            path(
                "aborting/<str:token>/next/",
                wrap(require_POST(self.aborting_next)),
                name="uploads_upload_aborting_next",
            ),
            *super().get_urls(),
        ]

    def figures_page(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, "figures", _("Figures"), figures())

    def at_oss_page(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return self._abort_at_oss(request)
        try:
            content = at_oss.page(request.GET.dict())
        except UploadError as error:
            content = {"trouble": error.detail.said(_), "buckets": at_oss.buckets()}
        return self._page(
            request, "at_oss", _("Open at OSS"), {**content, "may_abort": self.has_abort_permission(request)}
        )

    def _abort_at_oss(self, request: HttpRequest) -> HttpResponse:
        self._require_abort(request)
        bucket = request.POST.get("bucket", "")
        if bucket in at_oss.buckets():
            try:
                count = at_oss.abort(bucket, request.POST.getlist("chosen"), request.user)
                self.message_user(request, _("{count} aborted at OSS.").format(count=count), messages.SUCCESS)
            except UploadError as error:
                self.message_user(request, error.detail.said(_), messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def aborting_page(self, request: HttpRequest, token: str) -> HttpResponse:
        self._require_abort(request)
        job = aborting.progress(aborting.find(request, token))
        content = {"job": job, "next": reverse("admin:uploads_upload_aborting_next", args=[token])}
        return self._page(request, "aborting", _("Aborting"), content)

    def aborting_next(self, request: HttpRequest, token: str) -> HttpResponse:
        self._require_abort(request)
        job = aborting.progress(aborting.step(request, token))
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse(job)
        return HttpResponseRedirect(reverse("admin:uploads_upload_aborting", args=[token]))

    def _require_abort(self, request: HttpRequest) -> None:
        if not self.has_abort_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, title: str, content: dict[str, Any]) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            **content,
        }
        return TemplateResponse(request, f"admin/uploads/upload/{name}.html", context)


def _ago(when: Any) -> SafeString:
    words = timesince(when, depth=1)
    exact = f"{when:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', when.isoformat(), exact, words)
