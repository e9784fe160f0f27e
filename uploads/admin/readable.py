"""Requests of the admin that no query can be made of: they are refused, and are no error of the server.

Django looks at the values of filters when it makes the query, and not at whether the database takes them.
"""

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.urls import URLPattern

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = admin.ModelAdmin

View = Callable[..., HttpResponseBase]
NUL = "\0"
"""PostgreSQL takes it in no text, not even to compare."""


class ReadableRequests(AnyModelAdmin):
    """A ModelAdmin that answers 400 to a NUL and to a selection of what is no id.

    Where a filter's value is none, the list opens without filters, as Django does for other values.
    """

    def get_urls(self) -> list[URLPattern]:
        urls = super().get_urls()
        for url in urls:
            url.callback = _without_nul(url.callback)
        return urls

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The rows are counted in it, so that the database has seen the values."""
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as error:
            if not set(request.GET) - {ERROR_FLAG}:
                raise  # No value is to blame, but the code: of a subclass or of a filter, for instance.
            raise IncorrectLookupParameters(error) from error

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also for the admin's page of autocompletion, which has no URL of this class."""
        refuse_nul(search_term)
        return super().get_search_results(request, queryset, search_term)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        for selected in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.clean(selected, None)
            except ValidationError as error:
                raise BadRequest("Something is selected that is no id.") from error
        return super().response_action(request, queryset, *args, **kwargs)


def _without_nul(view: View) -> View:
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refuse_nul(request.path, *_texts(request.GET), *_texts(request.POST))
        return view(request, *args, **kwargs)

    return answer


def _texts(values: QueryDict) -> Iterator[str]:
    return (text for name, given in values.lists() for text in (name, *given))


def refuse_nul(*texts: str) -> None:
    """Raises BadRequest if one of the texts has a NUL."""
    if any(NUL in text for text in texts):
        raise BadRequest("The request has a NUL character.")
