"""The OSS clients of this process, made from the settings.

Rule: one client, with one connection pool, for each endpoint, region and provider of credentials; one clock for each
endpoint. When Django announces that `UPLOADS` changed (in tests), all clients are closed and the clocks are new.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from uploads import telemetry
from uploads.conf import settings
from uploads.domain.places import Place
from uploads.oss.client import OssClient
from uploads.oss.clock import ServerClock
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import StorageError
from uploads.oss.providers import CredentialsProvider

_clients: dict[tuple[Endpoint, str, CredentialsProvider], OssClient] = {}
_clocks: dict[Endpoint, ServerClock] = {}
_lock = Lock()
_synchronizing = Lock()


def oss_clock(place: Place | None = None) -> ServerClock:
    """The clock of this process for a place, which learns OSS's time from each answer; of the default place if None."""
    endpoint = (place or settings.place()).internal_endpoint
    with _lock:
        return _clocks.setdefault(endpoint, ServerClock())


def oss_offset(place: Place | None = None) -> timedelta:
    """OSS's time minus this machine's. A process that has not heard of OSS yet asks once, and does not wait twice."""
    clock = oss_clock(place)
    if not clock.known and _synchronizing.acquire(blocking=False):
        try:
            with suppress(StorageError):
                oss_client(place).synchronize()
        finally:
            clock.ask_no_more()
            _synchronizing.release()
    return clock.offset


def oss_now(place: Place | None = None) -> datetime:
    """The time at OSS: for signatures, and for ages of what OSS has. As `oss_offset` otherwise."""
    offset = oss_offset(place)
    return oss_clock(place).local() + offset


def oss_client(place: Place | None = None) -> OssClient:
    """The client for the backend's own calls to a place; thread-safe. None: to the default place.

    Raises ValueError when an endpoint is malformed.
    """
    place = place or settings.place()
    return _client(place, place.internal_endpoint)


def browser_client(place: Place, endpoint: Endpoint | None = None) -> OssClient:
    """The client for an endpoint of a place that browsers use, its first one if None; as `oss_client` otherwise."""
    return _client(place, endpoint or place.endpoint)


def _client(place: Place, endpoint: Endpoint) -> OssClient:
    clock = oss_clock(place)
    key = (endpoint, place.region, place.credentials)
    with _lock:
        if key not in _clients:
            _clients[key] = OssClient(*key, clock=clock, observe=telemetry.oss_call)
        client = _clients[key]
    return client.naming(place.setting_names) if place.setting_names else client


@receiver(setting_changed)
def _close_all(*, setting: str, **_: Any) -> None:
    if setting == "UPLOADS":
        with _lock:
            _clocks.clear()
            for client in _clients.values():
                client.close()
            _clients.clear()
