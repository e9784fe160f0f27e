"""What the host name of an endpoint of Alibaba Cloud says: its kind, its region, and a bucket in front of it.

Manual, "Regions and endpoints": https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints (public,
internal, dual-stack, finance and government cloud). Manual, "OSS domain names":
https://www.alibabacloud.com/help/en/oss/user-guide/oss-domain-names (acceleration). Manual, "Access OSS using an AWS
SDK": https://www.alibabacloud.com/help/en/oss/developer-reference/use-amazon-s3-sdks-to-access-oss.

Rule: pure. A host that is not recognized (a custom domain, Apsara Stack, a local OSS server) says nothing.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["public", "internal", "dual-stack", "accelerate", "s3"]

SUFFIX = ".aliyuncs.com"
_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("accelerate", re.compile(r"(?:(?P<bucket>.+)\.)?oss-accelerate(?:-overseas)?(?P<region>)")),
    ("s3", re.compile(r"(?:(?P<bucket>.+)\.)?s3\.oss-accelerate(?:-overseas)?(?P<region>)")),
    ("s3", re.compile(r"(?:(?P<bucket>.+)\.)?s3\.oss-(?P<region>[a-z0-9-]+?)(?:-internal)?")),
    ("internal", re.compile(r"(?:(?P<bucket>.+)\.)?oss-(?P<region>[a-z0-9-]+)-internal")),
    ("public", re.compile(r"(?:(?P<bucket>.+)\.)?oss-(?P<region>[a-z0-9-]+)")),
    ("dual-stack", re.compile(r"(?:(?P<bucket>.+)\.)?(?P<region>[a-z0-9-]+)\.oss")),
)
"""Below `.aliyuncs.com`; the order matters, since a bucket may be named s3."""
_S3 = re.compile(r"(.+\.)?s3\.oss-.+")

REGION_IDS = {
    "cn-hzfinance": "cn-hangzhou-finance",
    "cn-hzjbp": "cn-hangzhou-finance",
    "cn-hzjbp-a": "cn-hangzhou-finance",
    "cn-hzjbp-b": "cn-hangzhou-finance",
    "cn-shanghai-finance": "cn-shanghai-finance-1",
    "cn-shanghai-finance-1-pub": "cn-shanghai-finance-1",
    "cn-szfinance": "cn-shenzhen-finance-1",
    "cn-shenzhen-finance": "cn-shenzhen-finance-1",
    "cn-shenzhen-finance-1-pub": "cn-shenzhen-finance-1",
    "cn-beijing-finance-1-pub": "cn-beijing-finance-1",
}
"""The names in endpoints of the finance cloud that differ from the region's id, which signatures need. See "Regions
and endpoints", "Finance Cloud". The government cloud's `oss-cn-north-2-gov-1` is regular."""


@dataclass(frozen=True, slots=True)
class CloudHost:
    """A host name of Alibaba Cloud's OSS. `region`: its id; "" for acceleration, which serves every region.

    `bucket`: the text before the endpoint; "" for the endpoint alone.
    """

    kind: Kind
    region: str
    bucket: str = ""


def recognize(host: str) -> CloudHost | None:
    """What the host name says; None for one that is not OSS's own."""
    if not host.endswith(SUFFIX):
        return None
    name = host.removesuffix(SUFFIX)
    for kind, form in _FORMS:
        if kind != "s3" and _S3.fullmatch(name):
            continue
        if found := form.fullmatch(name):
            return CloudHost(kind, region_id(found["region"]), found["bucket"] or "")
    return None


def region_id(name: str) -> str:
    """The region's id for a name as it stands in endpoints and in GetBucketLocation, with or without `oss-`."""
    bare = name.removeprefix("oss-")
    return REGION_IDS.get(bare, bare)


LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".test")


def is_private(host: str) -> bool:
    """Whether the host is only reached from its own network: a private IP address, or a name without a public domain.

    Names: RFC 6761 (`localhost`, `test`), RFC 6762 (`local`), RFC 8375 (`home.arpa`), and names without a dot.
    """
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return "." not in host or host.endswith(LOCAL_SUFFIXES)
