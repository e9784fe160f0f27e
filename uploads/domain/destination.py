"""A destination: a named target of uploads, with everything that it allows and sets.

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
    """A named target of uploads. The client chooses nothing that is not allowed here."""

    name: str
    key: str = DEFAULT_KEY
    """Template of the object's key: {user_id}, {date:%Y/%m/%d}, {uuid}, {filename}, {path}, and the names in
    `key_values`. {path} is the file's path in the folder that was chosen; of a file chosen alone, its name."""
    key_values: Mapping[str, str | Callable[[Any], str | int]] = field(default_factory=dict)
    """Functions of the user, or their dotted paths, by field of `key`: {"tenant": "yourapp.tenants.of"}."""
    bucket: str = ""
    """A name in BUCKETS, or a bucket at the default place. Empty: OSS_BUCKET."""
    permission: str | Callable[[Any], bool] = ""
    """Who may upload: a Django permission, or a function of the user. Empty: every logged-in user."""

    max_size: int | None = None
    """Bytes of one file; None: OSS's own limit."""
    content_types: Sequence[str] = ()
    """Patterns such as `video/*`. Empty: every type."""
    max_active_per_user: int | None = None
    """Number of unfinished uploads; None: no limit."""
    max_bytes_per_user_per_day: int | None = None
    """Bytes of uploads begun within 24 hours, except aborted and failed ones that OSS has dropped; None: no limit."""

    acl: str = ""
    storage_class: str = ""
    tagging: Mapping[str, str] = field(default_factory=dict)
    cache_control: str = ""
    content_disposition: str | Mapping[str, str] = ""
    """`inline` or `attachment`; the file's name is added to it. Or {"type": …, "filename": …} with another name."""
    expires: int | str | None = None
    """The date in the object's Expires header (ISO 8601), or the seconds to it from the begin of the upload."""
    encryption: str = ""
    encryption_key_id: str = ""
    data_encryption: str = ""
    """`SM4` where `encryption` is KMS: how OSS encrypts the bytes."""
    forbid_overwrite: bool = True
    """OSS refuses a second object with the same key, so that nothing replaces a completed upload."""
    complete_all: bool = False
    """Complete without a list of parts: OSS takes all that it holds."""
    traffic_limit: int | None = None
    """bit/s of each request that uploads bytes."""
    callback: Mapping[str, Any] | None = None
    """The callback that OSS makes when the object is stored: {url, host, body, body_type, sni, vars}."""

    part_size: int | None = None
    """Bytes; None: chosen by the size of the file."""
    url_expires: int = 15 * 60
    """Seconds for which a presigned URL is valid."""
    credentials: str = ""
    """Which temporary credentials are issued: `upload`, for the parts of one upload; `prefix`, also for the user's own
    prefix. Empty: none."""
    credentials_expires: int = 3600
    """Seconds for which temporary credentials are valid."""
    upload_expires: int = 7 * 24 * 3600
    """Seconds after which an unfinished upload is stale: the sweep aborts it."""
    allow_delete: bool = False
    """Whether users may delete their completed uploads, with the objects, through the API."""
    download_expires: int | None = None
    """Seconds for which a download link is valid that the API gives to the owner; None: it gives none."""
    retention_days: int | None = None
    """Days after their end for which rows and history of ended uploads are kept; None: for ever."""
    object_retention_days: int | None = None
    """Days after its completion for which an object is kept; None: for ever."""
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
    def has_own_prefix(self) -> bool:
        """Whether all keys begin with a fixed directory, so that they differ from those of other applications."""
        return self.prefix.endswith("/")

    @property
    def unenforced_by_policy(self) -> list[str]:
        """The rules set here that no RAM policy can express. They are enforced when an object has arrived."""
        names = ("max_size", "content_types", "max_active_per_user", "max_bytes_per_user_per_day")
        return [name for name in names if getattr(self, name)]

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


KEEP, DELETE = "keep", "delete"
ON_OWNER_DELETE = (KEEP, DELETE)
"""What becomes of a user's uploads when the user is deleted: the values of `UPLOADS["ON_OWNER_DELETE"]`."""

ISSUES_FOR_UPLOAD, ISSUES_FOR_PREFIX = "upload", "prefix"
CREDENTIALS = ("", ISSUES_FOR_UPLOAD, ISSUES_FOR_PREFIX)
"""The values of `credentials`. `prefix` includes `upload`."""
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
    return outermost(prefix for destination in destinations for prefix in destination.prefixes)


def outermost(prefixes: Iterable[str]) -> list[str]:
    """These prefixes, sorted; one that lies inside another is left out."""
    found: list[str] = []
    for prefix in sorted(set(prefixes)):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found
