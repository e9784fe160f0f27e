"""The settings of a bucket that need no table of their own.

Rule: frozen values, stored as one JSON object. A setting that a stored object does not have gets its default.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Self

DAY = 24 * 60 * 60 * 1000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Worm:
    """A retention policy (OSS manual: "Retention policies"). `created` is in milliseconds since 1970."""

    id: str
    days: int
    created: int
    locked: bool = False

    def state(self, now: int) -> str:
        """InProgress, Locked or Expired. A policy that is not locked within 24 hours expires."""
        if self.locked:
            return "Locked"
        return "InProgress" if now < self.created + DAY else "Expired"

    def retained_since(self, now: int) -> int | None:
        """The time in milliseconds since which an object must have been modified to be retained; None if none is."""
        return None if self.state(now) == "Expired" else now - self.days * DAY


@dataclass(frozen=True, slots=True)
class BucketSettings:
    """The settings. `region` is empty for the server's region. `versioning` is empty, Enabled or Suspended.
    `encryption` holds the encryption headers that new objects get. `tags` are as in x-oss-tagging,
    `website` is a WebsiteConfiguration."""

    region: str = ""
    redundancy: str = "LRS"
    versioning: str = ""
    block_public_access: bool = False
    payer: str = "BucketOwner"
    encryption: Mapping[str, str] = field(default_factory=dict)
    tags: str = ""
    website: str = ""
    worm: Worm | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The settings of a stored JSON object."""
        values = json.loads(text)
        worm = values.pop("worm", None)
        return cls(**values, worm=Worm(**worm) if worm else None)

    def serialized(self) -> str:
        """The JSON object to store."""
        return json.dumps(asdict(self))
