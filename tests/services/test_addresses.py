"""Several addresses of one bucket: which ones a browser is told, and what a signature is worth at each."""

import base64
import hashlib
import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.management import call_command
from rest_framework.test import APIClient

from tests import http
from tests.django_fixtures import Begin
from tests.stack import deliver
from uploads import services
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.operations import doctor
from uploads.oss.signing import PartRequest

pytestmark = pytest.mark.django_db

ORIGIN = "https://app.example"
PART = 20_000_000
CLOSED = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(arguments=["--allow-faults", "--bucket", "demo-bucket", "--bucket", "other-bucket"]) as server:
        yield server


@pytest.fixture(autouse=True)
def more(server: LocalServer, settings: Any, begin: Begin) -> str:
    """The second address: to a browser, another name of this machine is another origin. After `begin`."""
    cache.clear()
    other = server.url.replace("127.0.0.1", "localhost")
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OSS_ENDPOINT": server.url,
        "OSS_INTERNAL_ENDPOINT": server.url,
        "OSS_MORE_ENDPOINTS": [other],
        "UPLOADS_ORIGINS": [ORIGIN],
    }
    call_command("configure_bucket", stdout=io.StringIO())
    return other


def at(address: str, url: str) -> str:
    return f"{address}?{urlsplit(url).query}"


def test_an_upload_in_parts_names_all_addresses_while_parts_are_sent(begin: Begin, api: APIClient, more: str) -> None:
    upload = begin(size=PART)
    first = services.sign_parts(upload, [PartRequest(1)])[0].url.partition("?")[0]
    shown = api.get(f"/api/uploads/{upload.pk}/").json()["addresses"]
    assert shown == [first, f"{more}/demo-bucket/{upload.key}"]
    services.abort(upload)
    assert api.get(f"/api/uploads/{upload.pk}/").json()["addresses"] == []


def test_one_address_is_not_named(begin: Begin, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_MORE_ENDPOINTS": []}
    assert services.addresses(begin(size=PART)) == []


def test_a_bucket_that_the_settings_no_longer_have_names_none(begin: Begin) -> None:
    upload = begin(size=PART)
    upload.bucket = "gone"
    assert services.addresses(upload) == []


def test_a_signature_is_valid_at_each_address_of_its_bucket_and_at_no_other_place(begin: Begin) -> None:
    """Parts that were sent to different addresses belong to one upload."""
    upload = begin(size=PART, part_size=PART // 2)
    first, second = services.sign_parts(upload, [PartRequest(1), PartRequest(2)])
    _, other = services.addresses(upload)
    body = bytes(first.size or 0)
    assert http.put(first.url, content=body).status_code == 200
    refused = http.put(at(other.replace("demo-bucket", "other-bucket"), second.url), content=body)
    assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True)
    other_key = http.put(at(f"{other}x", second.url), content=body)
    assert (other_key.status_code, "SignatureDoesNotMatch" in other_key.text) == (403, True)
    assert http.put(at(other, second.url), content=body).status_code == 200
    assert services.complete(upload).state == "completed"


BODY = b"0123456789"
MD5 = base64.b64encode(hashlib.md5(BODY).digest()).decode()


@pytest.mark.parametrize("content_md5", [None, MD5], ids=["form", "PutObject"])
def test_a_file_in_one_request_may_go_to_each_address(begin: Begin, content_md5: str | None) -> None:
    upload = begin(size=len(BODY))
    part = services.sign_parts(upload, [PartRequest(1, content_md5=content_md5)])[0]
    first, other = services.addresses(upload)
    bare, _, query = part.url.partition("?")
    assert bare + ("" if content_md5 else upload.key) == first
    url = f"{other}?{query}" if content_md5 else other.removesuffix(upload.key)
    deliver(replace(part, url=url), BODY).raise_for_status()
    assert services.complete(upload).state == "completed"


def test_credentials_and_urls_of_objects_have_the_first_address(begin: Begin, server: LocalServer) -> None:
    upload = begin(size=PART, part_size=PART // 2)
    for part in services.sign_parts(upload, [PartRequest(1), PartRequest(2)]):
        http.put(part.url, content=bytes(part.size or 0)).raise_for_status()
    assert services.complete(upload).location == f"{server.url}/demo-bucket/{upload.key}"


def diagnose(api: APIClient, upload: Upload, address: Any) -> Any:
    path = f"/api/uploads/{upload.pk}/diagnose/"
    return api.post(path, {"address": address}, format="json", headers={"Origin": ORIGIN})


@pytest.mark.parametrize("address", [2, -1, "http://evil.example"])
def test_only_addresses_of_the_place_are_examined(begin: Begin, api: APIClient, address: Any) -> None:
    answer = diagnose(api, begin(size=PART), address)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["address"])


def test_why_an_address_is_left_out_is_in_the_log(
    begin: Begin, api: APIClient, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    upload = begin(size=PART)
    assert diagnose(api, upload, 1).json()["verdict"] == "reachable"
    settings.UPLOADS = {**settings.UPLOADS, "OSS_MORE_ENDPOINTS": [CLOSED]}
    with caplog.at_level(logging.WARNING, "uploads"):
        assert diagnose(api, upload, 1).json()["verdict"] == "unknown"
    assert f"{CLOSED} is not used: storage_unknown" in caplog.text


def test_the_doctor_looks_at_each_address(settings: Any, server: LocalServer, more: str) -> None:
    def findings() -> dict[str, str]:
        return {found.name: found.level for found in doctor.examine()}

    named, cors = f"public address {more} of demo-bucket", f"CORS of demo-bucket at {more} for {ORIGIN}"
    assert {name: level for name, level in findings().items() if name in (named, cors)} == {named: "ok", cors: "ok"}
    settings.UPLOADS = {**settings.UPLOADS, "OSS_MORE_ENDPOINTS": [CLOSED]}
    assert findings()[f"public address {CLOSED} of demo-bucket"] == "FAIL"
