"""The app's settings: one typed object built from `settings.UPLOADS`, with its defaults. See also `domain.destination`.

Rule: the dict is read once, and read again when it is replaced by another (`override_settings` just works). Reading
never fails at import; `checks.py` reports each wrong value. A host project fills the dict itself; the standalone site
fills it from the environment.
"""

import os
import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from uploads.domain import places
from uploads.domain.destination import KEEP, ON_OWNER_DELETE, Destination, callback_parameters
from uploads.domain.errors import StorageRefused
from uploads.domain.integrations import IntegrationSettings
from uploads.domain.phrase import Phrase
from uploads.domain.places import Place, Stored
from uploads.domain.price import StoragePrice, storage_price
from uploads.domain.setting_names import names_of_credentials
from uploads.domain.throttles import DEFAULT_THROTTLES
from uploads.oss.callback import KEY_URL_PREFIXES
from uploads.oss.credential_sources import time_from
from uploads.oss.endpoint import Addressing, Endpoint
from uploads.oss.providers import CredentialsProvider, FixedCredentials, provider_from
from uploads.oss.signing import Credentials

__all__ = ["DEFAULT_THROTTLES", "Destination", "Settings", "callback_parameters", "settings", "worker_processes"]


def worker_processes() -> int:
    """The number of gunicorn's worker processes, read from its variables; 1 when they do not say."""
    option = re.search(r"(?:--workers[ =]|-w ?)(\d+)", os.environ.get("GUNICORN_CMD_ARGS", ""))
    text = option[1] if option else os.environ.get("WEB_CONCURRENCY", "")
    return int(text) if text.isascii() and text.isdigit() else 1


class Settings(IntegrationSettings):
    """`UPLOADS`, with types and defaults. A property raises ValueError while its own value is malformed."""

    REQUIRED = ("OSS_ENDPOINT", "OSS_REGION", "OSS_BUCKET", "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")
    """The key pair is not required beside CREDENTIALS."""
    OPTIONAL = (
        "CREDENTIALS", "OIDC", "WEBHOOKS", "WEBHOOK_RETENTION_DAYS",
        "OSS_INTERNAL_ENDPOINT", "OSS_MORE_ENDPOINTS", "OSS_ADDRESSING", "OSS_SESSION_TOKEN", "OSS_SESSION_EXPIRES",
        "OSS_STS_ENDPOINT", "OSS_STS_ROLE_ARN", "OSS_CALLBACK_KEY_URLS", "UPLOADS_ORIGINS", "BUCKETS", "DESTINATIONS",
        "THROTTLES", "METRICS_TOKEN", "METRICS_PUBLIC", "CLAMD_ADDRESS", "ON_OWNER_DELETE", "URL_NAMESPACE",
        "AUTHENTICATION_CLASSES", "STORAGE_PRICE",
    )  # fmt: skip

    def __init__(self, values: object) -> None:
        """`values`: the dict as it is now; later changes inside it are not seen. Anything but a dict counts as {}."""
        self.raw: Mapping[str, Any] = MappingProxyType(dict(values) if isinstance(values, Mapping) else {})

    def text(self, name: str) -> str:
        """One value as text; "" when it is not set."""
        return str(self.raw.get(name) or "")

    @cached_property
    def addressing(self) -> Addressing:
        """`virtual`: bucket.endpoint (OSS accepts nothing else); `path`; `cname`: the endpoint is the bucket's own."""
        return places.addressing(self.text("OSS_ADDRESSING") or "virtual")

    @cached_property
    def endpoint(self) -> Endpoint:
        """The endpoint that browsers send parts to."""
        return Endpoint.parse(self.text("OSS_ENDPOINT"), self.addressing)

    @cached_property
    def internal_endpoint(self) -> Endpoint:
        """The endpoint of the backend's own calls: traffic inside Alibaba Cloud is free of charge."""
        text = self.text("OSS_INTERNAL_ENDPOINT")
        if not text:
            return self.endpoint
        return places.endpoint_behind(text, self.addressing)

    @cached_property
    def more_endpoints(self) -> tuple[Endpoint, ...]:
        """Further endpoints of the bucket that browsers may send parts to."""
        return places.parse_more_endpoints(self._texts("OSS_MORE_ENDPOINTS"), self.endpoint)

    @cached_property
    def region(self) -> str:
        """The region's id without `oss-`, such as cn-hangzhou."""
        return self.text("OSS_REGION")

    @cached_property
    def bucket(self) -> str:
        """The bucket of destinations that name none; or the name of an entry of BUCKETS."""
        return self.text("OSS_BUCKET")

    @cached_property
    def credentials(self) -> CredentialsProvider:
        """What gives the credentials that the backend signs with: CREDENTIALS, or else the key pair in the settings.

        They are cached and renewed as long as these settings are used.
        """
        if self.raw.get("CREDENTIALS"):
            return provider_from(self.raw["CREDENTIALS"])
        return FixedCredentials(
            Credentials(
                self.text("OSS_ACCESS_KEY_ID"),
                self.text("OSS_ACCESS_KEY_SECRET"),
                self.text("OSS_SESSION_TOKEN") or None,
                time_from(self.text("OSS_SESSION_EXPIRES")),
            )
        )

    @cached_property
    def sts_role_arn(self) -> str:
        """The RAM role for which browsers are issued temporary credentials; "" when none are issued."""
        return self.text("OSS_STS_ROLE_ARN")

    @cached_property
    def sts_endpoint(self) -> str:
        """The origin of the STS server."""
        return self.text("OSS_STS_ENDPOINT") or places.sts_origin(self.region)

    @cached_property
    def callback_key_urls(self) -> tuple[str, ...]:
        """URL prefixes under which OSS's public key for callbacks may be."""
        return self._texts("OSS_CALLBACK_KEY_URLS") or tuple(KEY_URL_PREFIXES)

    @cached_property
    def throttles(self) -> Mapping[str, str]:
        """Rates such as 600/min, by scope; an empty rate is no limit."""
        given = self.raw.get("THROTTLES") or {}
        if not isinstance(given, Mapping):
            raise ValueError("not a dict")
        return MappingProxyType({**DEFAULT_THROTTLES, **given})

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The origins of the pages that upload, for the bucket's CORS rules."""
        return self._texts("UPLOADS_ORIGINS")

    @cached_property
    def clamd_address(self) -> str:
        """Where clamd listens: the path of its socket, or host:port. For the inspector `uploads.clamav.inspect`."""
        return self.text("CLAMD_ADDRESS") or "/run/clamav/clamd.ctl"

    @cached_property
    def storage_price(self) -> StoragePrice | None:
        """What a GB costs in a month, for the admin; None when it is not set."""
        return storage_price(self.text("STORAGE_PRICE"))

    @cached_property
    def on_owner_delete(self) -> str:
        """What becomes of a user's uploads when the user is deleted: `keep` or `delete`."""
        if (value := self.text("ON_OWNER_DELETE") or KEEP) not in ON_OWNER_DELETE:
            raise ValueError(f"{value!r} is not one of {', '.join(ON_OWNER_DELETE)}")
        return value

    @cached_property
    def authentication_classes(self) -> tuple[str, ...]:
        """The dotted paths of DRF's authentication classes that the app's views use; a session by default."""
        return self._texts("AUTHENTICATION_CLASSES") or ("rest_framework.authentication.SessionAuthentication",)

    @cached_property
    def url_namespace(self) -> str:
        """The namespace of the app's URLs; with the namespaces around it if there are any, such as v1:uploads."""
        return self.text("URL_NAMESPACE") or "uploads"

    @cached_property
    def metrics_token(self) -> str:
        """The bearer token that `/metrics` requires; "" when none is set."""
        return self.text("METRICS_TOKEN")

    @cached_property
    def metrics_public(self) -> bool:
        """Whether `/metrics` answers anybody. Raises ValueError for a value that is not a bool."""
        given = self.raw.get("METRICS_PUBLIC", False)
        if not isinstance(given, bool):
            raise ValueError(f"{given!r} is not True or False")
        return given

    def _texts(self, name: str) -> tuple[str, ...]:
        given = self.raw.get(name) or ()
        values = (given,) if isinstance(given, str) else given
        if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
            raise ValueError("not a list of texts")
        return tuple(values)

    @cached_property
    def destinations(self) -> Mapping[str, Destination]:
        """By name; `default` alone when none is set."""
        given = self.raw.get("DESTINATIONS") or {"default": {}}
        try:
            return MappingProxyType({name: Destination(name=name, **values) for name, values in given.items()})
        except (AttributeError, TypeError) as error:
            raise ValueError(f"DESTINATIONS: {error}") from error

    @cached_property
    def named_buckets(self) -> Mapping[str, Mapping[str, Any]]:
        """The entries of BUCKETS by name, as they are given."""
        given = self.raw.get("BUCKETS") or {}
        if not isinstance(given, Mapping) or not all(isinstance(entry, Mapping) for entry in given.values()):
            raise ValueError("BUCKETS is not a dict of dicts")
        return MappingProxyType(dict(given))

    @cached_property
    def default_place(self) -> Place:
        """The place that the single settings describe (OSS_ENDPOINT, OSS_BUCKET and so on)."""
        given = self.raw.get("CREDENTIALS")
        return Place(
            name="",
            bucket=self.bucket,
            endpoint=self.endpoint,
            internal_endpoint=self.internal_endpoint,
            more_endpoints=self.more_endpoints,
            region=self.region,
            credentials=self.credentials,
            role=self.sts_role_arn,
            sts_endpoint=self.sts_endpoint,
            setting_names=names_of_credentials("CREDENTIALS", given) if given else {},
        )

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {}

    def place(self, name: str = "") -> Place:
        """The place of this name in BUCKETS; for another name, the bucket of that name at the default place.

        `name`: a destination's `bucket`; OSS_BUCKET when empty. Raises ValueError for a place that is malformed.
        """
        name = name or self.bucket
        if name not in self._places:
            entry = self.named_buckets.get(name)
            if entry is None:
                self._places[name] = self.default_place.at_bucket(name)
            else:
                self._places[name] = places.named_place(name, entry, self.default_place)
        return self._places[name]

    def place_of(self, row: Stored) -> Place:
        """The place of an upload, or of another row: its destination's, or the one that has its bucket.

        Raises StorageRefused when the settings no longer have it: then no other is tried.
        """
        destination = self.destinations.get(row.destination)
        if destination is not None and self.place(destination.bucket).bucket == row.bucket:
            return self.place(destination.bucket)
        known = {self.place(name) for name in ("", *self.named_buckets, *self.buckets)}
        found = [place for place in known if place.bucket == row.bucket]
        if len(found) != 1:
            raise StorageRefused(
                Phrase(
                    "The settings do not say where the bucket {bucket} is: no entry of BUCKETS names it, or several "
                    "do. An administrator must correct BUCKETS.",
                    bucket=row.bucket,
                )
            )
        return found[0]

    @cached_property
    def buckets(self) -> Mapping[str, tuple[Destination, ...]]:
        """Every place that a destination uploads to, by the name that `place` accepts, with those destinations."""
        found: dict[str, tuple[Destination, ...]] = {}
        for destination in self.destinations.values():
            name = destination.bucket or self.bucket
            found[name] = (*found.get(name, ()), destination)
        return MappingProxyType(dict(sorted(found.items())))

    def destinations_in(self, place: Place) -> list[Destination]:
        """All destinations whose objects are in the bucket of this place, by whichever place they reach it."""
        used = [(self.place(name), destinations) for name, destinations in self.buckets.items()]
        return [each for other, some in used if other.at_oss == place.at_oss for each in some]


class _CurrentSettings:
    """The `Settings` of the value that Django's `settings.UPLOADS` has now."""

    def __init__(self) -> None:
        self._built: tuple[object, Settings] | None = None
        setting_changed.connect(self._forget)

    def _forget(self, *, setting: str, **_: Any) -> None:
        if setting == "UPLOADS":
            self._built = None

    def __getattr__(self, name: str) -> Any:
        given, built = getattr(django_settings, "UPLOADS", None), self._built
        if built is None or built[0] is not given:
            built = self._built = (given, Settings(given))
        return getattr(built[1], name)


settings = cast(Settings, _CurrentSettings())
"""Read it where a value is needed, never at import: each access sees the settings of that moment."""
