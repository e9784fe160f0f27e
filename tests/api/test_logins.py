"""Passwords cannot be guessed quickly, a flood of logins does not starve the rest, and tokens end with the password."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import UserManager
from django.core.cache import cache
from django.test import Client, RequestFactory
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.stack import wait_until
from uploads.conf import DEFAULT_THROTTLES
from uploads.web import logins
from uploads.web.throttles import ScopeThrottle

pytestmark = pytest.mark.django_db

PER_ACCOUNT = int(DEFAULT_THROTTLES["login_account"].partition("/")[0])
PER_ADDRESS = int(DEFAULT_THROTTLES["login_address"].partition("/")[0])


@pytest.fixture(autouse=True)
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window of a minute ends in the middle of a test."""
    cache.clear()
    monkeypatch.setattr(logins.time, "time", lambda: 1_800_000_010.0)


def by_token(name: str, password: str, address: str) -> Any:
    login = {"username": name, "password": password}
    return APIClient().post("/api/token/", login, format="json", REMOTE_ADDR=address)


def by_form(name: str, password: str, address: str, path: str = "/accounts/login/") -> Any:
    return Client().post(path, {"username": name, "password": password}, REMOTE_ADDR=address)


def by_admin(name: str, password: str, address: str) -> Any:
    return by_form(name, password, address, "/admin/login/")


ROUTES = pytest.mark.parametrize("login", [by_token, by_form, by_admin])


@ROUTES
def test_wrong_passwords_for_an_account_are_limited(user: Any, login: Any) -> None:
    """From whatever address they come."""
    answers = [login("ann", f"guess {n}", f"10.0.0.{n}") for n in range(PER_ACCOUNT + 1)]
    assert 429 not in [answer.status_code for answer in answers[:-1]]
    refused = answers[-1]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 61
    assert b"Too many attempts" in refused.content
    assert login("ann", "ann", "10.0.1.1").status_code == 429, "the right password is not told from others"
    assert login("ANN ", "guess", "10.0.1.1").status_code == 429


@pytest.mark.parametrize("path", ["/api/token/", "/accounts/login/", "/admin/login/"])
def test_an_invented_address_is_no_way_around_the_limit(settings: Any, path: str) -> None:
    """Of a project that says nothing of its proxies; it may have none."""
    settings.REST_FRAMEWORK = {}
    guesses = [{"username": f"user{n}", "password": "guess"} for n in range(PER_ADDRESS + 1)]
    answers = [
        Client(REMOTE_ADDR="192.0.2.1").post(path, guess, headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code
        for n, guess in enumerate(guesses)
    ]
    assert (429 in answers[:-1], answers[-1]) == (False, 429)
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}
    proxied = Client(REMOTE_ADDR="192.0.2.1").post(path, guesses[-1], headers={"X-Forwarded-For": "10.0.1.1"})
    assert proxied.status_code != 429, "the proxy tells clients apart"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:8000", "192.0.2.1:8000"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("framework", [{}, {"NUM_PROXIES": 0}, {"NUM_PROXIES": 1}])
def test_what_counts_as_an_address(settings: Any, framework: dict[str, Any], address: str, counted: str) -> None:
    settings.REST_FRAMEWORK = framework
    request: Any = RequestFactory().get("/", REMOTE_ADDR=address)
    assert ScopeThrottle().get_ident(request) == counted


def test_another_address_of_the_same_network_is_no_way_around_the_limit(user: Any) -> None:
    """A customer of a provider has 2^64 of IPv6."""
    answers = [by_token(f"user{n}", "guess", f"2001:db8::{n:x}").status_code for n in range(PER_ADDRESS + 1)]
    assert answers == [400] * PER_ADDRESS + [429]
    assert by_token("ann", "ann", "2001:db8:0:1::1").status_code == 200


SPELLINGS = ["ann", "ánn", "a\u0300nn", "ÅNN", "ａnn", "an\u200bn", "ann\u00ad", "Añn", "ⓐnn", " ann", "aṇn"]
"""Of a name that a collation without accents, such as MySQL's, takes for one: more than the limit."""


@ROUTES
def test_the_spelling_of_a_name_is_no_way_around_the_limit(user: Any, login: Any) -> None:
    answers = [login(name, "guess", f"10.0.0.{n}").status_code for n, name in enumerate(SPELLINGS)]
    assert 429 not in answers[:PER_ACCOUNT]
    assert set(answers[PER_ACCOUNT:]) == {429}


def test_a_name_that_the_database_takes_for_another_is_counted_as_that(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Collations have more equal characters than Unicode: digits of other scripts, letters with a stroke."""
    monkeypatch.setattr(UserManager, "get_by_natural_key", lambda *_: user)
    answers = [by_token(f"ann{chr(0x660 + n)}", "guess", f"10.0.0.{n}").status_code for n in range(PER_ACCOUNT + 1)]
    assert (429 in answers[:-1], answers[-1]) == (False, 429)


def test_different_names_are_counted_apart(user: Any) -> None:
    names = ["анна", "安娜", "آن", "bo", "\u0301", "a\0é"]
    for name in [*names, *names]:
        for n in range(PER_ACCOUNT // 2):
            assert by_token(name, "guess", f"10.0.{n}.{len(name)}").status_code == 400


def test_half_a_character_in_a_name_is_counted_too(user: Any) -> None:
    for n in range(PER_ACCOUNT + 1):
        login = {"content_type": "application/json", "REMOTE_ADDR": f"10.0.0.{n}"}
        answer = APIClient().post("/api/token/", b'{"username": "\\ud800", "password": "x"}', **login)
    assert answer.status_code == 429


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the names that are looked up and normalised. Both cost time by the character."""
    lengths: list[int] = []
    stored = logins._stored

    def count(name: str) -> str:
        lengths.append(len(name))
        return stored(name)

    monkeypatch.setattr(logins, "_stored", count)
    return lengths


def test_a_huge_name_is_refused_before_it_is_normalised(user: Any, compared: list[int]) -> None:
    """One character of this name becomes 18."""
    answers = [by_token("\ufdfa" * (151 + n), "ann", f"10.0.0.{n}") for n in range(PER_ACCOUNT + 1)]
    assert [answer.status_code for answer in answers] == [400] * PER_ACCOUNT + [429], "they are counted as one name"
    assert "username" in answers[0].json()["errors"]
    assert compared == []
    assert by_token("\ufdfa" * 150, "ann", "10.0.1.1").status_code == 400
    assert compared == [150]


def test_the_name_is_not_read_once_the_address_is_refused(user: Any, compared: list[int]) -> None:
    for n in range(PER_ADDRESS):
        by_token(f"user{n}", "guess", "10.0.0.1")
    compared.clear()
    assert by_token("änn", "ann", "10.0.0.1").status_code == 429
    assert compared == []


def test_the_check_of_a_project_counts_names_that_are_too_long(user: Any) -> None:
    """A collation that ignores characters finds the user by a name with any number of them."""
    for n in range(PER_ACCOUNT + 1):
        request, name = RequestFactory().get("/", REMOTE_ADDR=f"10.0.0.{n}"), "a" + "\u200b" * (150 + n) + "nn"
        try:
            with logins.attempt(request, name):
                raise ValueError("wrong password")
        except ValueError:
            last = n
        except logins.TooManyLogins:
            assert last == n - 1 == PER_ACCOUNT - 1
            return
    pytest.fail("never refused")


@ROUTES
def test_wrong_passwords_from_an_address_are_limited(user: Any, login: Any) -> None:
    """For whatever accounts they are."""
    answers = [login(f"user{n}", "guess", "10.0.0.1").status_code for n in range(PER_ADDRESS + 1)]
    assert 429 not in answers[:-1]
    assert answers[-1] == 429
    assert login("ann", "ann", "10.0.0.2").status_code in (200, 302)


@ROUTES
def test_right_passwords_are_not_counted(admin_user: Any, login: Any) -> None:
    for _ in range(PER_ACCOUNT + 5):
        assert login("admin", "password", "10.0.0.1").status_code in (200, 302)


def test_the_limits_are_of_all_routes_together(user: Any) -> None:
    for n in range(PER_ACCOUNT):
        [by_token, by_form, by_admin][n % 3]("ann", "guess", f"10.0.0.{n}")
    assert {login("ann", "guess", "10.0.1.1").status_code for login in (by_token, by_form, by_admin)} == {429}


def test_the_limits_end(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(PER_ACCOUNT + 1):
        refused = by_token("ann", "guess", f"10.0.0.{n}")
    later = 1_800_000_010.0 + int(refused.headers["Retry-After"])
    monkeypatch.setattr(logins.time, "time", lambda: later)
    assert by_token("ann", "ann", "10.0.1.1").status_code == 200


def test_a_project_can_set_the_limits(user: Any, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"login_account": "", "login_address": "2/min"}}
    assert [by_token("ann", "x", "10.0.0.1").status_code for _ in range(3)] == [400, 400, 429]


# The page where staff change their password


@pytest.fixture
def session(user: Any) -> Client:
    """What somebody finds who comes to ann's open browser."""
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def by_change(session: Client, old: str, address: str, again: str = "a new one for 2026") -> Any:
    form = {"old_password": old, "new_password1": "a new one for 2026", "new_password2": again}
    return session.post("/admin/password_change/", form, REMOTE_ADDR=address)


def test_old_passwords_are_limited_as_logins_are(session: Client) -> None:
    answers = [by_change(session, f"guess {n}", f"10.0.0.{n}") for n in range(PER_ACCOUNT + 1)]
    assert [answer.status_code for answer in answers] == [200] * PER_ACCOUNT + [429]
    assert b"Your old password was entered incorrectly" in answers[0].content
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
    assert b"Too many attempts" in answers[-1].content
    assert by_change(session, "ann", "10.0.1.1").status_code == 429, "the right password is not told from others"
    assert by_form("ann", "ann", "10.0.1.1").status_code == 429, "the limit is one with that of logins"
    assert session.get("/admin/password_change/").status_code == 200


def test_a_right_old_password_changes_it_and_is_not_counted(session: Client, user: Any) -> None:
    for _ in range(PER_ACCOUNT + 5):
        assert by_change(session, "ann", "10.0.0.1", again="another").status_code == 200, "nothing is changed"
    answer = by_change(session, "ann", "10.0.0.1")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/password_change/done/")
    user.refresh_from_db()
    assert user.check_password("a new one for 2026")
    assert session.get("/admin/").status_code == 200, "the session goes on"


def test_the_page_is_as_the_admin_has_it(session: Client) -> None:
    page = session.get("/admin/password_change/")
    assert page.context["site_header"] == "Django administration"
    assert page.templates[0].name == "registration/password_change_form.html"
    assert 'id="nav-sidebar"' in page.content.decode()
    stranger = Client().get("/admin/password_change/")
    assert stranger.headers["Location"] == "/admin/login/?next=/admin/password_change/"


@pytest.fixture
def occupied() -> Iterator[None]:
    """As many passwords being checked as one process may, and as many waiting."""
    ended, entered = threading.Event(), []

    def check(n: int) -> None:
        with logins.attempt(RequestFactory().get("/", REMOTE_ADDR=f"10.1.0.{n}"), f"user{n}"):
            entered.append(n)
            ended.wait(60)

    threads = [threading.Thread(target=check, args=[n]) for n in range(logins.CHECKED_AT_ONCE + logins.WAITING)]
    for thread in threads:
        thread.start()
    wait_until(lambda: logins._admitted._value == 0 and len(entered) == logins.CHECKED_AT_ONCE, "them to be at it")
    yield
    ended.set()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("occupied")
@ROUTES
def test_more_logins_than_may_be_checked_at_once_are_refused_at_once(user: Any, login: Any) -> None:
    refused = login("ann", "ann", "10.0.0.1")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("occupied")
def test_an_old_password_waits_for_its_turn_too(session: Client) -> None:
    assert by_change(session, "ann", "10.0.0.1").status_code == 503


def test_afterwards_logins_work_again(user: Any, request: pytest.FixtureRequest) -> None:
    assert by_token("ann", "ann", "10.0.0.1").status_code == 200


# Tokens


def test_tokens_end_with_the_password(user: Any) -> None:
    first = by_token("ann", "ann", "10.0.0.1").json()["token"]
    assert by_token("ann", "ann", "10.0.0.1").json()["token"] == first
    client = APIClient(headers={"Authorization": f"Token {first}"})
    assert client.get("/api/uploads/").status_code == 200
    user.set_password("another")
    user.save()
    assert client.get("/api/uploads/").status_code == 401
    second = by_token("ann", "another", "10.0.0.1").json()["token"]
    assert second != first
    assert client.get("/api/uploads/").status_code == 401
    assert APIClient(headers={"Authorization": f"Token {second}"}).get("/api/uploads/").status_code == 200


@pytest.mark.parametrize("key", ["0" * 40, "x", "0" * 41, "é" * 40, "\x01" * 40])
def test_a_token_that_was_not_made_here_is_refused(user: Any, key: str) -> None:
    Token.objects.create(user=user, key="0" * 40)  # As another program would make it.
    answer = APIClient().get("/api/uploads/", HTTP_AUTHORIZATION=f"Token {key}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
