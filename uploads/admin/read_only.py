"""What the lists of the admin that nobody edits have in common."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern

from uploads.admin.counting import BoundedPaginator
from uploads.admin.lookups import OfferedLookups
from uploads.services.transactions import without_atomic_requests


class ReadOnlyAdmin(OfferedLookups):
    """A list to read, of rows that are not added, changed or deleted here. It opens at once however many there are."""

    sortable_by = ()
    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_urls(self) -> list[URLPattern]:
        """None of the pages runs in the transaction of ATOMIC_REQUESTS."""
        urls = super().get_urls()
        for url in urls:
            url.callback = without_atomic_requests(url.callback)
        return urls

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
