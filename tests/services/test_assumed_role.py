"""What is asked of STS for a browser, and when: the clock, the credentials and the settings are those of the place."""

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.core.cache import cache

from uploads import services
from uploads.conf import settings as app_settings
from uploads.connection import oss_clock
from uploads.domain.errors import StorageRefused
from uploads.oss.clock import ServerClock, utcnow
from uploads.oss.errors import Refused
from uploads.oss.providers import FixedCredentials
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole, TemporaryCredentials

pytestmark = pytest.mark.django_db

AHEAD = timedelta(hours=2)
"""By so much is OSS's time in this region ahead of this machine's."""
Site = Callable[[timedelta], list[datetime | None]]


@pytest.fixture
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Gives the site a place whose server credentials end after `life`. Returns the times for which they are asked."""
    cache.clear()

    def site(life: timedelta) -> list[datetime | None]:
        now = utcnow() + AHEAD
        temporary = {"type": "sts", "access_key_id": "id", "access_key_secret": "secret", "security_token": "token"}
        films = {"bucket": "films-bj", "endpoint": "https://oss-cn-beijing.aliyuncs.com", "region": "cn-beijing"}
        films["role"], expires = "acs:ram::1:role/films", (now + life).isoformat()
        settings.UPLOADS = {
            **settings.UPLOADS,
            "BUCKETS": {"films": {**films, "credentials": {**temporary, "expires_at": expires}}},
            "DESTINATIONS": {"films": {"bucket": "films", "credentials": "prefix"}},
        }
        monkeypatch.setattr(oss_clock(app_settings.place("films")), "local", lambda: now)
        asked: list[datetime | None] = []

        def credentials(self: FixedCredentials, now: datetime | None = None) -> Credentials:
            asked.append(now)
            return self.held

        monkeypatch.setattr(FixedCredentials, "credentials", credentials)
        return asked

    return site


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[AssumeRole]:
    """What STS is asked for. It issues that."""
    requests: list[AssumeRole] = []

    def assume_role(endpoint: str, provider: Any, request: AssumeRole, *, clock: ServerClock) -> TemporaryCredentials:
        requests.append(request)
        given = Credentials(f"id-{len(requests)}", "secret", "token")
        return TemporaryCredentials(given, clock.now() + timedelta(seconds=request.duration_seconds))

    monkeypatch.setattr(import_module("uploads.services.assumed_role"), "assume_role", assume_role)
    return requests


@pytest.mark.parametrize(("left", "seconds"), [(3600, 3600), (1200, 1200), (900, 900), (300, 900)])
def test_they_end_no_later_than_the_servers_own(
    user: Any, site: Site, requests: list[AssumeRole], left: int, seconds: int
) -> None:
    """STS issues none for less than 900 seconds: they are told to end earlier than they do."""
    asked, now = site(timedelta(seconds=left)), oss_clock(app_settings.place("films")).now()
    issued = services.issue_prefix_credentials(user, "films")
    assert [request.duration_seconds for request in requests] == [seconds]
    assert issued.expires_at == now + timedelta(seconds=left)
    assert asked == [now]


def test_what_sts_refuses_names_the_setting_of_the_place(
    user: Any, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise Refused("The role does not exist.", status=400, code="EntityNotExist.Role")

    site(timedelta(hours=1))
    monkeypatch.setattr(import_module("uploads.services.assumed_role"), "assume_role", refuse)
    with pytest.raises(StorageRefused) as caught:
        services.issue_prefix_credentials(user, "films")
    assert "BUCKETS['films']['role']" in str(caught.value.advice)
