"""Why a page cannot reach OSS: the backend tries the same address, and says what it found."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.management import call_command
from rest_framework.test import APIClient

from tests import http
from tests.callback_app import CallbackApp, answer
from tests.django_fixtures import Begin
from uploads.localoss.testing import LocalServer
from uploads.models import Upload

pytestmark = pytest.mark.django_db
ORIGIN = "https://app.example"
CLOSED = "http://127.0.0.1:9"
FORBIDDEN = {"status": 400, "code": "PublicEndpointForbidden"}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(arguments=["--allow-faults"]) as server:
        yield server


@pytest.fixture(autouse=True)
def bucket(server: LocalServer, settings: Any, begin: Begin) -> None:
    """After `begin`, whose own fixture chooses another server."""
    cache.clear()
    inject(server)
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OSS_ENDPOINT": server.url,
        "OSS_INTERNAL_ENDPOINT": server.url,
        "UPLOADS_ORIGINS": [ORIGIN],
    }
    call_command("configure_bucket", stdout=StringIO())


def inject(server: LocalServer, *rules: dict[str, Any]) -> None:
    http.put(f"{server.url}/-/faults", json=list(rules)).raise_for_status()


def ask(api: APIClient, upload: Upload, body: Any = None, **headers: str) -> Any:
    return api.post(
        f"/api/uploads/{upload.pk}/diagnose/", body or {}, format="json", headers={"Origin": ORIGIN, **headers}
    )


def found(api: APIClient, upload: Upload, body: Any = None, **headers: str) -> dict[str, Any]:
    answer = ask(api, upload, body, **headers)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


@pytest.mark.parametrize("size", [20_000_000, 5], ids=["parts", "form"])
def test_oss_that_serves_the_page_is_reachable(api: APIClient, begin: Begin, server: LocalServer, size: int) -> None:
    told = found(api, begin(size), {"headers": ["Content-MD5"]})
    assert (told["verdict"], told["retryable"]) == ("reachable", True)
    assert server.url in told["detail"]


@pytest.mark.parametrize(("size", "operation"), [(20_000_000, "ListParts"), (5, "HeadObject")])
def test_a_refusal_is_told_with_words_for_users_and_a_cure(
    api: APIClient, begin: Begin, server: LocalServer, size: int, operation: str
) -> None:
    upload = begin(size)
    inject(server, {"operation": operation, "error": FORBIDDEN, "hide_cors": True})
    told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("refused", "PublicEndpointForbidden", False)
    assert told["detail"].endswith("An administrator must correct it.")
    assert "OSS_ADDRESSING=cname" in told["cure"]
    assert told["link"] == "https://api.aliyun.com/troubleshoot?q=0048-00000401"
    assert len(told["request_id"]) == 24


def test_a_refused_preflight_counts_too(api: APIClient, begin: Begin, server: LocalServer) -> None:
    inject(server, {"operation": "Preflight", "error": {"status": 403, "code": "SecondLevelDomainForbidden"}})
    told = found(api, begin())
    assert (told["verdict"], told["code"]) == ("refused", "SecondLevelDomainForbidden")


@pytest.mark.parametrize("size", [20_000_000, 5], ids=["parts", "form"])
def test_a_page_that_the_cors_rules_lack(api: APIClient, begin: Begin, size: int) -> None:
    told = found(api, begin(size), Origin="https://other.example")
    assert (told["verdict"], told["code"], told["retryable"]) == ("cors", "cors_not_allowed", False)
    assert told["cure"].endswith("manage.py configure_bucket --origin https://other.example")


def test_an_answer_without_cors_headers(api: APIClient, begin: Begin, server: LocalServer) -> None:
    inject(server, {"operation": "Preflight", "hide_cors": True})
    assert found(api, begin())["verdict"] == "cors"


def test_trouble_that_passes_is_retryable(api: APIClient, begin: Begin, server: LocalServer) -> None:
    upload = begin(20_000_000)
    inject(server, {"operation": "ListParts", "error": {"status": 503, "code": "ServiceUnavailable"}})
    told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("refused", "ServiceUnavailable", True)


@pytest.mark.parametrize("size", [20_000_000, 5], ids=["parts", "form"])
@pytest.mark.parametrize("seconds", [7200.0, -7200.0])
def test_clocks_that_differ_are_trouble_that_passes(
    api: APIClient, begin: Begin, server: LocalServer, size: int, seconds: float
) -> None:
    upload = begin(size)
    inject(server, {"clock_shift": seconds})
    told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("refused", "AccessDenied", True)
    assert told["title"] == "The clocks of this site and of OSS differ"


def away(settings: Any, **more: str) -> None:
    """The backend does not reach the address that browsers use."""
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": CLOSED, **more}


def test_an_oss_that_the_backend_does_not_reach_at_all(api: APIClient, begin: Begin, settings: Any) -> None:
    """The upload began, so that its network may come back."""
    upload = begin()
    away(settings, OSS_INTERNAL_ENDPOINT="http://127.0.0.1:1")
    told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("unreachable", "storage_unreachable", True)
    assert "OSS_ENDPOINT" in told["cure"]
    assert CLOSED in told["detail"]


@pytest.mark.parametrize("size", [20_000_000, 5], ids=["parts", "form"])
def test_a_backend_without_a_way_to_the_address_of_browsers(
    api: APIClient, begin: Begin, server: LocalServer, settings: Any, size: int
) -> None:
    """It does not know what OSS answers there, and does not tell its own address."""
    upload = begin(size)
    away(settings)
    told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("unknown", "storage_unknown", True)
    assert f"manage.py doctor on a machine that reaches {CLOSED}" in told["cure"]
    assert server.url not in json.dumps(told)


def test_what_such_a_backend_finds_at_its_own_address(
    api: APIClient, begin: Begin, server: LocalServer, settings: Any
) -> None:
    upload = begin(20_000_000)
    away(settings)
    assert found(api, upload, Origin="https://other.example")["verdict"] == "cors"
    inject(server, {"operation": "ListParts", "error": {"status": 403, "code": "UserDisable"}})
    told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("refused", "UserDisable", False)


def test_an_answer_that_is_not_of_oss(api: APIClient, begin: Begin, settings: Any) -> None:
    """A proxy of the backend says nothing about the page's connection, and nothing about policies."""
    upload = begin(20_000_000)
    with CallbackApp(answer(403, b"<html>Blocked</html>")) as proxy:
        settings.UPLOADS = {
            **settings.UPLOADS,
            "OSS_ENDPOINT": f"http://127.0.0.1:{proxy.port}",
            "OSS_INTERNAL_ENDPOINT": "",
        }
        told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("unreachable", "storage_unreachable", True)
    assert told["detail"].startswith("Something other than OSS answers the server at")


def test_a_server_without_credentials(api: APIClient, begin: Begin, settings: Any) -> None:
    upload = begin(20_000_000)
    settings.UPLOADS = {**settings.UPLOADS, "CREDENTIALS": "tests.api.test_diagnosis.no_credentials"}
    told = found(api, upload)
    assert (told["verdict"], told["code"], told["retryable"]) == ("unreachable", "storage_busy", True)
    assert "could not obtain its OSS credentials" in told["detail"]
    assert "manage.py doctor" in told["cure"]


def no_credentials() -> None:
    raise OSError("no such secret")


def test_a_missing_permission_is_told_with_its_resource(
    api: APIClient, begin: Begin, server: LocalServer, settings: Any
) -> None:
    upload = begin(20_000_000)
    site = {"name": "site", "access_key_id": "site-key", "access_key_secret": "site-secret", "policies": []}
    http.put(f"{server.url}/-/ram", json={"users": [site], "roles": []}).raise_for_status()
    try:
        keys = {"OSS_ACCESS_KEY_ID": "site-key", "OSS_ACCESS_KEY_SECRET": "site-secret"}
        settings.UPLOADS = {**settings.UPLOADS, **keys}
        told = found(api, upload)
    finally:
        http.delete(f"{server.url}/-/ram").raise_for_status()
    assert f"oss:ListParts on acs:oss:*:*:{upload.bucket}/{upload.key}." in told["cure"]


def test_an_upload_that_is_gone_at_oss(api: APIClient, begin: Begin, server: LocalServer) -> None:
    upload = begin(20_000_000)
    inject(server, {"operation": "ListParts", "error": {"status": 404, "code": "NoSuchUpload"}})
    answer = ask(api, upload)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_gone")


def test_without_an_origin_the_sites_own_counts(api: APIClient, begin: Begin, settings: Any) -> None:
    upload = begin()
    told = found(api, upload, Origin="null")
    assert told["verdict"] == "cors"
    assert "http://testserver" in told["detail"]


def test_an_upload_that_has_ended(api: APIClient, begin: Begin) -> None:
    upload = begin()
    assert api.delete(f"/api/uploads/{upload.pk}/").status_code == 204
    assert ask(api, upload).status_code == 409


@pytest.mark.parametrize("headers", [["a b"], ["x" * 65], ["é"], ["a"] * 21, "a", [1.5]])
def test_headers_that_are_none(api: APIClient, begin: Begin, headers: Any) -> None:
    assert ask(api, begin(), {"headers": headers}).status_code == 400


def test_it_is_throttled(api: APIClient, begin: Begin, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"diagnose": "1/min"}}
    upload = begin()
    assert [ask(api, upload).status_code for _ in range(2)] == [200, 429]


def test_it_is_told_in_chinese(api: APIClient, begin: Begin) -> None:
    upload = begin()
    told = found(api, upload, Origin="https://other.example", **{"Accept-Language": "zh-hans"})
    assert told["title"] == "此页面无权上传到 OSS"


def test_no_secret_is_told_or_logged(
    api: APIClient, begin: Begin, server: LocalServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    upload = begin(20_000_000)
    caplog.set_level("DEBUG", logger="uploads")
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ACCESS_KEY_SECRET": "wrong"}
    answer = ask(api, upload)
    told = answer.json()
    assert told["code"] == "SignatureDoesNotMatch"
    assert urlsplit(told["link"]).scheme == "https"
    for secret in ("wrong", "x-oss-signature", server.access_key_secret, server.access_key_id):
        assert secret not in answer.content.decode().replace("secret is wrong", "")
        assert secret not in caplog.text
