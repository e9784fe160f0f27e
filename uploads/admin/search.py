"""The search of the admin. Rule: each way to be found is an equation or a prefix that has an index, so that nothing is
scanned: a text in the middle of a file name is not found."""

from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import Q
from django.db.models.functions import Left

from uploads.models import UploadQuerySet
from uploads.models.indexes import PREFIX_CHARACTERS

MAX_OWNERS = 100
"""A custom user model may have users of the same name."""


def search(uploads: UploadQuerySet, term: str) -> UploadQuerySet:
    """Those of `uploads` whose file name or key begins with `term`, or whose id, upload id at OSS or owner it is."""
    term = term.strip()
    if not term:
        return uploads
    found = Q(upload_id=term) & ~Q(upload_id="")
    for field in ("filename", "key"):
        found |= _begins(uploads, field, term)
    if (identifier := _uuid(term)) is not None:
        found |= Q(pk=identifier)
    # Apart, since no index serves a condition on two tables.
    users = get_user_model()
    owners = users._default_manager.filter(**{users.USERNAME_FIELD: term}).values_list("pk", flat=True)
    if ids := list(owners[:MAX_OWNERS]):
        found |= Q(owner_id__in=ids)
    starts = {f"{field}_start": Left(field, PREFIX_CHARACTERS) for field in ("filename", "key")}
    return uploads.alias(**starts).filter(found)


def _begins(uploads: UploadQuerySet, field: str, term: str) -> Q:
    """As `uploads.models.indexes.PrefixIndex` is built."""
    whole = Q(**{f"{field}__istartswith": term})
    if connections[uploads.db].vendor == "mysql":
        return whole
    start = Q(**{f"{field}_start__istartswith": term[:PREFIX_CHARACTERS]})
    return start if len(term) <= PREFIX_CHARACTERS else start & whole


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
