"""The app's settings: one typed object over `settings.UPLOADS`, each default visible here.

Rule: read late, so that `override_settings` just works; wrong values are told by `checks.py`, in words.
A host project fills the dict itself; the standalone site fills it from the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings

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
    part_size: int | None = None
    """Bytes; the plan's own choice where None."""
    url_expires: int = 15 * 60
    """Seconds that a part's URL lives."""
    upload_expires: int = 7 * 24 * 3600
    """Seconds after which an unfinished upload is stale."""
    client_options: tuple[str, ...] | list[str] = ()
    """What the client may set itself: `metadata`."""

    @property
    def lifetime(self) -> timedelta:
        return timedelta(seconds=self.upload_expires)

    @classmethod
    def keys(cls) -> set[str]:
        """What a destination's dict may hold."""
        return {field.name for field in fields(cls)} - {"name"}


CLIENT_OPTIONS = frozenset({"metadata"})


class Settings:
    """`UPLOADS`, with types and defaults. Every property may raise ValueError; checks.py tells them apart."""

    REQUIRED = ("OSS_ENDPOINT", "OSS_REGION", "OSS_BUCKET", "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET")
    OPTIONAL = ("OSS_INTERNAL_ENDPOINT", "OSS_ADDRESSING", "OSS_SESSION_TOKEN", "UPLOADS_ORIGINS", "DESTINATIONS")

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
    def origins(self) -> list[str]:
        """The origins of the pages that upload, for the bucket's CORS."""
        value = self.raw.get("UPLOADS_ORIGINS") or []
        return [value] if isinstance(value, str) else list(value)

    @property
    def destinations(self) -> dict[str, Destination]:
        """By name; `default` alone where nothing is set. Raises TypeError for a key that does not exist."""
        given: Mapping[str, Mapping[str, Any]] = self.raw.get("DESTINATIONS") or {"default": {}}
        return {name: Destination(name=name, **values) for name, values in given.items()}

    def bucket_of(self, destination: Destination) -> str:
        return destination.bucket or self.bucket


settings = Settings()
