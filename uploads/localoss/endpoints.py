"""The endpoint that a Host header names: its kind and its region (OSS manual: "Regions and endpoints").

Rule: pure. A host name of Alibaba Cloud says its kind itself. A custom host name of a bucket is a custom domain. Any
other name, such as localhost or an IP address, plays the kind that the server was told; without that it is internal,
and no rule about public endpoints concerns it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["public", "internal", "accelerate", "custom"]
KINDS: tuple[Kind, ...] = ("public", "internal", "accelerate", "custom")

_CLASSIC = re.compile(
    r"(?:(?P<bucket>[^.]+)\.)??(?:s3\.)?oss-(?P<region>[a-z0-9-]+?)(?P<internal>-internal)?\.aliyuncs\.com"
)
_DUAL_STACK = re.compile(r"(?:(?P<bucket>[^.]+)\.)?(?P<region>[a-z]+-[a-z0-9-]+)\.oss\.aliyuncs\.com")
_ACCELERATE = ("accelerate", "accelerate-overseas")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. `region` is empty if the name holds none, `bucket` is the bucket in the name. `named`: it is a
    domain name that names an endpoint, of Alibaba Cloud or by the server's settings."""

    kind: Kind
    region: str = ""
    bucket: str = ""
    named: bool = False

    @property
    def mainland(self) -> bool:
        """Whether the region is in mainland China, where the rules for public endpoints hold."""
        return self.region.startswith("cn-") and not self.region.startswith("cn-hongkong")

    @property
    def shared(self) -> bool:
        """Whether it is a default domain of OSS on the internet, and not a custom domain or an internal endpoint."""
        return self.kind in ("public", "accelerate")


def vendor_endpoint(name: str) -> Endpoint | None:
    """The endpoint of a host name of Alibaba Cloud, such as bucket.oss-cn-hangzhou-internal.aliyuncs.com; None for any
    other name."""
    found = _CLASSIC.fullmatch(name)
    if found:
        bucket, region = found["bucket"] or "", found["region"]
        if region in _ACCELERATE:
            return Endpoint("accelerate", "", bucket, named=True)
        return Endpoint("internal" if found["internal"] else "public", region, bucket, named=True)
    found = _DUAL_STACK.fullmatch(name)
    return Endpoint("public", found["region"], found["bucket"] or "", named=True) if found else None


def has_kind(name: str, kinds: Mapping[str, Kind]) -> bool:
    """Whether a name was told which kind it plays. `kinds` maps names to kinds, also for the names under them."""
    return bool(_matching(name, kinds))


def kind_of(name: str, kinds: Mapping[str, Kind]) -> Kind:
    """The kind that a name outside of Alibaba Cloud plays; the longest name in `kinds` decides."""
    matching = _matching(name, kinds)
    return kinds[max(matching, key=len)] if matching else "internal"


def _matching(name: str, kinds: Mapping[str, Kind]) -> list[str]:
    return [domain for domain in kinds if name == domain or name.endswith(f".{domain}")]
