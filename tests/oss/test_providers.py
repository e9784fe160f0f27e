"""The cache of the server's credentials: when it asks for others, how often, and what it does when none come."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from uploads.oss import credential_sources
from uploads.oss.credential_sources import Source, source_from
from uploads.oss.errors import CredentialsUnavailable
from uploads.oss.providers import FixedCredentials, RenewedCredentials, is_refusal, provider_from
from uploads.oss.signing import Credentials

NOW = datetime(2026, 1, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Origin:
    """Gives numbered credentials of `life`; fails while `failing`; waits for `gate` if there is one."""

    def __init__(self, life: timedelta | None = 15 * MINUTE) -> None:
        self.now = NOW
        self.seconds = 0.0
        self.life = life
        self.calls = 0
        self.failing = False
        self.gate: threading.Event | None = None
        self.provider = RenewedCredentials(Source("test", self.fetch, of_vendor=True), monotonic=lambda: self.seconds)

    def fetch(self) -> Credentials:
        self.calls += 1
        if self.gate:
            assert self.gate.wait(20)
        if self.failing:
            raise RuntimeError('http_code: 404, result: {"Code": "NoSuchRole", "AccessKeySecret": "hidden"}')
        token, end = ("token", self.now + self.life) if self.life else (None, None)
        return Credentials(f"key-{self.calls}", "secret", token, end)

    def later(self, by: timedelta) -> str:
        """The key id of the credentials after so much time."""
        self.now += by
        self.seconds += by.total_seconds()
        return self.provider.credentials(self.now).access_key_id

    def renewed(self, number: int) -> None:
        """Waits until the background renewal has put these credentials in place."""
        wait_until(lambda: self.later(timedelta()) == f"key-{number}")


def wait_until(condition: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(2000):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("the condition did not come true")


def test_credentials_of_the_settings_are_given_as_they_are() -> None:
    provider = provider_from({"type": "sts", "access_key_id": "i", "access_key_secret": "s", "security_token": "t",
                              "expires_at": "2026-01-15T09:30:00Z"})  # fmt: skip
    held = Credentials("i", "s", "t", datetime(2026, 1, 15, 9, 30, tzinfo=UTC))
    assert provider == FixedCredentials(held)
    assert (provider.credentials(), provider.renew(held)) == (held, False)


def test_they_are_fetched_once_and_renewed_in_the_background() -> None:
    origin = Origin()
    assert {origin.later(timedelta()) for _ in range(100)} == {"key-1"}
    assert origin.calls == 1
    origin.gate = threading.Event()
    assert {origin.later(timedelta(seconds=1)) for _ in range(400)} == {"key-1"}, "nobody waits for the renewal"
    wait_until(lambda: origin.calls == 2)
    origin.gate.set()
    origin.renewed(2)
    assert origin.calls == 2


def test_what_is_signed_can_live_for_five_minutes() -> None:
    """After any pause, and however often it is asked."""
    for pause in (1, 30, 250, 400, 599, 600, 700, 899, 900, 5000):
        origin = Origin()
        origin.later(timedelta())
        for _ in range(20):
            origin.later(timedelta(seconds=pause))
            held = origin.provider.credentials(origin.now)
            assert held.expires_at is not None
            assert held.expires_at - origin.now >= timedelta(seconds=299)


def test_many_threads_ask_the_origin_once() -> None:
    origin = Origin()
    origin.gate = threading.Event()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(origin.later(timedelta()))) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_until(lambda: origin.calls == 1)
    origin.gate.set()
    for thread in threads:
        thread.join(20)
    assert (found, origin.calls) == (["key-1"] * 20, 1)


def test_a_failing_origin_is_asked_with_growing_pauses_while_the_credentials_last() -> None:
    origin = Origin(timedelta(hours=6))
    origin.later(timedelta())
    origin.failing = True
    for _ in range(6 * 3600 - 1):
        assert origin.later(timedelta(seconds=1)) == "key-1"
    assert origin.calls < 60, "half an hour, at most one request a minute after the first"
    with pytest.raises(CredentialsUnavailable):
        origin.later(timedelta(seconds=1))
    asked = origin.calls
    for _ in range(10):
        with pytest.raises(CredentialsUnavailable):
            origin.later(timedelta())
    assert origin.calls <= asked + 1, "those who ask in between are not kept waiting"
    origin.failing = False
    assert origin.later(2 * MINUTE).startswith("key-")


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What the providers log. The pure tests run without pytest's `caplog`."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("uploads.credentials")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def test_a_failure_is_told_without_the_response(logged: list[logging.LogRecord]) -> None:
    origin = Origin()
    origin.failing = True
    with pytest.raises(CredentialsUnavailable, match=r"from test\. RuntimeError 404 NoSuchRole\.") as caught:
        origin.later(timedelta())
    text = logging.Formatter().format(logged[0])
    assert "NoSuchRole" in text
    assert "hidden" not in text + str(caught.value)
    assert caught.value.retryable
    assert not caught.value.sent


def test_a_key_that_does_not_expire_is_asked_for_again() -> None:
    """A secret manager may have replaced it."""
    origin = Origin(life=None)
    assert origin.later(timedelta()) == "key-1"
    assert origin.later(4 * MINUTE) == "key-1"
    origin.later(2 * MINUTE)
    origin.renewed(2)


def test_refused_credentials_are_renewed_once() -> None:
    origin = Origin()
    first = origin.provider.credentials(origin.now)
    origin.seconds += 10
    assert origin.provider.renew(first, origin.now)
    assert origin.provider.renew(first, origin.now), "another thread's request was refused as well"
    assert origin.calls == 2
    second = origin.provider.credentials(origin.now)
    assert not origin.provider.renew(second, origin.now), "it was asked just now"
    assert origin.calls == 2
    origin.failing = True
    origin.seconds += 10
    assert not origin.provider.renew(second, origin.now)


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("SecurityTokenExpired", True),
        ("InvalidSecurityToken", True),
        ("InvalidSecurityToken.Expired", True),
        ("InvalidAccessKeyId.NotFound", True),
        ("AccessDenied", False),
        ("SignatureDoesNotMatch", False),
    ],
)
def test_refusals(code: str, refused: bool) -> None:
    assert is_refusal(code) is refused


def test_a_forked_process_renews_by_itself() -> None:
    """The parent's renewal is under way when it forks: its thread and its lock are not the child's."""
    origin = Origin()
    origin.gate = threading.Event()
    renewal = threading.Thread(target=lambda: origin.later(timedelta()))
    renewal.start()
    wait_until(lambda: origin.calls == 1)
    child = os.fork()
    if not child:
        try:
            origin.gate = None
            os._exit(0 if origin.later(timedelta()) == "key-2" else 1)
        finally:
            os._exit(2)
    origin.gate.set()
    renewal.join(20)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert origin.later(timedelta()) == "key-1"


# The values of the setting


def rotating() -> dict[str, object]:
    return {"access_key_id": "i", "access_key_secret": "s", "security_token": "t", "expires_at": NOW}


@pytest.mark.parametrize("value", ["tests.oss.test_providers.rotating", rotating], ids=["path", "function"])
def test_a_function_gives_credentials(value: Any) -> None:
    source = source_from(value)
    assert isinstance(source, Source)
    assert source.fetch() == Credentials("i", "s", "t", NOW)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "neither a type"),
        (5, "neither a type"),
        ("ecs", "'ecs' is not one of access_key, sts, ecs_ram_role"),
        ({}, "None is not one of"),
        ({"type": "access_key", "access_key_id": "i"}, "access_key_secret is missing"),
        ({"type": "sts", "access_key_id": "i", "access_key_secret": "s"}, "security_token is missing"),
        ({"type": "ecs_ram_role", "role": "x"}, "'role' is not an option of this type; the options are: role_name"),
        ("oidc_role_arn", "role_arn is missing .or set ALIBABA_CLOUD_ROLE_ARN"),
        ("credentials_uri", "uri is missing .or set ALIBABA_CLOUD_CREDENTIALS_URI"),
        ("nowhere.at_all", "cannot be imported"),
        ("tests.oss.test_providers.missing", "cannot be imported"),
        ("tests.oss.test_providers.NOW", "is not a function"),
        ({"type": "sts", "access_key_id": "i", "access_key_secret": "s", "security_token": "t", "expires_at": "x"},
         "expires_at is not a time"),
    ],
)  # fmt: skip
def test_malformed_values(value: object, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in credential_sources.KINDS.values():
        for variable in kind.variables.values():
            monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ValueError, match=reason) as caught:
        source_from(value)
    assert "'s'" not in str(caught.value)


@pytest.mark.parametrize("result", [None, {}, {"access_key_id": "i"}, {"access_key_id": 1, "access_key_secret": "s"}])
def test_a_function_that_returns_something_else_is_a_failure(result: object) -> None:
    with pytest.raises(CredentialsUnavailable, match="ValueError"):
        provider_from(lambda: result).credentials(NOW)
