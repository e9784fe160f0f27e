"""Which user of this database a user of the issuer of tokens is."""

from django.conf import settings as django_settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_CHARACTERS = 255
"""OpenID Connect Core 1.0, section 2: `sub` has at most 255 ASCII characters."""


class ExternalIdentity(models.Model):
    """A user that was created for the subject of a token. Names of users do not count: nobody can take one over."""

    user = models.OneToOneField(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="uploads_identity",
        verbose_name=_("user"),
    )
    issuer = models.CharField(_("issuer"), max_length=MAX_CHARACTERS)
    subject = models.CharField(_("subject"), max_length=MAX_CHARACTERS)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("external identity")
        verbose_name_plural = _("external identities")
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="uploads_one_user_per_subject")]

    def __str__(self) -> str:
        return f"{self.subject} ({self.issuer})"
