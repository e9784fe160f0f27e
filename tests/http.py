"""httpx's functions and client, for tests on busy machines.

httpx's own time limit, 5 seconds, is too short for two loaded cores. And httpx reads the certificates of all
authorities anew for each client and each call, which takes 70 ms of CPU time: here they are read once.
"""

import ssl
from functools import partial

import httpx

TIMEOUT = 120.0
"""Seconds. Longer than anything takes on a busy machine: a timeout here means that something hangs."""

TLS: ssl.SSLContext = httpx.create_ssl_context()

get = partial(httpx.get, timeout=TIMEOUT, verify=TLS)
head = partial(httpx.head, timeout=TIMEOUT, verify=TLS)
options = partial(httpx.options, timeout=TIMEOUT, verify=TLS)
post = partial(httpx.post, timeout=TIMEOUT, verify=TLS)
put = partial(httpx.put, timeout=TIMEOUT, verify=TLS)
delete = partial(httpx.delete, timeout=TIMEOUT, verify=TLS)
request = partial(httpx.request, timeout=TIMEOUT, verify=TLS)
stream = partial(httpx.stream, timeout=TIMEOUT, verify=TLS)
Client = partial(httpx.Client, timeout=TIMEOUT, verify=TLS)
