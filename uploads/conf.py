"""The app's settings: one typed object built from `settings.UPLOADS`, each default visible here.

Rule: the dict is read once, and read again when it is replaced by another (`override_settings` just works). Reading
never fails at import; `checks.py` reports each wrong value. A host project fills the dict itself; the standalone site
fills it from the environment.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from uploads.domain.keys import static_prefix
from uploads.domain.options import OPTIONS
from uploads.oss.callback import FORM, KEY_URL_PREFIXES, CallbackParameters
from uploads.oss.endpoint import Addressing, Endpoint
from uploads.oss.signing import Credentials

DEFAULT_KEY = "uploads/{user_id}/{date:%Y/%m/%d}/{uuid}/{filename}"


@dataclass(frozen=True, slots=True)
class Destination:
    """A named place that a page may upload to. The client chooses nothing that is not allowed here."""

    name: str
    key: str = DEFAULT_KEY
    """Template of the object's key: {user_id}, {date:%Y/%m/%d}, {uuid}, {filename}."""
    bucket: str = ""
    """Empty: OSS_BUCKET."""
    permission: str | Callable[[Any], bool] = ""
    """Who may upload: a Django permission, or a function of the user. Empty: every logged-in user."""

    max_size: int | None = None
    """Bytes of one file; None: OSS's own limit."""
    content_types: Sequence[str] = ()
    """Patterns such as `video/*`. Empty: every type."""
    max_active_per_user: int | None = None
    """Number of unfinished uploads; None: no limit."""
    max_bytes_per_user_per_day: int | None = None
    """Bytes of uploads begun within 24 hours, except aborted and failed ones; None: no limit."""

    acl: str = ""
    storage_class: str = ""
    tagging: Mapping[str, str] = field(default_factory=dict)
    cache_control: str = ""
    content_disposition: str = ""
    """`inline` or `attachment`; the file's name is added to it."""
    expires: int | None = None
    """Seconds from the begin of the upload to the date in the object's Expires header."""
    encryption: str = ""
    encryption_key_id: str = ""
    forbid_overwrite: bool = False
    traffic_limit: int | None = None
    """bit/s of each request that uploads bytes."""
    callback: Mapping[str, Any] | None = None
    """The callback that OSS makes when the object is stored: {url, host, body, body_type, sni, vars}."""

    part_size: int | None = None
    """Bytes; None: chosen by the size of the file."""
    url_expires: int = 15 * 60
    """Seconds for which a presigned URL is valid."""
    credentials_expires: int = 3600
    """Seconds for which temporary credentials are valid."""
    upload_expires: int = 7 * 24 * 3600
    """Seconds after which an unfinished upload is stale: the sweep aborts it."""
    client_options: Sequence[str] = ()
    """What the client may set itself: `metadata`, and names of `uploads.domain.options`."""

    @property
    def lifetime(self) -> timedelta:
        """`upload_expires` as a timedelta."""
        return timedelta(seconds=self.upload_expires)

    @property
    def prefix(self) -> str:
        """The beginning that all keys of this destination share; "" when there is none."""
        return static_prefix(self.key)

    @property
    def options(self) -> dict[str, Any]:
        """The options that are set here; a client may replace those named in `client_options`."""
        return {name: value for name in OPTIONS if (value := getattr(self, name)) not in ("", None, {}, False)}

    @classmethod
    def keys(cls) -> set[str]:
        """The keys that a destination's dict may have."""
        return {field.name for field in fields(cls)} - {"name"}


CLIENT_OPTIONS = OPTIONS | {"metadata"}
CALLBACK_KEYS = frozenset({"url", "host", "body", "body_type", "sni", "vars"})
DEFAULT_THROTTLES = {
    "create": "600/min",
    "batch": "600/min",
    "sign": "1200/min",
    "complete": "600/min",
    "credentials": "120/min",
    "callback": "6000/min",
    "token": "60/min",
}
"""Requests that one user may make, or one address that is not logged in, by scope."""


CALLBACK_BODY = (
    "upload=${x:upload}&secret=${x:secret}&bucket=${bucket}&object=${object}&size=${size}&etag=${etag}&crc64=${crc64}"
)
"""The body that our own callback endpoint expects; a callback to another server sets its own `body`."""


def callback_parameters(given: Mapping[str, Any], variables: Mapping[str, str]) -> CallbackParameters:
    """A destination's `callback` in the form that OSS expects. `variables`: added to the `vars` that it names."""
    urls = given["url"]
    return CallbackParameters(
        urls=(urls,) if isinstance(urls, str) else tuple(urls),
        body=given.get("body") or CALLBACK_BODY,
        host=given.get("host", ""),
        body_type=given.get("body_type") or FORM,
        sni=bool(given.get("sni", False)),
        variables={**(given.get("vars") or {}), **variables},
    )


class Settings:
    """`UPLOADS`, with types and defaults. A property raises ValueError while its own value is malformed."""

    REQUIRED = ("OSS_ENDPOINT", "OSS_REGION", "OSS_BUCKET", "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")
    OPTIONAL = (
        "OSS_INTERNAL_ENDPOINT", "OSS_ADDRESSING", "OSS_SESSION_TOKEN", "OSS_SESSION_EXPIRES", "OSS_STS_ENDPOINT",
        "OSS_STS_ROLE_ARN", "OSS_CALLBACK_KEY_URLS", "UPLOADS_ORIGINS", "DESTINATIONS", "THROTTLES", "METRICS_TOKEN",
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
        match self.text("OSS_ADDRESSING") or "virtual":
            case "virtual" | "path" | "cname" as value:
                return value
            case value:
                raise ValueError(f"{value!r} is not one of virtual, path, cname")

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
        return Endpoint.parse(text, "virtual" if self.addressing == "cname" else self.addressing)

    @cached_property
    def region(self) -> str:
        """The region's id without `oss-`, such as cn-hangzhou."""
        return self.text("OSS_REGION")

    @cached_property
    def bucket(self) -> str:
        """The bucket of destinations that name none."""
        return self.text("OSS_BUCKET")

    @cached_property
    def credentials(self) -> Credentials:
        """The key pair (and its session token, if it is temporary) that the backend signs with."""
        return Credentials(
            self.text("OSS_ACCESS_KEY_ID"),
            self.text("OSS_ACCESS_KEY_SECRET"),
            self.text("OSS_SESSION_TOKEN") or None,
        )

    @cached_property
    def credentials_expire_at(self) -> datetime | None:
        """The expiry of temporary `credentials`, UTC unless it says otherwise: no URL is signed beyond it."""
        text = self.text("OSS_SESSION_EXPIRES")
        if not text:
            return None
        end = datetime.fromisoformat(text)
        return end if end.tzinfo else end.replace(tzinfo=UTC)

    @cached_property
    def sts_role_arn(self) -> str:
        """The RAM role for which browsers are issued temporary credentials; "" when none are issued."""
        return self.text("OSS_STS_ROLE_ARN")

    @cached_property
    def sts_endpoint(self) -> str:
        """The origin of the STS server."""
        return self.text("OSS_STS_ENDPOINT") or f"https://sts.{self.region}.aliyuncs.com"

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
    def metrics_token(self) -> str:
        """The bearer token that `/metrics` asks for; "" when it asks for none."""
        return self.text("METRICS_TOKEN")

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

    def bucket_of(self, destination: Destination) -> str:
        """The name of the bucket that this destination uploads to."""
        return destination.bucket or self.bucket

    @cached_property
    def buckets(self) -> Mapping[str, tuple[Destination, ...]]:
        """Every bucket that a destination uploads to, by name, with those destinations."""
        found: dict[str, tuple[Destination, ...]] = {}
        for destination in self.destinations.values():
            bucket = self.bucket_of(destination)
            found[bucket] = (*found.get(bucket, ()), destination)
        return MappingProxyType(dict(sorted(found.items())))

    @cached_property
    def locations(self) -> tuple[tuple[str, str], ...]:
        """Where uploads lie: pairs of bucket and key prefix, none of them inside another."""
        return tuple((bucket, prefix) for bucket, used in self.buckets.items() for prefix in outermost_prefixes(used))


def outermost_prefixes(destinations: Iterable[Destination]) -> list[str]:
    """The key prefixes that these destinations upload under, sorted; one that lies inside another is left out."""
    found: list[str] = []
    for prefix in sorted({destination.prefix for destination in destinations}):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found


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
