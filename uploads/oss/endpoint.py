"""The URL of a bucket or an object, from an endpoint and an addressing style.

Manual, "Regions and endpoints". OSS itself accepts virtual-hosted URLs and custom domains (CNAME) only: it answers a
path-style URL with SecondLevelDomainForbidden. The local OSS server and some private clouds use path style.

Rule: an Endpoint holds an address only. The canonical URI of a signature does not depend on it.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

Addressing = Literal["virtual", "path", "cname"]
"""virtual: `bucket.endpoint/key`; path: `endpoint/bucket/key`; cname: `endpoint/key`, a domain of one bucket."""

_HOST = re.compile(r"[0-9a-z]([0-9a-z.-]*[0-9a-z])?|[0-9a-f:.]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` is scheme://host[:port] of the region (virtual, path) or of the bucket's own domain (cname)."""

    url: str
    addressing: Addressing = "virtual"

    @classmethod
    def parse(cls, text: str, addressing: Addressing = "virtual") -> "Endpoint":
        """The endpoint in `text`: an origin, or a host alone, which means https as in the SDKs.

        Raises ValueError for any other text.
        """
        text = text.strip().rstrip("/")
        split = urlsplit(text if "://" in text else f"https://{text}")
        if split.scheme not in ("http", "https") or not _HOST.fullmatch(split.hostname or ""):
            raise ValueError(f"not an http(s) endpoint: {text!r}")
        if split.path or split.query or split.fragment or split.username:
            raise ValueError(f"an endpoint has only a scheme, a host and a port: {text!r}")
        _ = split.port  # Raises ValueError when it is not a port number.
        return cls(f"{split.scheme}://{split.netloc}", addressing)

    def origin(self, bucket: str) -> str:
        """scheme://host[:port] to which a browser connects for this bucket."""
        if self.addressing != "virtual":
            return self.url
        scheme, _, host = self.url.partition("://")
        return f"{scheme}://{bucket}.{host}"

    def url_of(self, bucket: str, key: str = "") -> str:
        """The URL of an object or, with an empty key, of the bucket; percent-encoded, without a query."""
        base = f"{self.url}/{bucket}" if self.addressing == "path" else self.origin(bucket)
        return f"{base}/{quote(key, safe='/-_.~')}"
