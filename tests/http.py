"""httpx's functions with a timeout for busy machines. httpx's own, 5 seconds, is too short for two loaded cores."""

from functools import partial

import httpx

TIMEOUT = 120.0
"""Seconds. Longer than anything takes on a busy machine: a timeout here means that something hangs."""

get = partial(httpx.get, timeout=TIMEOUT)
head = partial(httpx.head, timeout=TIMEOUT)
options = partial(httpx.options, timeout=TIMEOUT)
post = partial(httpx.post, timeout=TIMEOUT)
put = partial(httpx.put, timeout=TIMEOUT)
delete = partial(httpx.delete, timeout=TIMEOUT)
request = partial(httpx.request, timeout=TIMEOUT)
stream = partial(httpx.stream, timeout=TIMEOUT)
Client = partial(httpx.Client, timeout=TIMEOUT)
