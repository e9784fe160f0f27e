"""Counts that cost the same for a thousand uploads as for a million.

Rule: at most MAX_COUNTED rows are counted. Beyond that the number is the estimate of PostgreSQL's planner; other
databases give none that holds for a query with conditions.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from django.core.paginator import Paginator
from django.db import connections
from django.db.models import QuerySet
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    # Django's classes are generic in its stubs only.
    BasePaginator = Paginator[Any]
else:
    BasePaginator = Paginator

MAX_COUNTED = 10_000


class Count(NamedTuple):
    """`number`: at most MAX_COUNTED. `words`: the number for people, which says when there are more."""

    number: int
    words: str
    is_exact: bool


def count(queryset: "QuerySet[Any]") -> Count:
    """The number of rows; two queries at most, none of which reads more than MAX_COUNTED rows."""
    number = queryset.order_by()[: MAX_COUNTED + 1].count()
    if number <= MAX_COUNTED:
        return Count(number, f"{number:,}", True)
    estimated = _estimated(queryset)
    if estimated > MAX_COUNTED:
        return Count(MAX_COUNTED, _("about {count}").format(count=f"{_rounded(estimated):,}"), False)
    return Count(MAX_COUNTED, _("more than {count}").format(count=f"{MAX_COUNTED:,}"), False)


def _estimated(queryset: "QuerySet[Any]") -> int:
    """The planner's estimate; 0 where there is none. Manual: https://wiki.postgresql.org/wiki/Count_estimate."""
    connection = connections[queryset.db]
    if connection.vendor != "postgresql":
        return 0
    query, parameters = queryset.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", parameters)
        (plans,) = cursor.fetchone()
    return int(plans[0]["Plan"]["Plan Rows"])


def _rounded(number: int) -> int:
    """To two digits, since an estimate is not more exact."""
    return round(number, 2 - len(str(number)))


class BoundedPaginator(BasePaginator):
    """Pages of the first MAX_COUNTED rows. Filters and the search reach the others."""

    @cached_property
    def counted(self) -> Count:
        return count(cast("QuerySet[Any]", self.object_list))

    @cached_property
    def count(self) -> int:
        return self.counted.number
