"""Which bucket and key a request means: path style, virtual host, CNAME.

Rule: pure, and on raw bytes: a key is what stands in the path, percent-decoded once and never normalised.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from uploads.localoss.config import Config

_ALIYUN = ".aliyuncs.com"


@dataclass(frozen=True, slots=True)
class Address:
    """Empty `bucket`: the service. Empty `key`: the bucket. `in_path`: the bucket stood in the path."""

    bucket: str
    key: bytes
    in_path: bool


def address(host: str, raw_path: str, config: Config) -> Address:
    """`host` as in the header, `raw_path` as in the request line, without query."""
    path = raw_path.removeprefix("/")
    bucket = bucket_of_host(host_name(host), config)
    if bucket:
        # ali-oss in Node forges such a Host for an IP endpoint, with the bucket in the path or without.
        return Address(bucket, unquote_to_bytes(path), in_path=False)
    first, _, rest = path.partition("/")
    return Address(unquote_to_bytes(first).decode(errors="replace"), unquote_to_bytes(rest), in_path=True)


def host_name(host: str) -> str:
    """The Host header without its port, lower case."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0].removeprefix("[")
    return name.rpartition(":")[0] if ":" in name else name


def bucket_of_host(name: str, config: Config) -> str:
    """The bucket that a host name stands for, or "" where the path must tell."""
    if name in config.cnames:
        return config.cnames[name]
    if not name or name == "localhost" or name in (config.host, config.base_domain) or _is_ip(name):
        return ""
    # The base domain may itself lie under localhost.
    for domain in filter(None, (config.base_domain, "localhost")):
        if name.endswith(f".{domain}"):
            return name.removesuffix(f".{domain}")
    if name.endswith(_ALIYUN) and not name.startswith("oss-"):
        return name.partition(".")[0]
    return ""


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
