"""The shops in Go and Java of deploy/examples: compiled, and run beside the site, whose users and events are theirs."""

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import http
from tests.interop import toolchains
from tests.stack import ROOT, Stack, accepts, deliver, free_port, wait_until
from uploads.domain.webhooks import Endpoint, signed_headers
from uploads.operations import doctor

EXAMPLES = ROOT / "deploy" / "examples"
KEY = b"\xfb\xef" * 16
SECRET = f"whsec_{b64encode(KEY).decode()}"
AUDIENCE = "uploads"


@dataclass(frozen=True)
class Shop:
    """A running program. It prints a line for each event that it keeps."""

    url: str
    log: Path

    def token(self, user: str) -> str:
        token: str = http.get(f"{self.url}/token", params={"user": user}).json()["token"]
        return token

    def files(self) -> Any:
        """The last event of each upload that it was told of."""
        return http.get(f"{self.url}/files").json()

    def tell(self, body: bytes, headers: Mapping[str, str]) -> int:
        return http.post(f"{self.url}/hooks", content=body, headers=dict(headers)).status_code

    @property
    def webhooks(self) -> dict[str, Any]:
        return {"shop": {"url": f"{self.url}/hooks", "secret": SECRET, "allow_private": True}}


def command(language: str) -> list[str]:
    if language == "go":
        return [str(toolchains.built_by_go(EXAMPLES / "go", "go-shop"))]
    return toolchains.compiled_by_java(EXAMPLES / "java" / "Shop.java")


@pytest.fixture(params=["go", "java"], scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    port = free_port()
    given = {**os.environ, "SHOP_URL": f"http://127.0.0.1:{port}", "WEBHOOK_SECRET": SECRET}
    log: Path = tmp_path_factory.mktemp("shop") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(command(request.param), env=given, stdout=file, stderr=file)
    try:
        wait_until(lambda: process.poll() is not None or accepts(port), "the shop to accept connections")
        assert process.poll() is None, log.read_text()
        yield Shop(given["SHOP_URL"], log)
    finally:
        process.kill()
        process.wait()


def test_its_users_upload_and_it_is_told(shop: Shop) -> None:
    """The standalone site under gunicorn, set up by its environment alone, and a delivery by its command."""
    variables = {
        "OIDC_ISSUER": shop.url,
        "OIDC_AUDIENCE": AUDIENCE,
        "UPLOADS_WEBHOOKS": json.dumps(shop.webhooks),
        "UPLOADS_DESTINATIONS": json.dumps({"default": {"allow_delete": True}}),
    }
    user = 'u-17 "é"'
    with Stack(variables=variables) as stack:
        headers = {"Authorization": f"Bearer {shop.token(user)}"}
        with http.Client(base_url=f"{stack.site.url}/api/uploads/", headers=headers) as api:
            file = {"filename": "été \\ 视频.txt", "size": 6, "content_type": "text/plain", "sign": 1}
            kept, gone = (api.post("", json={"destination": "default", **file}).json() for _ in range(2))
            for upload in (kept, gone):
                assert deliver(upload["parts"][0], b"hello\n").status_code == 200
                done = api.post(f"{upload['id']}/complete/", json={})
                assert done.json()["state"] == "completed", done.text
            assert api.delete(f"{gone['id']}/").status_code < 300
        stack.site.manage("deliver_webhooks", "--verbosity", "0")
        known = {"owner": user}
        assert shop.files() == {
            kept["id"]: {**known, "type": "upload.completed", "key": kept["key"]},
            gone["id"]: {**known, "type": "upload.deleted", "key": gone["key"]},
        }
        other = {"Authorization": f"Bearer {shop.token('u-18')}"}
        assert http.get(f"{stack.site.url}/api/uploads/{kept['id']}/", headers=other).status_code == 404


def message(upload: str, kind: str, at: datetime, key: str = "films/1") -> bytes:
    data = {"upload": {"id": upload, "state": "completed", "bucket": "films", "key": key}, "owner": None}
    content = {"type": kind, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}
    return json.dumps(content).encode()


NOW = datetime.now(UTC)
BODY = message("forged", "upload.completed", NOW)


def signed(body: bytes = BODY, key: bytes = KEY, message_id: str = "msg_1", age: int = 0) -> dict[str, str]:
    """With a second signature in front, as while a secret is replaced."""
    now = datetime.now(UTC) - timedelta(seconds=age)
    return signed_headers([b"o" * 24, key], message_id, now, body)


def forged(case: str) -> tuple[dict[str, str], bytes]:
    """Headers and body, signed now: a run may take longer than a signature is valid."""
    good = signed()
    cases = {
        "secret": (signed(key=b"x" * 32), BODY),
        "body": (good, BODY + b" "),
        "id": ({**good, "webhook-id": "msg_2"}, BODY),
        "old": (signed(age=400), BODY),
        "early": (signed(age=-400), BODY),
        "huge": ({**good, "webhook-timestamp": "9" * 30}, BODY),
        "text": ({**good, "webhook-timestamp": "now"}, BODY),
        "empty": ({**good, "webhook-signature": "v1,"}, BODY),
        "version": ({**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")}, BODY),
        "unsigned": ({name: value for name, value in good.items() if name != "webhook-signature"}, BODY),
        "nothing": ({}, BODY),
    }
    return cases[case]


FORGED = "secret body id old early huge text empty version unsigned nothing".split()


@pytest.mark.parametrize("case", FORGED)
def test_it_refuses_what_is_not_of_the_site(shop: Shop, case: str) -> None:
    headers, body = forged(case)
    assert shop.tell(body, headers) == 401
    assert "forged" not in shop.files()


def test_it_keeps_the_last_event_whatever_comes_twice_or_late(shop: Shop) -> None:
    steps = [
        ("msg_a", message("one", "upload.completed", NOW), "upload.completed"),
        ("msg_b", message("one", "upload.deleted", NOW + timedelta(seconds=1)), "upload.deleted"),
        ("msg_b", message("one", "upload.deleted", NOW + timedelta(seconds=1)), "upload.deleted"),
        ("msg_a", message("one", "upload.completed", NOW), "upload.deleted"),
        ("msg_c", message("one", "upload.completed", NOW - timedelta(microseconds=1)), "upload.deleted"),
    ]
    for message_id, body, kind in steps:
        assert shop.tell(body, signed(body, message_id=message_id)) == 204
        assert shop.files()["one"]["type"] == kind
    assert shop.log.read_text().count("upload.deleted: films/1\n") == 1, "nothing is done twice"
    last = message("one", "upload.failed", NOW + timedelta(seconds=2), key='a "b"\\\n☀')
    assert shop.tell(last, signed(last, message_id="msg_d")) == 204
    assert shop.files()["one"] == {"type": "upload.failed", "key": 'a "b"\\\n☀', "owner": shop.files()["one"]["owner"]}


@pytest.mark.django_db
def test_the_doctor_finds_nothing_wrong_with_it(shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Endpoint.parse("shop", shop.webhooks["shop"])
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OIDC": {"issuer": shop.url, "audience": AUDIENCE},
        "AUTHENTICATION_CLASSES": ["uploads.web.bearer.BearerAuthentication"],
        "WEBHOOKS": shop.webhooks,
    }
    monkeypatch.setattr(doctor, "_examine_places", lambda: iter(()))
    said = {f"{each.level} {each.name}" for each in doctor.examine()}
    assert {"ok issuer", "ok webhook shop"} <= said, said
    assert "" not in shop.files()
