"""Links by which the owner of a completed upload, and whoever receives the link, reads its object.

Rule: the destination allows it by `download_expires`. A browser shows only types that cannot run scripts. Which
administrator gets a link is recorded, without the link.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.apps import apps
from django.utils.translation import gettext_noop

from uploads import connection
from uploads.conf import settings
from uploads.domain.content_types import is_shown
from uploads.domain.errors import NotOffered
from uploads.domain.phrase import Phrase
from uploads.domain.states import State
from uploads.models import Upload, User
from uploads.objects import download_url
from uploads.services.common import destination_of, require, storage_errors

ADMINISTRATORS_SECONDS = 60
DOWNLOADED = gettext_noop("Downloaded the file.")
_CHANGE = 2
"""As the admin's log calls it."""
log = logging.getLogger("uploads.downloads")


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A presigned URL. It needs no login."""

    url: str
    expires_at: datetime


def download_link(upload: Upload, *, inline: bool = False) -> DownloadLink:
    """A link to the object of a completed upload; `inline`: browsers open it, where its type is harmless.

    Raises NotOffered, WrongState, StorageBusy without credentials.
    """
    expires = destination_of(upload).download_expires
    if expires is None:
        detail = Phrase("The destination {name!r} does not give download links.", name=upload.destination)
        raise NotOffered(detail, errors={"destination": [detail]})
    return _link(upload, expires, "inline" if inline and is_shown(upload.content_type) else "attachment")


def administrators_link(upload: Upload) -> DownloadLink:
    """A link that saves the object of a completed upload, whatever its destination gives to users.

    It is valid for ADMINISTRATORS_SECONDS: the browser follows it at once. The caller has checked the permission.
    Raises WrongState, StorageBusy without credentials.
    """
    return _link(upload, ADMINISTRATORS_SECONDS, "attachment")


def record_download(upload: Upload, administrator: User) -> None:
    """Say in the log of administrators, and in that of the process, who got a link to this file."""
    log.info("link for an administrator", extra={"upload": str(upload.pk), "user": str(administrator.pk)})
    if apps.is_installed("django.contrib.admin"):
        apps.get_model("admin", "LogEntry")._base_manager.create(
            user_id=cast(Any, administrator.pk),
            content_type=apps.get_model("contenttypes", "ContentType").objects.get_for_model(Upload),
            object_id=str(upload.pk),
            object_repr=str(upload)[:200],
            action_flag=_CHANGE,
            change_message=DOWNLOADED,
        )


def _link(upload: Upload, expires: int, kind: str) -> DownloadLink:
    require(upload, State.COMPLETED)
    place = settings.place_of(upload)
    with storage_errors():
        now = connection.oss_now(place)
        seconds = place.signing(now).life(expires)
        url = download_url(place, upload.key, seconds, upload.filename, kind=kind)
    return DownloadLink(url, now + timedelta(seconds=seconds))
