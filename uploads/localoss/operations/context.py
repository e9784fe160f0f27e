"""The argument of every operation.

Rule: the clock is read once for a request.
"""

from dataclasses import dataclass
from datetime import datetime

from uploads.localoss.auth import Identity
from uploads.localoss.callbacks import CallbackClient
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import KeyRing
from uploads.localoss.request import Request
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket


@dataclass(frozen=True, slots=True)
class Context:
    """A request, the server's parts that it needs, and the time. `found` is the bucket, None if it does not exist."""

    request: Request
    config: Config
    store: Store
    keys: KeyRing
    callback_client: CallbackClient
    identity: Identity
    now: datetime
    found: Bucket | None

    @property
    def bucket(self) -> Bucket:
        """The bucket of the request. Refusal (NoSuchBucket) if it does not exist."""
        if self.found is None:
            raise Refusal("NoSuchBucket", {"BucketName": self.request.bucket})
        return self.found

    @property
    def milliseconds(self) -> int:
        """The time in milliseconds since 1970."""
        return int(self.now.timestamp() * 1000)
