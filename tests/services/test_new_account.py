"""An account of 2026: which addresses of a bucket uploads can use, from the first request to the completed object."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests.resolver import resolve_localhost
from tests.services.test_services import content_of
from tests.stack import deliver
from uploads.localoss.testing import LocalServer
from uploads.models import Upload

pytestmark = pytest.mark.django_db
MEDIA, PUBLIC, INTERNAL = "media.localhost", "oss.localhost", "localhost"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    """A server with a custom domain for the bucket, and two endpoints in virtual-hosted style."""
    arguments = ["--base-domain", PUBLIC, "--cname", f"{MEDIA}=demo-bucket"]
    with LocalServer(arguments=[*arguments, "--allow-faults"]) as server:
        yield server


@pytest.fixture
def at(server: LocalServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that sets the addresses of browsers and of the backend."""
    resolve_localhost(monkeypatch)
    server.set_account_rules("2026", endpoints={PUBLIC: "public"})

    def set_addresses(browsers: str, addressing: str, backend: str) -> None:
        settings.UPLOADS = {
            **settings.UPLOADS,
            "OSS_ENDPOINT": f"http://{browsers}:{server.port}",
            "OSS_ADDRESSING": addressing,
            "OSS_INTERNAL_ENDPOINT": f"http://{backend}:{server.port}",
        }
        cache.clear()

    return set_addresses


@pytest.mark.parametrize("size", [20_000_000, 5], ids=["parts", "form"])
def test_the_addresses_of_the_readme_work(api: APIClient, at: Any, size: int) -> None:
    at(MEDIA, "cname", INTERNAL)
    body = {"filename": "film.mp4", "content_type": "video/mp4", "size": size, "sign": 3}
    created = api.post("/api/uploads/", body, format="json").json()
    upload = Upload.objects.get()
    for part in created["parts"]:
        start = (part["number"] - 1) * upload.part_size
        assert deliver(part, content_of(upload)[start : start + upload.part_size]).status_code == 200
    done = api.post(f"/api/uploads/{created['id']}/complete/", {}, format="json")
    assert (done.status_code, done.json()["state"]) == (200, "completed")


def test_the_default_public_endpoint_is_refused_to_browsers(api: APIClient, at: Any) -> None:
    at(PUBLIC, "virtual", INTERNAL)
    body = {"filename": "film.mp4", "content_type": "video/mp4", "size": 20_000_000, "sign": 1}
    created = api.post("/api/uploads/", body, format="json").json()
    answer = deliver(created["parts"][0], content_of(Upload.objects.get())[:1000])
    assert (answer.status_code, answer.headers["x-oss-ec"]) == (400, "0048-00000401")
    assert "PublicEndpointForbidden" in answer.text
