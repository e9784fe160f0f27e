"""What the standalone site takes from its environment: secrets from files, its database, proxies, HSTS."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.stack import ROOT
from tests.test_demo import clean_environment
from uploads.site import database
from uploads.site.apps import check_environment, check_proxies
from uploads.site.demo import DemoSettings, environment, restart_command
from uploads.site.secret_files import SECRETS

OURS = ("OSS_", "DJANGO_", "UPLOADS_", "DATABASE_", "CACHE_", "METRICS_", "ALIBABA_CLOUD_", "XDG_")
VALUES = {
    "DATABASE_URL": "postgres://ann:pa%2Fss@db/uploads",
    "CACHE_URL": "redis://:word@cache:6379/1",
    "OSS_CREDENTIALS": '{"type": "access_key", "access_key_id": "i", "access_key_secret": "s"}',
    "UPLOADS_BUCKETS": '{"films": {"bucket": "cinema-films"}}',
    "UPLOADS_WEBHOOKS": '{"backend": {"url": "https://backend.example/", "secrets": ["whsec_c2VjcmV0"]}}',
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings of the site with these variables and no others of ours."""

    def settings(**variables: str) -> dict[str, Any]:
        for name in list(os.environ):
            if name.startswith(OURS):
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "uploads" / "site" / "settings.py"))

    return settings


def effect(read: dict[str, Any]) -> str:
    names = ("SECRET_KEY", "DATABASES", "CACHES", "UPLOADS", "ENVIRONMENT_ERRORS")
    return json.dumps({name: read[name] for name in names})


# Secrets


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_may_be_in_a_file(read: Any, tmp_path: Path, name: str) -> None:
    value = VALUES.get(name, "s3cret")
    others = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "i"} if name.startswith("ALIBABA_CLOUD_S") or "KEY_SECRET" in name else {}
    file = tmp_path / "secret"
    file.write_text(f"{value}\n")
    from_variable = effect(read(**others, **{name: value}))
    assert effect(read(**others, **{f"{name}_FILE": str(file)})) == from_variable
    assert from_variable != effect(read(**others)), "the variable has an effect"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_set_twice_is_an_error_that_says_so(
    read: Any, settings: Any, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(VALUES.get(name, "s3cret"))
    others = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "i"} if name.startswith("ALIBABA_CLOUD_S") or "KEY_SECRET" in name else {}
    given = {**others, name: VALUES.get(name, "s3cret"), f"{name}_FILE": str(file)}
    settings.ENVIRONMENT_ERRORS = read(**given)["ENVIRONMENT_ERRORS"]
    (message,) = check_environment()
    assert (message.id, message.msg) == (
        "uploads.E021",
        f"{name}: It is set, and {name}_FILE too. Set one of them.",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read: No such file or directory."), (b"", "is empty."), (b"\xff", "is not UTF-8 text.")],
)
def test_a_file_that_cannot_be_read_is_named(
    read: Any, settings: Any, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    settings.ENVIRONMENT_ERRORS = read(DJANGO_SECRET_KEY_FILE=str(file))["ENVIRONMENT_ERRORS"]
    assert [message.msg for message in check_environment()] == [f"DJANGO_SECRET_KEY_FILE: {file} {reason}"]


@pytest.mark.parametrize("name", VALUES)
def test_a_malformed_secret_is_named_and_not_quoted(read: Any, name: str) -> None:
    errors = read(**{name: "{nosuch://pass@word"})["ENVIRONMENT_ERRORS"]
    assert list(errors) == [name]
    assert "pass" not in str(errors)


def test_the_password_of_the_database_needs_no_quoting(read: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p@ss/word\n")
    given = {"DATABASE_URL": "postgres://ann@db/uploads", "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    found = read(**given)["DATABASES"]["default"]
    assert (found["USER"], found["PASSWORD"]) == ("ann", "p@ss/word")


def test_the_demo_uses_no_secret_of_another_site(tmp_path: Path) -> None:
    outside = {f"{name}_FILE": "/run/secrets/of-another" for name in SECRETS}
    prepared = environment(DemoSettings(8000, 9000, tmp_path), outside)
    assert prepared.keys() & outside.keys() == set()


# The database


def test_a_checkout_has_its_database_in_var(read: Any) -> None:
    found = read()
    assert found["DATABASES"]["default"]["NAME"] == str(ROOT / "var" / "db.sqlite3")
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_an_installed_site_has_its_database_outside_of_the_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages = tmp_path / "site-packages"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    in_home = tmp_path / "home" / ".local" / "share" / "oss-uploads" / "db.sqlite3"
    assert database.default_file(packages, {}) == in_home
    assert database.default_file(packages, {"XDG_DATA_HOME": "share"}) == in_home
    elsewhere = database.default_file(packages, {"XDG_DATA_HOME": "/srv/data"})
    assert elsewhere == Path("/srv/data/oss-uploads/db.sqlite3")


@pytest.fixture
def installed(settings: Any, tmp_path: Path) -> tuple[Path, Path]:
    """The former and the present file of an installed site; neither exists."""
    settings.BASE_DIR, settings.DEFAULT_DATABASE = tmp_path / "packages", tmp_path / "data" / "db.sqlite3"
    return database.former_file(settings.BASE_DIR), settings.DEFAULT_DATABASE


def problems() -> list[tuple[str, str]]:
    return [(str(message.id), f"{message.msg} {message.hint}") for message in database.check_default_file()]


def test_its_directory_is_made_for_this_user_alone(installed: tuple[Path, Path], settings: Any) -> None:
    assert database.of_default_file(installed[1], settings.BASE_DIR, 0)["NAME"] == str(installed[1])
    assert installed[1].parent.stat().st_mode & 0o777 == 0o700
    assert problems() == []


def test_data_at_the_former_place_are_not_forgotten(installed: tuple[Path, Path], settings: Any) -> None:
    former, present = installed
    former.parent.mkdir(parents=True)
    former.touch()
    assert database.of_default_file(present, settings.BASE_DIR, 0) == database.UNUSABLE
    ((id, text),) = problems()
    assert id == "uploads.E027"
    assert str(former) in text
    assert str(present.parent) in text
    present.parent.mkdir()
    former.rename(present)
    assert problems() == []


def test_a_directory_that_cannot_be_made_is_named(installed: tuple[Path, Path], settings: Any) -> None:
    installed[1].parent.touch()
    assert database.of_default_file(installed[1], settings.BASE_DIR, 0) == database.UNUSABLE
    ((id, text),) = problems()
    assert id == "uploads.E028"
    assert "Set DATABASE_URL" in text


def test_a_user_without_a_home_gets_no_directory_named_so(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings.BASE_DIR, settings.DEFAULT_DATABASE = tmp_path / "packages", Path("~/.local/share/oss-uploads/db.sqlite3")
    assert database.of_default_file(settings.DEFAULT_DATABASE, settings.BASE_DIR, 0) == database.UNUSABLE
    ((id, text),) = problems()
    assert id == "uploads.E028"
    assert "Set DATABASE_URL" in text
    assert list(tmp_path.iterdir()) == []


def test_a_url_leaves_the_default_file_alone(settings: Any, read: Any, tmp_path: Path) -> None:
    for name, value in (("DATABASE_URL", "sqlite:////srv/a.db"), ("DATABASE_URL_FILE", str(tmp_path / "missing"))):
        settings.DEFAULT_DATABASE = read(**{name: value})["DEFAULT_DATABASE"]
        assert problems() == []


# Proxies, TLS, throttles


@pytest.mark.parametrize("value", ["-1", "8000", "10.0.0.1", "yes"])
def test_a_number_of_proxies_that_cannot_be_is_refused(read: Any, value: str) -> None:
    assert list(read(DJANGO_PROXIES=value)["ENVIRONMENT_ERRORS"]) == ["DJANGO_PROXIES"]


@pytest.mark.parametrize(
    ("variables", "is_warned"),
    [
        ({}, True),
        ({"DJANGO_PROXIES": "1"}, False),
        ({"DJANGO_SECURE_COOKIES": "false"}, False),
        ({"DJANGO_DEBUG": "true"}, False),
    ],
)
def test_a_site_that_redirects_every_request_is_warned(
    read: Any, settings: Any, variables: dict[str, str], is_warned: bool
) -> None:
    found = read(DJANGO_SECRET_KEY="k", **variables)
    for name in ("DEBUG", "SECURE_SSL_REDIRECT", "PROXIES"):
        setattr(settings, name, found.get(name, False))
    assert [message.id for message in check_proxies()] == ["uploads.W026"] * is_warned


def test_proxies_decide_which_headers_count(read: Any) -> None:
    alone, behind = read(), read(DJANGO_PROXIES="2")
    assert "SECURE_PROXY_SSL_HEADER" not in alone
    assert behind["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert [each["REST_FRAMEWORK"]["NUM_PROXIES"] for each in (alone, behind)] == [0, 2]


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({}, None),
        ({"DJANGO_HSTS_SECONDS": "3600"}, "max-age=3600"),
        ({"DJANGO_HSTS_SECONDS": "60", "DJANGO_HSTS_SUBDOMAINS": "true"}, "max-age=60; includeSubDomains"),
        (
            {"DJANGO_HSTS_SECONDS": "60", "DJANGO_HSTS_SUBDOMAINS": "1", "DJANGO_HSTS_PRELOAD": "1"},
            "max-age=60; includeSubDomains; preload",
        ),
    ],
)
def test_hsts_is_off_until_it_is_asked_for(
    read: Any, settings: Any, variables: dict[str, str], header: str | None
) -> None:
    for name, value in read(**variables).items():
        if name.startswith("SECURE_HSTS"):
            setattr(settings, name, value)
    answer = Client().get("/healthz/live", secure=True)
    assert answer.headers.get("Strict-Transport-Security") == header


def test_throttles_are_set_in_the_environment(read: Any) -> None:
    assert read(UPLOADS_THROTTLES='{"create": "7/min"}')["UPLOADS"]["THROTTLES"] == {"create": "7/min"}
    assert read()["UPLOADS"]["THROTTLES"] == {}


# Starting


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["python", "manage.py", "demo"], ["manage.py", "demo"]),
        (["python", "-m", "django", "demo", "--settings", "x"], ["-m", "django", "demo"]),
        (["python", "-m", "django", "demo", "--settings=x", "--no-color"], ["-m", "django", "demo", "--no-color"]),
    ],
)
def test_the_demo_starts_again_as_it_was_started(arguments: list[str], kept: list[str]) -> None:
    assert restart_command(arguments) == kept


def test_an_environment_without_anything_names_what_is_missing(tmp_path: Path) -> None:
    variables = {**clean_environment(), "PYTHONPATH": str(ROOT), "DJANGO_SECRET_KEY_FILE": str(tmp_path / "missing")}
    command = [sys.executable, "-m", "django", "check", "--settings", "uploads.site.settings"]
    ended = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    for said in ("DJANGO_SECRET_KEY_FILE", "OSS_ENDPOINT is not set"):
        assert said in ended.stderr
