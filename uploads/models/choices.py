"""The values of columns that people read, and the type of users."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from uploads.domain.staging import Stage
from uploads.domain.states import State

User = AbstractBaseUser | AnonymousUser
"""The user of a request."""


STATE_NAMES = {
    State.UPLOADING: _("uploading"),
    State.COMPLETING: _("completing"),
    State.COMPLETED: _("completed"),
    State.ABORTED: _("aborted"),
    State.FAILED: _("failed"),
    State.DELETED: _("deleted"),
}
"""Names for people; programs use the state itself."""


STAGE_NAMES = {Stage.CHECKING: _("checking"), Stage.COPYING: _("copying")}


class Method(models.TextChoices):
    """The requests that send the bytes."""

    MULTIPART = "multipart", _("Multipart")
    POST = "post", _("Post")
    """One PostObject form: no preflight, and OSS enforces size and type."""
    PUT = "put", _("Put")
    """One PutObject, for options that a form cannot carry."""
