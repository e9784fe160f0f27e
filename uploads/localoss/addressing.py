"""The bucket and the key that a request addresses, in path style, by virtual host or by CNAME.

Real OSS answers path style with SecondLevelDomainForbidden; the SDKs use it for endpoints that are IP addresses.

Rule: pure. A key is the path's bytes, percent-decoded once and never normalised.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from uploads.localoss.config import Config
from uploads.localoss.endpoints import Endpoint, Kind, has_kind, kind_of, vendor_endpoint

_ALIYUN = ".aliyuncs.com"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes. An empty `bucket` means the service, an empty `key` the bucket. `in_path` tells path style
    from a host name."""

    bucket: str
    key: bytes
    in_path: bool


def address(host: str, raw_path: str, config: Config) -> Address:
    """The address of a request. `host` is the Host header, `raw_path` the request line's path without its query."""
    path = raw_path.removeprefix("/")
    bucket = bucket_of_host(host_name(host), config)
    if bucket:
        # ali-oss in Node sends such a Host to an IP endpoint, with the bucket in the path or without it.
        return Address(bucket, unquote_to_bytes(path), in_path=False)
    first, _, rest = path.partition("/")
    return Address(unquote_to_bytes(first).decode(errors="replace"), unquote_to_bytes(rest), in_path=True)


def host_name(host: str) -> str:
    """The Host header in lower case, without its port."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0].removeprefix("[")
    return name.rpartition(":")[0] if ":" in name else name


def bucket_of_host(name: str, config: Config) -> str:
    """The bucket that a host name stands for, or "" if the path names the bucket."""
    if name in config.cnames:
        return config.cnames[name]
    if not name or name == "localhost" or name in (config.host, config.base_domain) or is_ip(name):
        return ""
    # The base domain may itself lie under localhost.
    for domain in filter(None, (config.base_domain, "localhost")):
        if name.endswith(f".{domain}"):
            return name.removesuffix(f".{domain}")
    if endpoint := vendor_endpoint(name):
        return endpoint.bucket
    if name.endswith(_ALIYUN) and not name.startswith("oss-"):
        return name.partition(".")[0]
    return ""


def endpoint_of(host: str, config: Config, kinds: Mapping[str, Kind]) -> Endpoint:
    """The endpoint that a Host header names. Without a region in the name it is that of the server."""
    name = host_name(host)
    endpoint = vendor_endpoint(name)
    if endpoint is None:
        kind: Kind = "custom" if name in config.cnames else kind_of(name, kinds)
        # Clients reach an IP address in path style only, so path style is never refused there.
        return Endpoint(kind, config.region, named=has_kind(name, kinds) and not is_ip(name))
    return endpoint if endpoint.region else replace(endpoint, region=config.region)


def is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
