"""Where a bucket or an object lives: endpoint and addressing style to URL.

Rule: an Endpoint knows addresses only; the canonical URI of a signature does not depend on it.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

Addressing = Literal["virtual", "path", "cname"]

_HOST = re.compile(r"[0-9a-z]([0-9a-z.-]*[0-9a-z])?|[0-9a-f:.]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url`: scheme://host[:port] of the region (virtual, path) or of the bucket's own domain (cname)."""

    url: str
    addressing: Addressing = "virtual"

    @classmethod
    def parse(cls, text: str, addressing: Addressing = "virtual") -> "Endpoint":
        """Accepts a bare host as the SDKs do; https is meant then. Raises ValueError for anything else."""
        text = text.strip().rstrip("/")
        split = urlsplit(text if "://" in text else f"https://{text}")
        if split.scheme not in ("http", "https") or not _HOST.fullmatch(split.hostname or ""):
            raise ValueError(f"not an http(s) endpoint: {text!r}")
        if split.path or split.query or split.fragment or split.username:
            raise ValueError(f"an endpoint is scheme, host and port alone: {text!r}")
        _ = split.port  # Raises ValueError when it is not a port number.
        return cls(f"{split.scheme}://{split.netloc}", addressing)

    def origin(self, bucket: str) -> str:
        """scheme://host[:port] that a browser connects to for this bucket."""
        if self.addressing != "virtual":
            return self.url
        scheme, _, host = self.url.partition("://")
        return f"{scheme}://{bucket}.{host}"

    def url_of(self, bucket: str, key: str = "") -> str:
        """The address of an object, or with an empty key of the bucket; percent-encoded, no query."""
        base = f"{self.url}/{bucket}" if self.addressing == "path" else self.origin(bucket)
        return f"{base}/{quote(key, safe='/-_.~')}"
