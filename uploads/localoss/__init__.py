"""A local server for Alibaba Cloud's OSS and STS protocols, for development and tests.

A request passes server → application → request (address) → routes → auth → access → operations → store.

Rule: every answer is the one that OSS gives. An operation that is not implemented answers 501 NotImplemented. Page
names in docstrings, such as "UploadPart", are those of Alibaba Cloud's OSS manual.
"""

from uploads.localoss.application import LocalOss
from uploads.localoss.config import Config
from uploads.localoss.server import serve

__all__ = ["Config", "LocalOss", "serve"]
