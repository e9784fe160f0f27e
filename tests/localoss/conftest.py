"""A bucket of its own for each test, on the session's server."""

import secrets
from collections.abc import Iterator

import pytest

from tests.localoss.support import Wire, refused
from uploads.localoss.testing import LocalServer


@pytest.fixture
def wire(oss_server: LocalServer) -> Iterator[Wire]:
    with Wire(oss_server, f"bucket-{secrets.token_hex(6)}") as wire:
        assert wire.call("PUT").status_code == 200
        yield wire


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server whose data directory lies in directories that the test checks afterwards."""
    around = tmp_path_factory.mktemp("around")
    with LocalServer(around / "deep" / "er" / "root") as server, Wire(server, server.bucket) as wire:
        yield wire


@pytest.fixture
def fresh(wire: Wire) -> Iterator[Wire]:
    """`wire`; the key `never` must not exist after the test."""
    yield wire
    refused(wire.call("HEAD", "never"), 404, "NoSuchKey")
