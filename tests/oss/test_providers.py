"""The cache of the server's credentials: when it asks for others, how often, and what it does when none come."""

import importlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from uploads.oss import credential_sources, vendor_credentials
from uploads.oss.credential_sources import VENDOR_MARGIN, Source, source_from
from uploads.oss.errors import CredentialsUnavailable
from uploads.oss.providers import ASK_AGAIN, FixedCredentials, RenewedCredentials, is_refusal, provider_from
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
        signal.alarm(60)  # A child that waits for its parent's lock waits for ever.
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


# What the vendor's package caches by itself


def profile(path: Path, key: str) -> dict[str, str]:
    """A value of the setting, whose profile holds this key pair."""
    path.write_text(f"[site]\ntype = access_key\naccess_key_id = {key}\naccess_key_secret = hidden-{key}\n")
    return {"type": "profile", "profile_name": "site", "profile_file": str(path)}


def patient(value: object, monkeypatch: pytest.MonkeyPatch) -> tuple[RenewedCredentials, Callable[[float], None]]:
    """The provider of a value, and what moves its time."""
    provider = provider_from(value)
    assert isinstance(provider, RenewedCredentials)
    passed = [0.0]
    monkeypatch.setattr(provider, "_monotonic", lambda: passed[0])

    def later(seconds: float) -> None:
        passed[0] += seconds

    return provider, later


def test_a_key_that_is_replaced_in_its_profile_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "credentials.ini"
    provider, later = patient(profile(path, "first"), monkeypatch)
    assert provider.credentials() == Credentials("first", "hidden-first")
    profile(path, "second")
    assert provider.credentials().access_key_id == "first"
    later(ASK_AGAIN + 1)
    wait_until(lambda: provider.credentials().access_key_id == "second")


def test_a_key_of_a_profile_that_is_refused_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "credentials.ini"
    provider, later = patient(profile(path, "first"), monkeypatch)
    refused = provider.credentials()
    later(10)
    assert not provider.renew(refused), "the file has not changed"
    profile(path, "second")
    later(10)
    assert provider.renew(refused)
    assert provider.credentials().access_key_id == "second"


def test_a_profile_that_is_missing_is_told_without_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[logging.LogRecord]
) -> None:
    path = tmp_path / "credentials.ini"
    value = profile(path, "first")
    path.write_text("[other]\naccess_key_secret = hidden\n")
    provider, later = patient(value, monkeypatch)
    with pytest.raises(CredentialsUnavailable, match="not available from profile"):
        provider.credentials()
    assert "hidden" not in "".join(record.getMessage() for record in logged)
    profile(path, "mended")
    later(10)
    assert provider.credentials().access_key_id == "mended"


def test_temporary_credentials_without_an_expiry_are_asked_for_again_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's profiles and its default chain do not tell when credentials expire, but renew them by themselves."""
    made: list[Vendor] = []

    def vendor(*_: object, **__: object) -> Vendor:
        made.append(Vendor(f"key-{len(made)}"))
        return made[-1]

    monkeypatch.setattr(vendor_credentials, "provider", vendor)
    provider, later = patient("default", monkeypatch)
    first = provider.credentials(NOW)
    assert first == Credentials("key-0", "secret", "token", NOW + VENDOR_MARGIN)
    later(10 * 60)
    again = provider.credentials(NOW + 11 * MINUTE)
    assert (again.access_key_id, again.expires_at) == ("key-0", NOW + 26 * MINUTE), "the vendor's object is kept"
    later(10)
    assert provider.renew(first, NOW + 11 * MINUTE), "they are the same credentials with another expiry"
    assert provider.credentials(NOW + 11 * MINUTE).access_key_id == "key-1"


class Vendor:
    """A provider of the vendor's with temporary credentials, which it does not renew in this test."""

    def __init__(self, key: str) -> None:
        self.key = key

    def get_credentials(self) -> "Vendor":
        return self

    def get_access_key_id(self) -> str:
        return self.key

    def get_access_key_secret(self) -> str:
        return "secret"

    def get_security_token(self) -> str:
        return "token"


def test_the_default_chain_takes_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package reads it when it is imported."""
    environment = importlib.import_module("alibabacloud_credentials.utils.auth_util")
    monkeypatch.setattr(environment, "environment_access_key_id", "from-environment")
    monkeypatch.setattr(environment, "environment_access_key_secret", "hidden")
    provider, _ = patient("default", monkeypatch)
    assert provider.credentials() == Credentials("from-environment", "hidden")
    assert not [thread for thread in threading.enumerate() if "Scheduler" in thread.name], "the package starts none"
