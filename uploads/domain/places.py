"""Places: buckets with the endpoints, the region and the credentials by which they are reached.

Rule: pure. A destination names its place, and an upload's row names destination and bucket; from these the place is
found (`conf.Settings.place_of`). Nothing else of the program knows an endpoint or a key pair.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from uploads.domain.setting_names import BESIDE, names_of_entry
from uploads.oss.endpoint import Addressing, Endpoint
from uploads.oss.providers import CredentialsProvider, provider_from
from uploads.oss.signing import SigningContext

KEYS = (
    "bucket", "endpoint", "public_endpoint", "internal_endpoint", "more_endpoints", "addressing", "region",
    "credentials", "role", "sts_endpoint",
)  # fmt: skip
"""What an entry of `UPLOADS["BUCKETS"]` may have."""
LOCATION = ("endpoint", "public_endpoint", "internal_endpoint", "region", "addressing")
"""Those of them that say where the bucket is. They and `more_endpoints` are inherited together or not at all."""
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
    """For browsers, and in the URLs of objects."""
    internal_endpoint: Endpoint
    """For the backend."""
    region: str
    credentials: CredentialsProvider
    role: str = ""
    """The ARN of the RAM role for which browsers are issued temporary credentials; "" when none are issued."""
    sts_endpoint: str = ""
    """The origin of the STS server."""
    more_endpoints: tuple[Endpoint, ...] = ()
    """Further ones for browsers, which may send parts to all of them."""
    setting_names: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What its settings are called, where that is not the name of the default place's setting."""

    def __str__(self) -> str:
        """The bucket's name, as people see it; with the place's name where that is another."""
        return f"{self.bucket} ({self.name})" if self.name not in ("", self.bucket) else self.bucket

    @property
    def at_oss(self) -> tuple[str, str]:
        """The bucket itself, however it is reached: places with the same value are one bucket."""
        return self.bucket, self.region

    @property
    def addresses(self) -> tuple[Endpoint, ...]:
        """All endpoints for browsers, `endpoint` first."""
        return (self.endpoint, *self.more_endpoints)

    def signing(self, now: datetime) -> SigningContext:
        """Who signs requests to this place, and for which region. `now`: the time at OSS.

        Raises CredentialsUnavailable.
        """
        return SigningContext(self.credentials.credentials(now), self.region, now)

    def at_bucket(self, bucket: str) -> "Place":
        """The same place with another bucket. Raises ValueError where the endpoint is the domain of one bucket."""
        if bucket == self.bucket:
            return self
        if self.endpoint.addressing == "cname":
            raise ValueError(
                f"{self.endpoint.url} is the domain of the bucket {self.bucket}; it does not reach {bucket}"
            )
        more = tuple(endpoint for endpoint in self.more_endpoints if endpoint.addressing != "cname")
        return replace(self, bucket=bucket, more_endpoints=more, setting_names={**self.setting_names, **BESIDE})


def addressing(text: str) -> Addressing:
    """The addressing style of this name. Raises ValueError."""
    for style in STYLES:
        if style == text:
            return style
    raise ValueError(f"{text!r} is not one of {', '.join(STYLES)}")


def endpoint_behind(text: str, style: Addressing) -> Endpoint:
    """An endpoint for the backend beside one for browsers: it is no custom domain. Raises ValueError."""
    return Endpoint.parse(text, "virtual" if style == "cname" else style)


def parse_more_endpoints(texts: Sequence[str], first: Endpoint) -> tuple[Endpoint, ...]:
    """The endpoints beside the first one. Raises ValueError.

    A text is an endpoint, such as `oss-accelerate.aliyuncs.com`, which has the addressing of the first one; or an
    endpoint and its addressing with a space between them: `upload.example.com cname`.
    """
    found = [first]
    for text in texts:
        address, _, style = text.strip().partition(" ")
        endpoint = Endpoint.parse(address, addressing(style.strip()) if style else first.addressing)
        if endpoint.url in (known.url for known in found):
            raise ValueError(f"{endpoint.url} is named twice")
        found.append(endpoint)
    return tuple(found[1:])


def named_place(name: str, values: Mapping[str, Any], default: Place) -> Place:
    """The place of one entry of BUCKETS.

    One that says nothing of its location is where the default place is, and one without credentials has those of the
    default place. Raises ValueError, which names the key.
    """
    names = names_of_entry(name, values, default.setting_names)
    place = replace(default, name=name, bucket=str(values.get("bucket") or name), setting_names=names)
    if any(values.get(key) for key in (*LOCATION, "more_endpoints")):
        place = replace(place, **_location(values))
    else:
        place = replace(place, more_endpoints=default.at_bucket(place.bucket).more_endpoints)
    if values.get("credentials"):
        given = named_value("credentials", lambda: provider_from(values["credentials"]))
        place = replace(place, credentials=given, role="", sts_endpoint="")
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
    more = values.get("more_endpoints") or ()
    parsed = named_value("more_endpoints", lambda: parse_more_endpoints(more, browsers))
    return {"endpoint": browsers, "internal_endpoint": backend, "region": region, "more_endpoints": parsed}


def named_value(key: str, read: Callable[[], T]) -> T:
    """What `read` returns. Its ValueError gets the key in front."""
    try:
        return read()
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
