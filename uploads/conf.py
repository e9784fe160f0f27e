"""The app's settings: one typed object over `settings.UPLOADS`, each default visible here.

Rule: read late, so that `override_settings` just works; wrong values are told by `checks.py`, in words.
A host project fills the dict itself; the standalone site fills it from the environment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings as django_settings

from uploads.domain.options import OPTIONS
from uploads.oss.callback import FORM, KEY_URL_PREFIXES, CallbackParameters
from uploads.oss.endpoint import Addressing, Endpoint
from uploads.oss.signing import Credentials

DEFAULT_KEY = "uploads/{user_id}/{date:%Y/%m/%d}/{uuid}/{filename}"


@dataclass(frozen=True, slots=True)
class Destination:
    """A named place that a page may upload to. What is not said here, the client cannot choose."""

    name: str
    key: str = DEFAULT_KEY
    """Template of the object's key: {user_id}, {date:%Y/%m/%d}, {uuid}, {filename}."""
    bucket: str = ""
    """The site's bucket where empty."""
    permission: str | Callable[[Any], bool] = ""
    """Who may upload here: a Django permission, or a function of the user. Empty: everybody who is logged in."""

    max_size: int | None = None
    """Bytes of one file."""
    content_types: Sequence[str] = ()
    """Globs such as `video/*`; all where empty."""
    max_active_per_user: int | None = None
    """Unfinished uploads."""
    max_bytes_per_user_per_day: int | None = None
    """Bytes begun within 24 hours, those of aborted and failed uploads not counted."""

    acl: str = ""
    storage_class: str = ""
    tagging: Mapping[str, str] = field(default_factory=dict)
    cache_control: str = ""
    content_disposition: str = ""
    """`inline` or `attachment`; the file's name is added."""
    expires: int | None = None
    """Seconds from the start, for the object's Expires header."""
    encryption: str = ""
    encryption_key_id: str = ""
    forbid_overwrite: bool = False
    traffic_limit: int | None = None
    """bit/s of each request that carries bytes."""
    callback: Mapping[str, Any] | None = None
    """Whom OSS calls when the object is there: {url, host, body, body_type, sni, vars}."""

    part_size: int | None = None
    """Bytes; the plan's own choice where None."""
    url_expires: int = 15 * 60
    """Seconds that a part's URL lives."""
    credentials_expires: int = 3600
    """Seconds that lent credentials live."""
    upload_expires: int = 7 * 24 * 3600
    """Seconds after which an unfinished upload is stale."""
    client_options: Sequence[str] = ()
    """What the client may set itself: `metadata`, and names of `uploads.domain.options`."""

    @property
    def lifetime(self) -> timedelta:
        return timedelta(seconds=self.upload_expires)

    @property
    def options(self) -> dict[str, Any]:
        """What an object is given unless the client may choose, and does."""
        return {name: value for name in OPTIONS if (value := getattr(self, name)) not in ("", None, {}, False)}

    @classmethod
    def keys(cls) -> set[str]:
        """What a destination's dict may hold."""
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
"""Requests that one user (or, unknown, one address) may make, by scope."""


CALLBACK_BODY = (
    "upload=${x:upload}&secret=${x:secret}&bucket=${bucket}&object=${object}&size=${size}&etag=${etag}&crc64=${crc64}"
)
"""What our own endpoint needs to know; a destination whose callback is somebody else's says what that one needs."""


def callback_parameters(given: Mapping[str, Any], variables: Mapping[str, str]) -> CallbackParameters:
    """A destination's `callback` as OSS wants it; `variables` join its own."""
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
    """`UPLOADS`, with types and defaults. Every property may raise ValueError; checks.py tells them apart."""

    REQUIRED = ("OSS_ENDPOINT", "OSS_REGION", "OSS_BUCKET", "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")
    OPTIONAL = (
        "OSS_INTERNAL_ENDPOINT", "OSS_ADDRESSING", "OSS_SESSION_TOKEN", "OSS_SESSION_EXPIRES", "OSS_STS_ENDPOINT",
        "OSS_STS_ROLE_ARN", "OSS_CALLBACK_KEY_URLS", "UPLOADS_ORIGINS", "DESTINATIONS", "THROTTLES", "METRICS_TOKEN",
    )  # fmt: skip

    @property
    def raw(self) -> Mapping[str, Any]:
        values = getattr(django_settings, "UPLOADS", {})
        return values if isinstance(values, Mapping) else {}

    def text(self, name: str) -> str:
        return str(self.raw.get(name) or "")

    @property
    def addressing(self) -> Addressing:
        """virtual: bucket.endpoint (OSS itself takes nothing else); path; cname: the endpoint is the bucket's."""
        match self.text("OSS_ADDRESSING") or "virtual":
            case "virtual" | "path" | "cname" as value:
                return value
            case value:
                raise ValueError(f"{value!r} is not one of virtual, path, cname")

    @property
    def endpoint(self) -> Endpoint:
        """Where browsers send the parts."""
        return Endpoint.parse(self.text("OSS_ENDPOINT"), self.addressing)

    @property
    def internal_endpoint(self) -> Endpoint:
        """Where the backend's own calls go: inside Alibaba Cloud they cost nothing."""
        text = self.text("OSS_INTERNAL_ENDPOINT")
        if not text:
            return self.endpoint
        return Endpoint.parse(text, "virtual" if self.addressing == "cname" else self.addressing)

    @property
    def region(self) -> str:
        return self.text("OSS_REGION")

    @property
    def bucket(self) -> str:
        return self.text("OSS_BUCKET")

    @property
    def credentials(self) -> Credentials:
        return Credentials(
            self.text("OSS_ACCESS_KEY_ID"),
            self.text("OSS_ACCESS_KEY_SECRET"),
            self.text("OSS_SESSION_TOKEN") or None,
        )

    @property
    def credentials_expire_at(self) -> datetime | None:
        """When `credentials` end, if they do and that was said: no URL is signed beyond it."""
        text = self.text("OSS_SESSION_EXPIRES")
        if not text:
            return None
        end = datetime.fromisoformat(text)
        return end if end.tzinfo else end.replace(tzinfo=UTC)

    @property
    def sts_role_arn(self) -> str:
        """The role that browsers borrow; empty: credentials are not lent."""
        return self.text("OSS_STS_ROLE_ARN")

    @property
    def sts_endpoint(self) -> str:
        return self.text("OSS_STS_ENDPOINT") or f"https://sts.{self.region}.aliyuncs.com"

    @property
    def callback_key_urls(self) -> list[str]:
        """Where the public keys of upload callbacks may lie: beginnings of addresses."""
        return self._texts("OSS_CALLBACK_KEY_URLS") or list(KEY_URL_PREFIXES)

    @property
    def throttles(self) -> dict[str, str]:
        """Rates by scope; an empty one lets everything through."""
        return {**DEFAULT_THROTTLES, **(self.raw.get("THROTTLES") or {})}

    @property
    def origins(self) -> list[str]:
        """The origins of the pages that upload, for the bucket's CORS."""
        return self._texts("UPLOADS_ORIGINS")

    def _texts(self, name: str) -> list[str]:
        value = self.raw.get(name) or []
        return [value] if isinstance(value, str) else list(value)

    @property
    def destinations(self) -> dict[str, Destination]:
        """By name; `default` alone where nothing is set. Raises TypeError for a key that does not exist."""
        given: Mapping[str, Mapping[str, Any]] = self.raw.get("DESTINATIONS") or {"default": {}}
        return {name: Destination(name=name, **values) for name, values in given.items()}

    def bucket_of(self, destination: Destination) -> str:
        return destination.bucket or self.bucket


settings = Settings()
