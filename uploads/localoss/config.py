"""The configuration of a local OSS server. Rule: one frozen value; its defaults are those of the demo."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from uploads.localoss.endpoints import Kind
from uploads.localoss.faults import Rule
from uploads.localoss.keys import AccessKey, Role
from uploads.localoss.policy import parse
from uploads.localoss.ram import Ram
from uploads.oss import policy

DEMO_BUCKET = "demo-bucket"
DEMO_REGION = "cn-hangzhou"
DEMO_KEY = AccessKey("demo-key-id", "demo-key-secret")
DEMO_OWNER = "1000000000000001"
ALL_OF_OSS = policy.document([policy.allow(["oss:*"], ["acs:oss:*:*:*"])])
DEMO_ROLE = Role(f"acs:ram::{DEMO_OWNER}:role/demo-upload-role", parse(ALL_OF_OSS))


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the command line can set.

    `root` is the directory of the data. `product` and `region` are those that signatures must name. `buckets` are
    created at the start if they are missing. With `base_domain`, buckets are also served as `bucket.<base_domain>`.
    `cnames` maps custom host names to buckets. `owner` is the account id in answers and resource names. `regions` are
    those of buckets in other regions than the server's. `account_rules` are names of `account_rules.py`, and
    `endpoint_kinds` the kinds of endpoint that local host names play for them.
    """

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
    ram: Ram = field(default_factory=Ram)
    regions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    account_rules: frozenset[str] = frozenset()
    endpoint_kinds: Mapping[str, Kind] = field(default_factory=lambda: MappingProxyType({}))
    threads: int = 64
    io_timeout: float = 60.0
    """Seconds without a byte in either direction after which a request is ended; twice that, if some bytes of a chunk
    have arrived."""
    callbacks_anywhere: bool = False
    """Whether upload callbacks may go to other machines than this one."""
    allow_faults: bool = False
    faults: tuple[Rule, ...] = ()
    lifecycle_interval: float = 3600.0
    """Seconds between two runs of the lifecycle rules; OSS runs them once a day."""
    fsync: bool = False
    """Whether bytes and rows are on the disk before a request is answered, so that they survive a loss of power."""
    exit_with_stdin: bool = False
    """Whether the server ends when its standard input is closed."""
