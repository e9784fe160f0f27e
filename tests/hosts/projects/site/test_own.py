"""The standalone site from the wheel: the documented installation, started as documented, with several processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

SECONDS = 120
ACCOUNT = "from django.contrib.auth.models import User; User.objects.create_user('ann', password='ann')"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    place: Path = tmp_path_factory.mktemp("site")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_SECURE_COOKIES": "false",
        "DATABASE_URL": f"sqlite:///{place / 'db.sqlite3'}",
        "CACHE_URL": os.environ["REDIS_URL"],
        "WEB_CONCURRENCY": "2",
    }
    for command in (["check", "--fail-level", "WARNING"], ["migrate", "-v0"], ["shell", "-v0", "-c", ACCOUNT]):
        subprocess.run([sys.executable, "-m", "django", *command], env=environment, check=True, timeout=SECONDS)
    command = ["-m", "gunicorn", "-c", "python:uploads.site.gunicorn", "uploads.site.wsgi"]
    process = subprocess.Popen([sys.executable, *command, "--bind", f"127.0.0.1:{port}"], env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            deadline = time.monotonic() + SECONDS
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait(SECONDS)


def test_it_is_ready_and_serves_its_page(site: httpx.Client) -> None:
    assert site.get("/healthz/ready").json() == {"live": True, "ready": True, "reasons": []}
    assert site.get("/accounts/login/").status_code == 200
    assert site.get("/static/uploads/oss-uploads.js").status_code == 200


def test_the_demo_runs_in_an_empty_folder(tmp_path: Path) -> None:
    """As docs/operations.md says under "From the wheel"."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = {"PORT": str(one.getsockname()[1]), "OSS_PORT": str(other.getsockname()[1])}
    ours = ("DJANGO_", "OSS_", "UPLOADS_", "DATABASE_", "PYTHONUNBUFFERED")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "-m", "django", "demo", "--settings=uploads.site.settings"]
    with subprocess.Popen(command, cwd=tmp_path, env={**outside, **ports}, stdout=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout
            assert any("demo / demo" in line for line in demo.stdout), "it tells where it is"
            page = httpx.get(f"http://127.0.0.1:{ports['PORT']}/", follow_redirects=True, timeout=SECONDS)
            assert page.status_code == 200
        finally:
            demo.terminate()
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


def test_without_a_url_its_database_is_outside_of_the_packages(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DJANGO_SECURE_COOKIES": "false",
        "XDG_DATA_HOME": str(tmp_path),
    }
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "django", "migrate", "-v0"]
    subprocess.run(command, cwd="/", env=environment, check=True, timeout=SECONDS)
    assert (tmp_path / "oss-uploads" / "db.sqlite3").stat().st_size > 0


def test_limits_count_in_redis(site: httpx.Client) -> None:
    server = redis.Redis.from_url(os.environ["REDIS_URL"])
    server.flushall()
    token = site.post("/api/token/", json={"username": "ann", "password": "ann"}).json()["token"]
    body = {"destination": "default", "filename": "a", "size": 1, "content_type": "a/b"}
    answer = site.post("/api/uploads/", json=body, headers={"Authorization": f"Token {token}"})
    assert answer.status_code == 201, answer.text
    assert server.dbsize() > 0
