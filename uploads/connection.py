"""The OSS client of this process, made from the settings.

Rule: one client (and one connection pool) a process; it is made anew when the settings change.
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
    """For the backend's own calls; thread-safe."""
    wanted = (settings.internal_endpoint, settings.region, settings.credentials)
    with _lock:
        if wanted not in _clients:
            _clients[wanted] = OssClient(*wanted, observe=telemetry.oss_call)
        return _clients[wanted]


@receiver(setting_changed)
def _forget(*, setting: str, **_: Any) -> None:
    """Settings change in tests alone."""
    if setting == "UPLOADS":
        with _lock:
            for client in _clients.values():
                client.close()
            _clients.clear()
