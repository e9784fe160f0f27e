"""Fixtures of the tests that need Django; `tests/conftest.py` loads them where pytest-django is active."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.test import APIClient

from tests.openapi import check_answer
from tests.stack import client_for
from uploads import services
from uploads.localoss.testing import LocalServer
from uploads.models import PrefixCredentials, Upload
from uploads.oss.client import OssClient

Begin = Callable[..., Upload]
Place = Callable[..., None]
PATIENCE = 120.0
PATIENT: dict[str, Any] = {
    "uploads.oss.browser_calls.BROWSER_TIMEOUT": httpx.Timeout(PATIENCE),
    "uploads.oss.transport.QUICK_TIMEOUT": httpx.Timeout(PATIENCE),
    "uploads.oss.transport.SYNCHRONIZE_TIMEOUT": httpx.Timeout(PATIENCE),
    "uploads.services.callback.FETCH_SECONDS": PATIENCE,
    "uploads.services.issuer_keys.FETCH_SECONDS": PATIENCE,
    "uploads.services.removals.SECONDS": 4 * PATIENCE,
}
"""Limits of a few seconds, which a busy machine exceeds without a fault. A removal uses a quarter for each step."""
AS_THEY_ARE = {name: resolve_name(name) for name in PATIENT}


@pytest.fixture(autouse=True, scope="session")
def answers_are_as_described() -> Iterator[None]:
    """Compare every answer of the API's test client with the OpenAPI schema."""
    send = APIClient.generic

    def generic(client: APIClient, method: str, path: str, data: Any = "", *args: Any, **kwargs: Any) -> Any:
        answer = send(client, method, path, data, *args, **kwargs)
        check_answer(answer, data)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(APIClient, "generic", generic)
        yield


@pytest.fixture(autouse=True, scope="session")
def long_limits() -> Iterator[None]:
    """Whatever answers at all is waited for."""
    with limits(PATIENT):
        yield


@pytest.fixture
def impatient() -> Iterator[None]:
    """The limits as they are, for tests of what never answers."""
    with limits(AS_THEY_ARE):
        yield


def hold_prefix(user: Any, bucket: str, prefix: str) -> None:
    """Note that the user holds credentials for this prefix, for an hour from now."""
    now = timezone.now()
    PrefixCredentials.objects.extend(user, "default", bucket, prefix, now + timedelta(hours=1), now)


@contextmanager
def limits(values: dict[str, Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(name, value)
        yield


@pytest.fixture
def oss(oss_server: LocalServer, settings: Any) -> Iterator[OssClient]:
    """A client of the local OSS server that the app's settings name, to look behind the app."""
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": oss_server.url}
    client = client_for(oss_server)
    # Tests share the bucket, in any order. Some of them set the rule that nothing is replaced.
    client.put_overwrite(oss_server.bucket, None)
    yield client
    client.close()


USER_IDS = itertools.count(1_000_000, 1000)
"""SQLite gives the id of a user whose creation was undone to the next one. Tests share the bucket, where a prefix with
that id has the objects of all of them."""


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create_user("ann", password="ann", pk=next(USER_IDS))


@pytest.fixture
def other_user(db: None) -> Any:
    return get_user_model().objects.create_user("bob", password="bob", pk=next(USER_IDS))


@pytest.fixture
def api(user: Any) -> APIClient:
    """A client logged in as `user`. It is not asked for a CSRF token."""
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def place(settings: Any) -> Place:
    """Replace the settings of the default destination."""

    def place(**values: Any) -> None:
        settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": values}}

    return place


@pytest.fixture
def begin(user: Any, oss: OssClient) -> Begin:
    """Begin an upload of `size` bytes as `user`."""

    def begin(size: int | None = 20_000_000, **values: Any) -> Upload:
        values = {"destination": "default", "filename": "film.mp4", "content_type": "video/mp4"} | values
        return services.begin(user, services.UploadRequest(size=size, **values))

    return begin
