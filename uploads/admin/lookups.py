"""Which lookups the URL of a list may have: those that the list's page offers.

Rule: who may see a list sees its columns, and learns nothing of others. Django allows a lookup of each column of the
model, shown or not, and of many columns of related models: `?secret__startswith=` tells a secret letter by letter.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.admin.utils import NotRelationField, get_fields_from_path
from django.contrib.admin.widgets import url_params_from_lookup_dict
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest

from uploads.admin.readable import ReadableRequests

PATTERNS = ("__regex", "__iregex")
"""A malformed one is an error of the database, and a costly one takes long. No page offers them."""


class OfferedLookups(ReadableRequests):
    """A ModelAdmin whose list is filtered only by what its page offers. Another lookup in the URL is refused (400).

    `also_filtered`: more columns, such as `("owner",)` or `("owner__is_staff",)`, and other parameters.
    """

    also_filtered: Sequence[str] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if self._is_of_a_popup(lookup, value):
            return True
        if lookup.endswith(PATTERNS):
            return False
        if any(_is_of(lookup, column, self.model) for column in self._filtered_columns(request)):
            return True
        return lookup in self._parameters(request) or lookup in self._other_parameters(request)

    def _filters(self, request: HttpRequest | None) -> Sequence[Any]:
        return self.get_list_filter(request) if request is not None else self.list_filter

    def _filtered_columns(self, request: HttpRequest | None) -> Iterator[str]:
        yield from self.also_filtered
        if self.date_hierarchy:
            yield self.date_hierarchy
        for each in self._filters(request):
            column = each[0] if isinstance(each, (list, tuple)) else each
            if not isinstance(column, type):
                yield str(getattr(column, "name", column))

    def _parameters(self, request: HttpRequest | None) -> set[str]:
        """Those of filters that are classes of their own."""
        return {each.parameter_name for each in self._filters(request) if hasattr(each, "parameter_name")}

    def _other_parameters(self, request: HttpRequest | None) -> Iterator[str]:
        """Those of filters that have several, such as the two ends of a range. Only the filters know them."""
        if request is None:
            return
        for each in self._filters(request):
            if isinstance(each, (list, tuple)):
                column, made_by = each
                field = get_fields_from_path(self.model, column)[-1] if isinstance(column, str) else column
                path = column if isinstance(column, str) else column.name
                yield from made_by(field, request, {}, self.model, self, field_path=path).expected_parameters()
            elif callable(each) and not hasattr(each, "parameter_name"):
                yield from each(request, {}, self.model, self).expected_parameters()

    def _is_of_a_popup(self, lookup: str, value: str) -> bool:
        """Whether the `limit_choices_to` of a relation that leads here has this lookup with this value."""
        limits = [limit() if callable(limit) else limit for limit in self.model._meta.related_fkey_lookups]
        # Django lists those of foreign keys only.
        relations = [each for each in self.model._meta.related_objects if each.many_to_many]
        limits += [each.field.get_limit_choices_to() for each in relations]
        return any((lookup, value) in url_params_from_lookup_dict(limit).items() for limit in limits)


def _is_of(lookup: str, column: str, model: type[Model]) -> bool:
    """Whether the lookup compares this column, and no other one behind it."""
    if lookup == column:
        return True
    if not lookup.startswith(f"{column}{LOOKUP_SEP}"):
        return False
    try:
        field = get_fields_from_path(model, column)[-1]
    except (FieldDoesNotExist, NotRelationField):
        return False
    return _stays(field, lookup.removeprefix(column).split(LOOKUP_SEP)[1:])


def _stays(field: Any, parts: Sequence[str]) -> bool:
    """Whether these parts of a lookup, which follow the field's, lead to no other column of a related model.

    Its key is none: the foreign key has the same value.
    """
    if not parts or not field.is_relation:
        return True
    options = field.related_model._meta
    try:
        following = options.pk if parts[0] == "pk" else options.get_field(parts[0])
    except FieldDoesNotExist:
        return True  # How to compare, such as `in`.
    is_key = following == getattr(field, "target_field", options.pk)
    return is_key and _stays(following, parts[1:])
