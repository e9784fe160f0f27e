"""The OSS client of this process, made from the settings.

Rule: one client (and one connection pool) a process; it is made anew when the settings change.
"""

from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver

from uploads.conf import settings
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.oss.signing import Credentials


def oss_client() -> OssClient:
    """For the backend's own calls; thread-safe."""
    return _client(settings.internal_endpoint, settings.region, settings.credentials)


@lru_cache(maxsize=4)
def _client(endpoint: Endpoint, region: str, credentials: Credentials) -> OssClient:
    return OssClient(endpoint, region, credentials)


@receiver(setting_changed)
def _forget(*, setting: str, **_: Any) -> None:
    if setting == "UPLOADS":
        _client.cache_clear()
