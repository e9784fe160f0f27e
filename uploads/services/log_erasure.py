"""What Django's log of administrators says of one user: the names of files, and of directories that are the user's own.

Rule: the entries stay, with the administrator and the time. Searches may be for anybody, so that each erasure takes
them out of the entries of all exports; earlier versions wrote them there.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from django.apps import apps
from django.db.models import Model, Q
from django.utils.translation import gettext_noop

from uploads.models import Orphan, Upload

EXPORTED = gettext_noop("Exported the list.")
"""The message of the entry of an export."""
MAX_NAME = 200
"""Characters of a name in the log."""


def uploads_in_log(identifiers: Sequence[Any], *, dry_run: bool = False) -> int:
    """Take out the names of these uploads' files. Returns the number of entries that had one."""
    if (entries := _entries_about(Upload)) is None:
        return 0
    named = entries.filter(object_id__in=[str(pk) for pk in identifiers])
    return int(named.count() if dry_run else named.update(object_repr="", change_message=""))


def orphans_in_log(directories: Iterable[tuple[str, str]], *, dry_run: bool = False) -> int:
    """Take out the names of orphans below these directories: of buckets, and prefixes that end with a slash.

    Most of these orphans have no row any more. Their names in the log begin with the bucket and the directory.
    """
    if (entries := _entries_about(Orphan)) is None:
        return 0
    below = Q(pk=None)
    for bucket, prefix in directories:
        below |= Q(object_repr__startswith=f"{bucket}/{prefix}"[:MAX_NAME])
    named = entries.filter(below)
    return int(named.count() if dry_run else named.update(object_repr=""))


def searches_in_log(*, dry_run: bool = False) -> int:
    """Leave of the filters of exports their names only."""
    if (entries := _entries_about(Upload)) is None:
        return 0
    exports = entries.filter(change_message=EXPORTED, object_id=None, object_repr__contains="=")
    if dry_run:
        return int(exports.count())
    changed = 0
    for pk, query in list(exports.values_list("pk", "object_repr")):
        names = dict.fromkeys(name for name, _ in parse_qsl(query, keep_blank_values=True))
        changed += exports.filter(pk=pk).update(object_repr=", ".join(names)[:MAX_NAME])
    return changed


def _entries_about(model: type[Model]) -> Any:
    """Those with a name. None where the project does not use the admin."""
    if not apps.is_installed("django.contrib.admin"):
        return None
    label = {"content_type__app_label": model._meta.app_label, "content_type__model": model._meta.model_name}
    return apps.get_model("admin", "LogEntry")._base_manager.filter(**label).exclude(object_repr="")
