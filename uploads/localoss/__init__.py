"""A local server that speaks Alibaba Cloud OSS, so that nothing else is needed to develop against it.

A request's way: server → application → request (address) → routes → auth → access → operations → store.

Rule: what a user of OSS can see here is what OSS shows; what is not built yet says 501, never something else.
"""

from uploads.localoss.application import LocalOss
from uploads.localoss.config import Config
from uploads.localoss.server import serve

__all__ = ["Config", "LocalOss", "serve"]
