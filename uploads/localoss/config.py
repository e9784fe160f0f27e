"""What a local OSS server is told at its start. Rule: one frozen value; its defaults are the demo's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from uploads.localoss.faults import Rule
from uploads.localoss.keys import AccessKey, Role
from uploads.localoss.policy import parse
from uploads.oss import policy

DEMO_BUCKET = "demo-bucket"
DEMO_REGION = "cn-hangzhou"
DEMO_KEY = AccessKey("demo-key-id", "demo-key-secret")
DEMO_OWNER = "1000000000000001"
ALL_OF_OSS = policy.document([policy.allow(["oss:*"], ["acs:oss:*:*:*"])])
DEMO_ROLE = Role(f"acs:ram::{DEMO_OWNER}:role/demo-upload-role", parse(ALL_OF_OSS))


@dataclass(frozen=True, slots=True)
class Config:
    """`base_domain`: buckets are also served as `bucket.<base_domain>`; `cnames`: host → bucket."""

    root: Path = Path("var/localoss")
    host: str = "127.0.0.1"
    port: int = 9000
    region: str = DEMO_REGION
    product: str = "oss"
    buckets: tuple[str, ...] = (DEMO_BUCKET,)
    keys: tuple[AccessKey, ...] = (DEMO_KEY,)
    base_domain: str = ""
    cnames: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    owner: str = DEMO_OWNER
    roles: tuple[Role, ...] = (DEMO_ROLE,)
    threads: int = 64
    io_timeout: float = 60.0
    """Seconds that a connection may neither send nor take a byte while a request is under way."""
    callbacks_anywhere: bool = False
    """Whether upload callbacks may leave this machine."""
    allow_faults: bool = False
    faults: tuple[Rule, ...] = ()
    lifecycle_interval: float = 3600.0
    """Seconds between two rounds of the lifecycle rules; OSS itself goes round once a day."""
