"""A plain installation: nothing of the extras is there, nothing breaks, and what needs one says so."""

import subprocess
import sys
from importlib.util import find_spec

import pytest


def manage(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_nothing_of_the_extras_is_installed() -> None:
    modules = ["gunicorn", "imagesize", "multipart", "redis", "psycopg", "environs", "waitress", "whitenoise"]
    assert [name for name in modules if find_spec(name)] == []


def test_pytest_loaded_the_plugin_and_nothing_heavy() -> None:
    code = "import sys, uploads.pytest_plugin; print([n for n in sys.modules if n.startswith('uploads.')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert loaded.stdout.strip() == "['uploads.pytest_plugin']"


def test_the_local_server_names_its_extra_in_one_line() -> None:
    ended = manage("localoss")
    assert ended.returncode == 1
    sentence = "The local OSS server needs gunicorn, imagesize, multipart: pip install 'oss-uploads[localoss]'."
    assert ended.stderr.strip() == f"localoss: {sentence}"


def test_the_fixtures_name_their_extra(tmp_path: object) -> None:
    test = "def test_it(oss_server):\n    raise SystemError\n"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{tmp_path}/test_fixture.py"]
    with open(f"{tmp_path}/test_fixture.py", "w") as file:
        file.write(test)
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert "The local OSS server needs gunicorn" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_the_standalone_site_names_its_extra() -> None:
    code = "import uploads.site.settings"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    last = ended.stderr.strip().splitlines()[-1]
    assert last.endswith("pip install 'oss-uploads[site]'.")


def test_a_redis_cache_without_its_client_is_an_error_of_check(settings: object) -> None:
    from django.core.checks import run_checks

    settings.CACHES = {  # type: ignore[attr-defined]
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    assert "uploads.E046" in [message.id for message in run_checks(tags=["uploads"])]


@pytest.mark.django_db
def test_the_database_of_the_project_is_its_own() -> None:
    from django.conf import settings

    assert settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
