"""The settings for hosts that are not Django: the issuer of tokens, and the webhooks. Rule: pure."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from uploads.domain.issuer import Issuer
from uploads.domain.webhooks import Endpoint

DEFAULT_RETENTION_DAYS = 30


class IntegrationSettings:
    """A part of `uploads.conf.Settings`. A property raises ValueError while its own value is malformed."""

    raw: Mapping[str, Any]

    @cached_property
    def oidc(self) -> Issuer | None:
        """The issuer whose bearer tokens the API accepts; None when none is set."""
        given = self.raw.get("OIDC")
        return Issuer.parse(given) if given else None

    @cached_property
    def webhooks(self) -> Mapping[str, Endpoint]:
        """The receivers of events, by name."""
        given = self.raw.get("WEBHOOKS") or {}
        if not isinstance(given, Mapping):
            raise ValueError("not a dict of endpoints")
        return MappingProxyType({str(name): Endpoint.parse(str(name), values) for name, values in given.items()})

    @cached_property
    def webhook_retention_days(self) -> int:
        """Days for which deliveries that have ended are kept."""
        days = self.raw.get("WEBHOOK_RETENTION_DAYS", DEFAULT_RETENTION_DAYS)
        if not isinstance(days, int) or isinstance(days, bool) or days < 1:
            raise ValueError("not a number of days")
        return days
