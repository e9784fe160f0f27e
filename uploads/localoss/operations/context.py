"""What every operation is given. Rule: the clock is read once, at the door."""

from dataclasses import dataclass
from datetime import datetime

from uploads.localoss.auth import Identity
from uploads.localoss.callbacks import Caller
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import KeyRing
from uploads.localoss.request import Request
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket


@dataclass(frozen=True, slots=True)
class Context:
    request: Request
    config: Config
    store: Store
    keys: KeyRing
    caller: Caller
    identity: Identity
    now: datetime
    found: Bucket | None

    @property
    def bucket(self) -> Bucket:
        """The bucket of the request; operations on one that does not exist never start."""
        if self.found is None:
            raise Refusal("NoSuchBucket", {"BucketName": self.request.bucket})
        return self.found

    @property
    def milliseconds(self) -> int:
        return int(self.now.timestamp() * 1000)
