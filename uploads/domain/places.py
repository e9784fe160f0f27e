"""Places: buckets with the endpoints, the region and the credentials by which they are reached.

Rule: pure. A destination names its place, and an upload's row names destination and bucket; from these the place is
found (`conf.Settings.place_of`). Nothing else of the program knows an endpoint or a key pair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from uploads.oss.endpoint import Addressing, Endpoint
from uploads.oss.signing import Credentials, SigningContext

KEYS = (
    "bucket", "endpoint", "public_endpoint", "internal_endpoint", "addressing", "region", "credentials", "role",
    "sts_endpoint",
)  # fmt: skip
"""What an entry of `UPLOADS["BUCKETS"]` may have."""
LOCATION = ("endpoint", "public_endpoint", "internal_endpoint", "region", "addressing")
"""Those of them that say where the bucket is. They are inherited together or not at all."""
CREDENTIALS = {
    "access_key": ("access_key_id", "access_key_secret"),
    "sts": ("access_key_id", "access_key_secret", "security_token"),
}
"""What `credentials` must have, by their type. `sts` may also have `expires_at`."""
STYLES: tuple[Addressing, ...] = ("virtual", "path", "cname")
T = TypeVar("T")


class Stored(Protocol):
    """A row that knows where its object is: an upload, a removal, or credentials for a prefix."""

    @property
    def destination(self) -> str:
        """The name of its destination, which may have left the settings."""

    @property
    def bucket(self) -> str:
        """The name of the bucket at OSS."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, and how it is reached. `name`: its key in BUCKETS; "" for a bucket of the single settings."""

    name: str
    bucket: str
    endpoint: Endpoint
    """For browsers."""
    internal_endpoint: Endpoint
    """For the backend."""
    region: str
    credentials: Credentials
    credentials_expire_at: datetime | None = None
    """The expiry of temporary `credentials`."""
    role: str = ""
    """The ARN of the RAM role for which browsers are issued temporary credentials; "" when none are issued."""
    sts_endpoint: str = ""
    """The origin of the STS server."""

    def __str__(self) -> str:
        """The bucket's name, as people see it; with the place's name where that is another."""
        return f"{self.bucket} ({self.name})" if self.name not in ("", self.bucket) else self.bucket

    def signing(self, now: datetime) -> SigningContext:
        """Who signs requests to this place, and for which region. `now`: the time at OSS."""
        return SigningContext(self.credentials, self.region, now)

    def at_bucket(self, bucket: str) -> "Place":
        """The same place with another bucket. Raises ValueError where the endpoint is the domain of one bucket."""
        if bucket == self.bucket:
            return self
        if self.endpoint.addressing == "cname":
            raise ValueError(
                f"{self.endpoint.url} is the domain of the bucket {self.bucket}; it does not reach {bucket}"
            )
        return replace(self, bucket=bucket)


def addressing(text: str) -> Addressing:
    """The addressing style of this name. Raises ValueError."""
    for style in STYLES:
        if style == text:
            return style
    raise ValueError(f"{text!r} is not one of {', '.join(STYLES)}")


def endpoint_behind(text: str, style: Addressing) -> Endpoint:
    """An endpoint for the backend beside one for browsers: it is no custom domain. Raises ValueError."""
    return Endpoint.parse(text, "virtual" if style == "cname" else style)


def credentials_from(value: object) -> tuple[Credentials, datetime | None]:
    """The key pair that a place's `credentials` give, and when it expires. Raises ValueError, without a secret."""
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        raise ValueError("it is not a dict of texts")
    required = CREDENTIALS.get(value.get("type", ""))
    if required is None:
        raise ValueError(f"its type is not one of {', '.join(CREDENTIALS)}")
    known = {"type", *required, *(["expires_at"] if "security_token" in required else [])}
    if unknown := sorted(map(str, set(value) - known)):
        raise ValueError(f"unknown keys {', '.join(unknown)}; the keys are {', '.join(sorted(known))}")
    if missing := [key for key in required if not value.get(key)]:
        raise ValueError(f"{', '.join(missing)} must be set")
    token, end = value.get("security_token"), expiry(value.get("expires_at", ""))
    return Credentials(value["access_key_id"], value["access_key_secret"], token or None), end


def expiry(text: str) -> datetime | None:
    """A time in ISO 8601, UTC unless it says otherwise; None for no text. Raises ValueError."""
    if not text:
        return None
    end = datetime.fromisoformat(text)
    return end if end.tzinfo else end.replace(tzinfo=UTC)


def named_place(name: str, values: Mapping[str, Any], default: Place) -> Place:
    """The place of one entry of BUCKETS.

    One that says nothing of its location is where the default place is, and one without credentials has those of the
    default place. Raises ValueError, which names the key.
    """
    place = replace(default, name=name, bucket=str(values.get("bucket") or name))
    if any(values.get(key) for key in LOCATION):
        place = replace(place, **_location(values))
    elif default.endpoint.addressing == "cname":
        default.at_bucket(place.bucket)
    if values.get("credentials"):
        given, end = named_value("credentials", lambda: credentials_from(values["credentials"]))
        place = replace(place, credentials=given, credentials_expire_at=end, role="", sts_endpoint="")
    role = str(values.get("role") or place.role)
    sts = str(values.get("sts_endpoint") or place.sts_endpoint or sts_origin(place.region))
    return replace(place, role=role, sts_endpoint=sts)


def sts_origin(region: str) -> str:
    """The origin of STS in a region. Manual: https://www.alibabacloud.com/help/en/ram/developer-reference/endpoints."""
    return f"https://sts.{region}.aliyuncs.com"


def _location(values: Mapping[str, Any]) -> dict[str, Any]:
    endpoint, public, behind, region, style = (str(values.get(key) or "") for key in LOCATION)
    if not (endpoint or public):
        raise ValueError("endpoint is not set")
    if not region:
        raise ValueError("region is not set")
    used = named_value("addressing", lambda: addressing(style or "virtual"))
    key = "public_endpoint" if public else "endpoint"
    browsers = named_value(key, lambda: Endpoint.parse(public or endpoint, used))
    other = behind or (endpoint if public else "")
    key = "internal_endpoint" if behind else "endpoint"
    backend = named_value(key, lambda: endpoint_behind(other, used)) if other else browsers
    return {"endpoint": browsers, "internal_endpoint": backend, "region": region}


def named_value(key: str, read: Callable[[], T]) -> T:
    """What `read` returns. Its ValueError gets the key in front."""
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
