"""The argument of every operation.

Rule: the clock is read once for a request.
"""

from dataclasses import dataclass
from datetime import datetime

from uploads.localoss.auth import Identity
from uploads.localoss.callbacks import CallbackClient
from uploads.localoss.config import Config
from uploads.localoss.endpoints import Endpoint
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import KeyRing
from uploads.localoss.request import Request
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket


@dataclass(frozen=True, slots=True)
class Context:
    """A request, the server's parts that it needs, and the time. `found` is the bucket, None if it does not exist.
    `account_rules` are the names of the rules that hold, `endpoint` the one that the request was sent to."""

    request: Request
    config: Config
    store: Store
    keys: KeyRing
    callback_client: CallbackClient
    identity: Identity
    now: datetime
    found: Bucket | None
    account_rules: frozenset[str]
    endpoint: Endpoint

    @property
    def bucket(self) -> Bucket:
        """The bucket of the request. Refusal (NoSuchBucket) if it does not exist."""
        if self.found is None:
            raise Refusal("NoSuchBucket", {"BucketName": self.request.bucket})
        return self.found

    @property
    def region(self) -> str:
        """The region of the endpoint."""
        return self.endpoint.region or self.config.region

    def region_of(self, bucket: Bucket) -> str:
        """The region of a bucket."""
        return bucket.settings.region or self.config.region

    @property
    def blocks_public_access(self) -> bool:
        """Whether Block Public Access is enabled for the bucket or the account (OSS manual: "Block Public Access")."""
        blocked = self.found is not None and self.found.settings.block_public_access
        return blocked or bool(self.store.account.block_public_access)

    @property
    def milliseconds(self) -> int:
        """The time in milliseconds since 1970."""
        return int(self.now.timestamp() * 1000)
