"""Signature version 1: requests recorded from SDKs are accepted, invalid ones get the errors of OSS."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import oss2
import pytest

from tests import http
from tests.localoss import v1_client
from tests.localoss.test_v4 import LONG, TEMPORARY_SECRET, TOKEN, request
from tests.vectors_reader import vectors
from uploads.localoss.auth import identify
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import AccessKey, KeyRing
from uploads.localoss.routes import SUBRESOURCES
from uploads.localoss.testing import LocalServer
from uploads.oss.clock import utcnow
from uploads.oss.errors import from_answer
from uploads.oss.signing import Credentials, OssRequest

CONFIG = Config(root=Path("unused"), region="cn-hangzhou")
WIRE = [sent for sent in vectors("sdk_wire_requests")["requests"] if sent["signature_version"] == "v1"]


@pytest.mark.parametrize("sent", WIRE, ids=[sent["id"] for sent in WIRE])
def test_what_sdks_sent_verifies(sent: dict[str, Any]) -> None:
    headers = {name: value for name, value in sent["headers"] if name.lower() != "host"} | {"Host": "127.0.0.1:9000"}
    received = request(sent["method"], sent["target"], headers, CONFIG)
    token = sent["security_token"]
    presented = received.headers.get("authorization", "").removeprefix("OSS ").partition(":")[0]
    key_id = presented or received.parameters["OSSAccessKeyId"]
    keys = KeyRing([AccessKey(key_id, sent["access_key_secret"], token)])
    if "Expires" in received.parameters:
        now = datetime.fromtimestamp(int(received.parameters["Expires"]) - 1, UTC)
    else:
        now = parsedate_to_datetime(received.headers.get("x-oss-date") or received.headers["date"])
    assert identify(received, CONFIG, keys, now).key is not None


# Over the wire

GET, PUT = OssRequest("GET", "demo-bucket", "v1.txt"), OssRequest("PUT", "demo-bucket", "v1.txt")
GET_A = OssRequest("GET", "demo-bucket", "a")


@pytest.fixture
def place(oss_server: LocalServer) -> tuple[str, Credentials]:
    credentials = Credentials(oss_server.access_key_id, oss_server.access_key_secret)
    return f"{oss_server.url}/{oss_server.bucket}/v1.txt", credentials


def put(url: str, headers: dict[str, str], content: bytes = b"hello") -> httpx.Response:
    return http.put(url, content=content, headers=headers)


def code_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = from_answer(answer.status_code, answer.headers, answer.content)
    return error.status, error.code, error.message


def signed(credentials: Credentials, **changes: str) -> dict[str, str]:
    return v1_client.authorization(credentials, OssRequest("PUT", "demo-bucket", "v1.txt", headers=changes), utcnow())


def test_header_and_url_are_accepted(place: tuple[str, Credentials]) -> None:
    url, credentials = place
    assert put(url, signed(credentials, **{"Content-Type": "text/plain", "x-oss-meta-a": "b"})).status_code == 200
    expires = int(utcnow().timestamp()) + 60
    assert http.get(v1_client.presign(credentials, GET, url, expires)).content == b"hello"


def test_subresources_that_oss2_signs_are_signed(oss_server: LocalServer) -> None:
    """The answer to a request with a subresource that is not implemented comes after its signature is verified."""
    bucket = oss2.Bucket(
        oss2.Auth(oss_server.access_key_id, oss_server.access_key_secret), oss_server.url, oss_server.bucket
    )

    def code(name: str) -> str:
        try:
            bucket._Bucket__do_bucket("GET", params={name: ""})
        except oss2.exceptions.ServerError as error:
            return str(error.code)
        return ""

    names = set(SUBRESOURCES["bucket"]) & set(oss2.Auth._subresource_key_set)
    assert [name for name in sorted(names) if code(name) == "SignatureDoesNotMatch"] == []


@pytest.mark.parametrize("name", ["overwriteConfig", "requestPayment", "transferAcceleration", "seal", "worm"])
def test_subresource_is_part_of_the_signature(place: tuple[str, Credentials], name: str) -> None:
    url, credentials = place
    sent = v1_client.authorization(credentials, OssRequest("GET", "demo-bucket", "v1.txt"), utcnow())
    assert code_of(http.get(f"{url}?{name}", headers=sent))[1] == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Content-Type": "text/html"}, 403, "SignatureDoesNotMatch"),
        ({"x-oss-meta-a": "b"}, 403, "SignatureDoesNotMatch"),
        ({"Authorization": "OSS nobody:AAAA"}, 403, "InvalidAccessKeyId"),
        ({"Authorization": "OSS nothing"}, 400, "InvalidArgument"),
        ({"Date": "yesterday"}, 403, "AccessDenied"),
    ],
)
def test_a_changed_header_is_refused(
    place: tuple[str, Credentials], change: dict[str, str], status: int, code: str
) -> None:
    url, credentials = place
    assert code_of(put(url, {**signed(credentials), **change}))[:2] == (status, code)


def test_a_wrong_signature_shows_what_was_to_be_signed(place: tuple[str, Credentials]) -> None:
    url, _ = place
    answer = put(url, signed(Credentials("demo-key-id", "wrong")))
    error = from_answer(answer.status_code, answer.headers, answer.content)
    assert error.fields["StringToSign"].endswith("/demo-bucket/v1.txt")


def test_a_clock_off_by_more_than_a_quarter_of_an_hour(place: tuple[str, Credentials]) -> None:
    url, credentials = place
    for minutes, status in ((14, 200), (-14, 200), (16, 403), (-16, 403)):
        now = utcnow() + timedelta(minutes=minutes)
        answer = put(url, v1_client.authorization(credentials, PUT, now))
        assert answer.status_code == status
    assert "RequestTimeTooSkewed" in answer.text


def test_a_url_past_its_end_or_without_its_parts(place: tuple[str, Credentials]) -> None:
    url, credentials = place
    past = v1_client.presign(credentials, GET, url, int(utcnow().timestamp()) - 1)
    assert code_of(http.get(past)) == (403, "AccessDenied", "Request has expired.")
    assert code_of(http.get(f"{url}?OSSAccessKeyId=demo-key-id"))[:2] == (403, "AccessDenied")
    assert code_of(http.get(past.replace("Expires=", "Expires=x")))[:2] == (403, "AccessDenied")


def test_both_ways_at_once_are_refused(place: tuple[str, Credentials]) -> None:
    url, credentials = place
    both = v1_client.presign(credentials, PUT, url, int(utcnow().timestamp()) + 60)
    assert code_of(put(both, signed(credentials)))[1] == "InvalidRequest"


@pytest.mark.parametrize("token", [None, TOKEN], ids=["in the header alone", "in both"])
def test_a_signed_url_carries_its_token_itself(token: str | None) -> None:
    now = utcnow()
    keys = KeyRing([AccessKey("STS.N", TEMPORARY_SECRET, TOKEN, now + timedelta(hours=1))])
    credentials = Credentials("STS.N", TEMPORARY_SECRET, token)
    url = v1_client.presign(credentials, GET_A, "/demo-bucket/a", int(now.timestamp()) + 60)
    received = request("GET", url, {"Host": "127.0.0.1", "x-oss-security-token": TOKEN}, CONFIG)
    with pytest.raises(Refusal) as caught:
        identify(received, CONFIG, keys, now)
    assert caught.value.code == "InvalidArgument"


@pytest.mark.parametrize(
    ("token", "code"),
    [(None, "InvalidAccessKeyId"), ("other", "InvalidSecurityToken"), (TOKEN, "SecurityTokenExpired")],
)
def test_temporary_keys_need_their_own_living_token(token: str | None, code: str) -> None:
    now = utcnow()
    keys = KeyRing([LONG, AccessKey("STS.N", TEMPORARY_SECRET, TOKEN, now)])
    sent = v1_client.authorization(Credentials("STS.N", TEMPORARY_SECRET, token), GET_A, now)
    received = request("GET", "/demo-bucket/a", {**sent, "Host": "127.0.0.1"}, CONFIG)
    with pytest.raises(Refusal) as caught:
        identify(received, CONFIG, keys, now)
    assert caught.value.code == code
