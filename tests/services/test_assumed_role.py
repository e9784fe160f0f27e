"""What is asked of STS for a browser, and when: the clock, the credentials and the settings are those of the place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction

from uploads import services
from uploads.conf import settings as app_settings
from uploads.connection import oss_clock
from uploads.domain.errors import NotOffered, StorageRefused
from uploads.oss.clock import ServerClock, utcnow
from uploads.oss.errors import Refused
from uploads.oss.providers import FixedCredentials
from uploads.oss.signing import Credentials
from uploads.oss.sts import MAX_POLICY_CHARACTERS, AssumeRole, TemporaryCredentials
from uploads.services.assumed_role import Scope, _lock_of, assumed_role
from uploads.services.transactions import CalledInTransaction

pytestmark = pytest.mark.django_db

MODULE = import_module("uploads.services.assumed_role")

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

    monkeypatch.setattr(MODULE, "assume_role", assume_role)
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
    monkeypatch.setattr(MODULE, "assume_role", refuse)
    with pytest.raises(StorageRefused) as caught:
        services.issue_prefix_credentials(user, "films")
    assert "BUCKETS['films']['role']" in str(caught.value.advice)


# The cache


@pytest.fixture
def scope(site: Site) -> Scope:
    site(timedelta(days=1))
    return Scope(app_settings.place("films"), "slot", "{}", 3600, lambda until: None)


def test_they_are_given_again_until_a_third_of_their_life_is_left_at_the_place(
    user: Any, scope: Scope, requests: list[AssumeRole], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = oss_clock(scope.place)
    start, first = clock.now(), assumed_role(user, scope)
    for seconds, is_kept in ((2399, True), (2400, False)):
        monkeypatch.setattr(clock, "local", lambda seconds=seconds: start + timedelta(seconds=seconds))
        assert (assumed_role(user, scope) == first) is is_kept


@pytest.mark.parametrize(
    "changed",
    [
        lambda scope: replace(scope, policy="[]"),
        lambda scope: replace(scope, seconds=1800),
        lambda scope: replace(scope, place=replace(scope.place, role="acs:ram::1:role/other")),
        lambda scope: replace(scope, place=replace(scope.place, sts_endpoint="https://sts.example.com")),
    ],
)
def test_they_are_not_given_to_whoever_may_have_others(
    user: Any, scope: Scope, requests: list[AssumeRole], changed: Callable[[Scope], Scope]
) -> None:
    first = assumed_role(user, scope)
    assert assumed_role(user, scope) == first
    assert assumed_role(user, changed(scope)) != first


def test_within_a_transaction_there_are_only_those_that_are_cached(
    user: Any, scope: Scope, requests: list[AssumeRole]
) -> None:
    """STS is not asked there: the transaction would wait for it."""
    with transaction.atomic(), pytest.raises(CalledInTransaction):
        assumed_role(user, scope)
    first = assumed_role(user, scope)
    with transaction.atomic():
        assert assumed_role(user, scope) == first


def test_sts_is_asked_once_by_all_who_wait_for_the_same(
    user: Any, scope: Scope, requests: list[AssumeRole], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, waited = [], []

    @contextmanager
    def lock_of(slot: str) -> Iterator[None]:
        """Somebody else was first."""
        waited.append(slot)
        if len(waited) == 1:
            first.append(assumed_role(user, scope))
        yield

    monkeypatch.setattr(MODULE, "_lock_of", lock_of)
    assert [assumed_role(user, scope)] == first
    assert (len(requests), waited) == (1, ["slot", "slot"])


def test_who_waits_for_one_entry_does_not_keep_up_the_others() -> None:
    assert _lock_of("upload:1") is _lock_of("upload:1")
    assert len({id(_lock_of(f"upload:{number}")) for number in range(1000)}) > 1


def test_the_longest_policy_is_sent(user: Any, scope: Scope, requests: list[AssumeRole]) -> None:
    assumed_role(user, replace(scope, policy="x" * MAX_POLICY_CHARACTERS))
    with pytest.raises(NotOffered, match="too long"):
        assumed_role(user, replace(scope, policy="x" * (MAX_POLICY_CHARACTERS + 1)))
    assert len(requests) == 1
