"""What was granted to users and outlives a request: credentials for prefixes, and Companion URLs."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings as django_settings
from django.db import models

from uploads.models.choices import User
from uploads.oss.limits import MAX_KEY_BYTES


class PrefixCredentialsQuerySet(models.QuerySet["PrefixCredentials"]):
    """Sets of prefixes for which credentials were issued."""

    def extend(self, user: User, destination: str, bucket: str, prefix: str, until: datetime, now: datetime) -> None:
        """Note that the user holds credentials for this prefix until `until`, before they are issued.

        `until` and `now`: by OSS's clock.
        """
        same = {"destination": destination, "bucket": bucket, "prefix": prefix}
        held = self.filter(owner_id=user.pk, **same)
        # Whoever writes to the prefix while nobody holds credentials for it is not a browser.
        held.filter(searched_until__gt=models.F("valid_until") + CREDENTIALS_GRACE).update(
            since=now - CREDENTIALS_GRACE, searched_until=now - CREDENTIALS_GRACE, cursor=""
        )
        if not held.update(valid_until=until):
            start = now - CREDENTIALS_GRACE
            held_now = {"valid_until": until, "since": start, "searched_until": start}
            self.create(owner_id=user.pk, **same, **held_now)

    def in_use(self, bucket: str, prefix: str) -> Self:
        """Those for this prefix whose owner was neither deleted nor erased since they were issued."""
        return self.filter(bucket=bucket, prefix=prefix, remove_found=False)

    def unsearched(self) -> Self:
        """Those under which objects may lie that have no row yet."""
        return self.filter(searched_until__lte=models.F("valid_until") + CREDENTIALS_GRACE)

    def due(self, now: datetime) -> Self:
        """The unsearched ones that no other sweep is searching."""
        return self.unsearched().filter(models.Q(claimed_until=None) | models.Q(claimed_until__lt=now))

    def claim(self, held: "PrefixCredentials", now: datetime, until: datetime) -> bool:
        """Claim one for a search, by compare-and-set; False if another sweep was first."""
        return bool(self.due(now).filter(pk=held.pk).update(claimed_until=until))


CREDENTIALS_GRACE = timedelta(minutes=15)
"""By so much may two servers of OSS, or a server of OSS and one of STS, tell different times."""


class PrefixCredentials(models.Model):
    """The credentials that a user holds for a prefix, and how far the prefix was searched for their objects.

    All times are OSS's, as those of objects are, but `claimed_until`.
    """

    owner = models.ForeignKey(django_settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    remove_found = models.BooleanField(
        default=False, db_default=False, help_text="The owner is gone: objects that are found are removed."
    )
    destination = models.CharField(max_length=64)
    bucket = models.CharField(max_length=63)
    prefix = models.CharField(max_length=MAX_KEY_BYTES)
    valid_until = models.DateTimeField(help_text="The latest expiry of credentials that were issued.")
    since = models.DateTimeField(help_text="Objects that are older do not come from these credentials.")
    searched_until = models.DateTimeField(help_text="Objects that were stored before this time have their rows.")
    search_began = models.DateTimeField(null=True, blank=True)
    cursor = models.CharField(
        max_length=MAX_KEY_BYTES, blank=True, help_text="The key after which the search continues."
    )
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = PrefixCredentialsQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "destination"], name="uploads_prefix_held")]

    def __str__(self) -> str:
        return f"{self.bucket}/{self.prefix}"


class CompanionRevocation(models.Model):
    """When a user revoked the Companion URLs that they had been issued."""

    user = models.OneToOneField(django_settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"revoked at {self.at:%Y-%m-%d %H:%M:%S}"
