"""The list of uploads, the detail page of one, and the actions on selected ones."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from uploads import services
from uploads.admin import activity, bulk_abort, display
from uploads.admin.counting import MAX_COUNTED, BoundedPaginator
from uploads.admin.filters import DestinationFilter, StalledFilter
from uploads.admin.lookups import OfferedLookups
from uploads.admin.pages import PagesAdmin
from uploads.admin.readable import refuse_nul
from uploads.admin.search import search
from uploads.domain.endings import AbortedBy
from uploads.domain.errors import UploadError
from uploads.domain.states import State
from uploads.models import Upload, UploadQuerySet, permission_name
from uploads.services.common import recorded_advice

IDLE = timedelta(minutes=5)
"""An unfinished upload without activity for this long is shown as idle."""
TIMES = ("created_at", "updated_at", "expires_at", "completed_at", "released_at", "attempts")
MAX_PER_ACTION = 100
"""Uploads that an action checks at OSS in one request."""


@admin.register(Upload)
class UploadAdmin(OfferedLookups, PagesAdmin):
    """Shows the uploads of all users, with actions to abort and delete them, and to check them against OSS."""

    list_display = ("filename", "badge", "progress", "owner", "destination", "age")
    # What may be filtered or sorted by has an index.
    list_filter = ("state", StalledFilter, DestinationFilter, "created_at")
    also_filtered = ("method",)
    sortable_by = ("age",)
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("filename", "key", "upload_id", "id")
    search_help_text = gettext_lazy(
        "The beginning of a file name or of a key, or a whole ID, upload ID at OSS or user name"
    )
    ordering = ("-created_at", "-id")
    actions = ("abort_uploads", "check_against_oss", "complete_existing_objects")
    show_full_result_count = False
    change_form_template = "oss_uploads/admin/change_form.html"
    change_list_template = "oss_uploads/admin/change_list.html"
    delete_confirmation_template = "oss_uploads/admin/delete_confirmation.html"
    delete_selected_confirmation_template = "oss_uploads/admin/delete_selected_confirmation.html"
    fieldsets = (
        (None, {"fields": ("badge", "filename", "relative_path", "owner", "strip", "history", "problem")}),
        (
            gettext_lazy("At OSS"),
            {
                "fields": (
                    "bucket",
                    "key",
                    "staging_key",
                    "final_key",
                    "upload_id",
                    "method",
                    "etag",
                    "crc64",
                    "location",
                    "callback",
                )
            },
        ),
        (
            gettext_lazy("File"),
            {
                "fields": (
                    "size_in_words",
                    "content_type",
                    "part_size_in_words",
                    "reserved",
                    "fingerprint",
                    "metadata",
                    "options",
                )
            },
        ),
        (gettext_lazy("Times"), {"fields": TIMES}),
    )
    readonly_fields = ("badge", "strip", "history", "problem", "size_in_words", "part_size_in_words")

    class Media:
        css = {"all": ("uploads_admin/admin.css",)}

    # Permissions: nothing can be added or edited. Who may delete, may do so: `services.deletion` removes the object.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Upload | None = None) -> Any:
        """Without the fields that this upload has no value for."""
        given = super().get_fieldsets(request, obj)
        if obj is None:
            return given
        shown = [
            (title, [name for name in options["fields"] if self._value(obj, str(name))]) for title, options in given
        ]
        return [(title, {"fields": names}) for title, names in shown if names]

    def _value(self, upload: Upload, field: str) -> Any:
        return getattr(self, field)(upload) if field in self.readonly_fields else getattr(upload, field)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With a button to abort an unfinished upload, or to download a completed one."""
        upload = self.get_object(request, unquote(object_id))
        may = {
            "may_abort": upload is not None and _is_abortable(upload) and self.has_abort_permission(request),
            "may_download": upload is not None
            and upload.state == State.COMPLETED
            and request.user.has_perm(permission_name("download")),
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **may})

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With a button to export the list."""
        may_export = request.user.has_perm(permission_name("export"))
        return super().changelist_view(request, {**(extra_context or {}), "may_export": may_export})

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Beside the search Django shows the number of results unless it is the number of all."""
        changes = super().get_changelist_instance(request)
        if not cast(BoundedPaginator, changes.paginator).counted.is_exact:
            changes.full_result_count = changes.result_count
        return changes

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Upload], search_term: str
    ) -> tuple[QuerySet[Upload], bool]:
        refuse_nul(search_term)
        return search(cast(UploadQuerySet, queryset), search_term), False

    # Columns and fields

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def badge(self, upload: Upload) -> SafeString:
        badge = display.badge(upload.state, upload.get_state_display())
        return format_html("{}{}", badge, display.small(upload.get_stage_display())) if upload.stage else badge

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, upload: Upload) -> SafeString:
        if upload.state == State.COMPLETED or upload.size is None:
            return display.small(display.size(upload.bytes_done if upload.size is None else upload.size))
        done, total = display.size(upload.bytes_done), display.size(upload.size)
        return display.progress_bar(upload.bytes_done, upload.size, _("{done} of {size}").format(done=done, size=total))

    @admin.display(description=gettext_lazy("age"), ordering="created_at")
    def age(self, upload: Upload) -> SafeString:
        """Since the upload began; for an unfinished one without activity also since the last activity."""
        ended = upload.state not in (State.UPLOADING, State.COMPLETING)
        if ended or timezone.now() - upload.updated_at < IDLE:
            return display.age(upload.created_at)
        idle = format_html(_("idle {time}"), time=display.age(upload.updated_at))
        return format_html("{}{}", display.age(upload.created_at), display.small(idle))

    @admin.display(description=gettext_lazy("size"))
    def size_in_words(self, upload: Upload) -> str:
        if upload.size is None:
            return display.size(None)
        return display.exact_size(upload.size)

    @admin.display(description=gettext_lazy("part size"))
    def part_size_in_words(self, upload: Upload) -> str:
        return display.exact_size(upload.part_size) if upload.part_size else ""

    @admin.display(description=gettext_lazy("parts"))
    def strip(self, upload: Upload) -> SafeString:
        return display.parts_strip(upload)

    @admin.display(description=gettext_lazy("history"))
    def history(self, upload: Upload) -> SafeString:
        return activity.timeline(upload)

    @admin.display(description=gettext_lazy("error"))
    def problem(self, upload: Upload) -> str:
        """What fails now comes first. Not that its user has aborted it: the history says so, and the recorded text
        speaks to the user."""
        if upload.sweep_error and upload.state != State.COMPLETED:
            words = _("Failed attempts: {count}. {message}")
            detail = recorded_advice(upload.sweep_error).translated(_)
            return words.format(count=upload.attempts, message=detail)
        if upload.error and upload.error.get("code") != AbortedBy.USER:
            return recorded_advice(upload.error).translated(_)
        if upload.callback and not upload.callback.get("ok"):
            words = _("Stored, but the callback failed: {message}")
            if upload.callback.get("reported"):
                words = _("Stored, but the callback failed, as the browser reports: {message}")
            return words.format(message=upload.callback.get("message", ""))
        return ""

    # Actions

    @admin.action(description=gettext_lazy("Abort the selected uploads"), permissions=["abort"])
    def abort_uploads(self, request: HttpRequest, queryset: QuerySet[Upload]) -> HttpResponse:
        """Also those that have ended, if OSS may still hold parts of them. Of very many only the first."""
        uploads = queryset.filter(state__in=[State.UPLOADING, State.COMPLETING]) | queryset.filter(released_at=None)
        selected = list(uploads.order_by().values_list("pk", "bytes_done")[: MAX_COUNTED + 1])
        if len(selected) > MAX_COUNTED:
            words = _("Only {count} are aborted. Run the action again for the others.")
            self.message_user(request, words.format(count=f"{MAX_COUNTED:,}"), messages.WARNING)
        token = bulk_abort.begin(request, selected[:MAX_COUNTED])
        return HttpResponseRedirect(self.page_url("bulk_abort", token))

    @admin.action(description=gettext_lazy("Check the selected uploads against OSS"), permissions=["abort"])
    def check_against_oss(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """Updates the recorded parts from OSS, and reconciles uploads that are being completed."""

        def check(upload: Upload) -> object:
            return services.complete(upload) if upload.state == State.COMPLETING else services.synchronize_parts(upload)

        self._for_each(request, queryset, check)

    @admin.action(
        description=gettext_lazy("Complete the selected uploads whose object exists at OSS"), permissions=["abort"]
    )
    def complete_existing_objects(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """As OSS's callback would. An upload without an object stays as it is."""
        self._for_each(request, queryset, services.check_object)

    def _for_each(self, request: HttpRequest, queryset: QuerySet[Upload], work: Callable[[Upload], object]) -> None:
        """Runs `work` on the first unfinished ones, and reports the number checked and each error."""
        uploads = cast(UploadQuerySet, queryset).active()
        checked, refused, more = 0, [], uploads.count() > MAX_PER_ACTION
        for upload in uploads[:MAX_PER_ACTION]:
            try:
                work(upload)
                checked += 1
            except UploadError as error:
                refused.append(f"{upload.filename}: {error.advice.translated(_)}")
        activity.log(request, activity.CHECKED, text=str(checked))
        self.message_user(request, _("{count} checked.").format(count=checked), messages.SUCCESS)
        for line in refused:
            self.message_user(request, line, messages.WARNING)
        if more:
            words = _("Only the first {count} were checked. Run the action again for the others.")
            self.message_user(request, words.format(count=MAX_PER_ACTION), messages.WARNING)


def _is_abortable(upload: Upload) -> bool:
    """Unfinished, or ended and not dropped by OSS yet: then the abort is tried again."""
    is_left = upload.state in (State.ABORTED, State.FAILED) and upload.released_at is None
    return upload.state == State.UPLOADING or is_left
