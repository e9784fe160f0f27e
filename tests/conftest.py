"""Fixtures for all: a real local OSS server a session, and a clean place in it for each test."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from tests.stack import client_for
from uploads import services
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.client import OssClient

VECTORS = Path(__file__).parent / "vectors"


def vectors(name: str) -> Any:
    """One of the vendors' files."""
    return json.loads((VECTORS / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def oss_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def oss(oss_server: LocalServer, settings: Any) -> Iterator[OssClient]:
    """The app's settings name the local server; the client is one of the test's own, to look behind the app."""
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": oss_server.url}
    client = client_for(oss_server)
    yield client
    client.close()


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create_user("ann", password="ann")


@pytest.fixture
def other_user(db: None) -> Any:
    return get_user_model().objects.create_user("bob", password="bob")


@pytest.fixture
def api(user: Any) -> APIClient:
    """A client logged in as `user`, CSRF checked as in a browser's absence: not."""
    client = APIClient()
    client.force_authenticate(user)
    return client


Begin = Callable[..., Upload]
Place = Callable[..., None]


@pytest.fixture
def place(settings: Any) -> Place:
    """Make the default destination so."""

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
