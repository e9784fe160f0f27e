"""The OSS client of this process, made from the settings.

Rule: one client, with one connection pool, for each endpoint, region and key pair; in a running site that is one. When
Django announces that `UPLOADS` changed (in tests), all clients are closed.
"""

from threading import Lock
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from uploads import telemetry
from uploads.conf import settings
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.signing import Credentials

_clients: dict[tuple[Endpoint, str, Credentials], OssClient] = {}
_lock = Lock()


def oss_client() -> OssClient:
    """The client for the backend's own calls; thread-safe. Raises ValueError when an endpoint is malformed."""
    key = (settings.internal_endpoint, settings.region, settings.credentials)
    with _lock:
        if key not in _clients:
            _clients[key] = OssClient(*key, observe=telemetry.oss_call)
        return _clients[key]


@receiver(setting_changed)
def _close_all(*, setting: str, **_: Any) -> None:
    if setting == "UPLOADS":
        with _lock:
            for client in _clients.values():
                client.close()
            _clients.clear()
