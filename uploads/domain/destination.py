"""A destination: a named place that pages may upload to, with everything that it allows and sets.

Rule: pure; each key of `UPLOADS["DESTINATIONS"]` is a field here, with its default and its unit. `uploads.checks`
reports wrong values.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from uploads.domain.keys import static_prefix
from uploads.domain.options import OPTIONS
from uploads.oss.callback import FORM, CallbackParameters

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
    stage: bool = False
    """Whether browsers write below `stage_prefix`, and the backend checks each file before it copies it to its key."""
    stage_prefix: str = "staging/"
    inspector: str = ""
    """Dotted path of a function `(upload, open_file)` that raises `Rejected` for a staged file that it refuses."""
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
    def prefixes(self) -> tuple[str, ...]:
        """`prefix` and, if files are staged, the prefix that browsers write below."""
        return (self.prefix, self.stage_prefix) if self.stage else (self.prefix,)

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


def outermost_prefixes(destinations: Iterable[Destination]) -> list[str]:
    """The key prefixes that these destinations upload under, sorted; one that lies inside another is left out."""
    found: list[str] = []
    for prefix in sorted({prefix for destination in destinations for prefix in destination.prefixes}):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found
