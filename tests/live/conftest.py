"""A bucket of its own on the session's local OSS, and a session of the suite there."""

import secrets
from collections.abc import Iterator

import pytest

from tests.live import session, target
from tests.live.session import Session
from tests.localoss.support import Wire
from uploads.localoss.testing import LocalServer


@pytest.fixture(scope="module")
def live(oss_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    bucket = f"live-{secrets.token_hex(6)}"
    with Wire(oss_server, bucket) as wire:
        assert wire.call("PUT").status_code == 200
    with session.opened(target.local(oss_server, bucket), tmp_path_factory.mktemp("live")) as opened:
        yield opened
