"""A local server for Alibaba Cloud's OSS and STS protocols, for development and tests.

A request passes server → application → request (address) → routes → auth → access → operations → store.

Rule: every answer is the one that OSS gives. An operation that is not implemented answers 501 NotImplemented. Page
names in docstrings, such as "UploadPart", are those of Alibaba Cloud's OSS manual.

Importing this package needs nothing but Python. The server needs the packages of the extra `localoss`.
"""
