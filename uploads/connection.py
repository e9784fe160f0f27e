"""The OSS client of this process, made from the settings.

Rule: one client, with one connection pool, for each endpoint, region and key pair; in a running site that is one. All
share one clock. When Django announces that `UPLOADS` changed (in tests), all clients are closed and the clock is new.
"""

from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from uploads import telemetry
from uploads.conf import settings
from uploads.oss.client import OssClient
from uploads.oss.clock import ServerClock
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import StorageError
from uploads.oss.signing import Credentials

_clients: dict[tuple[Endpoint, str, Credentials], OssClient] = {}
_lock = Lock()
_synchronizing = Lock()
_clock = ServerClock()


def oss_clock() -> ServerClock:
    """The clock of this process, which learns OSS's time from each answer."""
    return _clock


def oss_now() -> datetime:
    """The time at OSS, for signatures. A process that has not heard of OSS yet asks once, and does not wait twice."""
    clock = oss_clock()
    if not clock.known and _synchronizing.acquire(blocking=False):
        try:
            with suppress(StorageError):
                oss_client().synchronize()
        finally:
            clock.ask_no_more()
            _synchronizing.release()
    return clock.now()


def oss_client() -> OssClient:
    """The client for the backend's own calls; thread-safe. Raises ValueError when an endpoint is malformed."""
    return _client(settings.internal_endpoint)


def browser_client() -> OssClient:
    """The client for the address that browsers use; as `oss_client` otherwise."""
    return _client(settings.endpoint)


def _client(endpoint: Endpoint) -> OssClient:
    key = (endpoint, settings.region, settings.credentials)
    with _lock:
        if key not in _clients:
            _clients[key] = OssClient(*key, clock=oss_clock(), observe=telemetry.oss_call)
        return _clients[key]


@receiver(setting_changed)
def _close_all(*, setting: str, **_: Any) -> None:
    global _clock
    if setting == "UPLOADS":
        with _lock:
            _clock = ServerClock()
            for client in _clients.values():
                client.close()
            _clients.clear()
