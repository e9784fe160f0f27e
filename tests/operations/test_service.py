"""The site as a service for hosts that are not Django: what its pages tell people to do works."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests import http
from tests.issuer import AUDIENCE, TestIssuer
from tests.loopback import Loopback, Reply
from tests.stack import ROOT, Stack, deliver, wait_until
from uploads.domain.webhooks import Endpoint, WebhookEvent, signed_headers
from uploads.models import Upload
from uploads.oss.client import OssClient

SERVICE, WEBHOOKS = ((ROOT / "docs" / f"{name}.md").read_text() for name in ("service", "webhooks"))
KEY = b"\xfb" * 32
SECRET = f"whsec_{b64encode(KEY).decode()}"
PRINT = """
import json
from django.conf import settings
from uploads.site.apps import check_environment
names = ("UPLOADS", "CORS_ALLOWED_ORIGINS", "MIDDLEWARE", "INSTALLED_APPS", "AUTHENTICATION_BACKENDS")
import django; django.setup()
print(json.dumps({**{name: getattr(settings, name) for name in names}, "checks": [m.id for m in check_environment()]}))
"""


def block(page: str, beginning: str) -> str:
    """The code that contains this text."""
    (found,) = [text for _, text in re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL) if beginning in text]
    return str(found)


@pytest.mark.django_db(transaction=True)
def test_the_calls_by_curl(live_server: Any, settings: Any, oss: OssClient) -> None:
    with TestIssuer() as issuer:
        settings.UPLOADS = {
            **settings.UPLOADS,
            "OIDC": {"issuer": issuer.url, "audience": AUDIENCE},
            "AUTHENTICATION_CLASSES": ["uploads.web.bearer.BearerAuthentication"],
        }
        given = {**os.environ, "SITE": live_server.url, "TOKEN": issuer.token(), "no_proxy": "*"}
        done = subprocess.run(["sh", "-ec", block(SERVICE, "curl")], env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    upload = Upload.objects.get()
    assert upload.owner is not None
    assert upload.owner.get_username() == "u-17@127.0.0.1"
    assert done.stdout.count(str(upload.pk)) >= 2
    assert '"fields"' in done.stdout


@pytest.mark.skipif(not os.environ.get("SERVICE"), reason="ten seconds of one core; SERVICE=1 runs it")
def test_a_shop_beside_a_whole_site(tmp_path: Path) -> None:
    """gunicorn and `deliver_webhooks --loop` as processes, set up by their environment alone."""
    with TestIssuer() as issuer, Loopback(lambda request: Reply()) as shop:
        hook = {"shop": {"url": shop.url, "secret": SECRET, "allow_private": True}}
        variables = {
            "OIDC_ISSUER": issuer.url,
            "OIDC_AUDIENCE": AUDIENCE,
            "API_ORIGINS": "https://shop.example.com",
            "UPLOADS_WEBHOOKS": json.dumps(hook),
        }
        with Stack(variables=variables) as stack:
            given, command = stack.site.environment, [sys.executable, "manage.py", "deliver_webhooks", "--loop"]
            loop = subprocess.Popen(command, env=given, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            try:
                headers = {"Authorization": f"Bearer {issuer.token()}", "Origin": "https://shop.example.com"}
                with http.Client(base_url=f"{stack.site.url}/api/", headers=headers) as api:
                    file = {"filename": "a.txt", "size": 6, "content_type": "text/plain", "sign": 1}
                    created = api.post("uploads/", json={"destination": "default", **file})
                    assert created.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
                    deliver(created.json()["parts"][0], b"hello\n")
                    done = api.post(f"uploads/{created.json()['id']}/complete/", json={})
                    assert done.json()["state"] == "completed", done.text
                wait_until(lambda: len(shop.received) == 1, "the message")
            finally:
                loop.terminate()
                out, _ = loop.communicate(timeout=60)
    message = json.loads(shop.received[0].body)
    assert (message["type"], message["data"]["owner"]["subject"]) == ("upload.completed", "u-17")
    assert (loop.returncode, out) == (0, "1 delivered\n")


def site_settings(**variables: str) -> dict[str, Any]:
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "uploads.site.settings", "DJANGO_SECRET_KEY": "x", **variables}
    given.pop("DATABASE_URL", None)
    done = subprocess.run([sys.executable, "-c", PRINT], env=given, capture_output=True, text=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_variables_are_read() -> None:
    hook = {"shop": {"url": "https://shop.example.com/", "secret": SECRET}}
    (roles,) = re.findall(r"OIDC_ROLES='(.*)'", SERVICE)
    found = site_settings(
        OIDC_ISSUER="https://login.example.com",
        OIDC_AUDIENCE="uploads,more",
        OIDC_LEEWAY="5",
        OIDC_SCOPES="uploads:write",
        OIDC_ROLES_CLAIM="realm_access.roles",
        OIDC_ROLES=roles,
        API_ORIGINS="https://a.example.com,https://*.example.com,HTTPS://b.example.com,https://c.example.com/",
        UPLOADS_WEBHOOKS=json.dumps(hook),
    )
    oidc = found["UPLOADS"]["OIDC"]
    assert (oidc["issuer"], oidc["audience"], oidc["leeway"]) == ("https://login.example.com", ["uploads", "more"], 5)
    assert oidc["roles"]["upload-support"]["staff"] is True
    assert found["UPLOADS"]["WEBHOOKS"] == hook
    assert found["UPLOADS"]["AUTHENTICATION_CLASSES"][0].endswith("BearerAuthentication")
    assert any(path.endswith("TokenPermissions") for path in found["AUTHENTICATION_BACKENDS"])
    assert found["MIDDLEWARE"][0] == "corsheaders.middleware.CorsMiddleware"
    assert found["checks"].count("uploads.E114") == 3


def test_without_the_variables_nothing_is_on() -> None:
    found = site_settings()
    assert (found["UPLOADS"]["OIDC"], found["UPLOADS"]["WEBHOOKS"]) == ({}, {})
    assert not any("Bearer" in path for path in found["UPLOADS"]["AUTHENTICATION_CLASSES"])
    assert "corsheaders" not in found["INSTALLED_APPS"]


@pytest.fixture
def shop(settings: Any, db: None) -> Client:
    """A client of a site whose API_ORIGINS is the shop's."""
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example.com"]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]
    return Client()


def test_a_page_of_a_named_origin_may_call_the_api(shop: Client) -> None:
    origin = {"Origin": "https://shop.example.com"}
    asked = {
        **origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    allowed = shop.options("/api/uploads/", headers=asked)
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
    names = {name.strip() for name in allowed.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "idempotency-key"} <= names
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    answer = shop.get("/api/uploads/", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "origin" in answer.headers["Vary"].lower()


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://shop.example.com.evil.example",
        "https://shop.example.com:8443",
        "http://shop.example.com",
        "null",
    ],
)
def test_a_page_of_another_origin_may_not(shop: Client, origin: str) -> None:
    for path in ("/api/uploads/", "/accounts/login/"):
        assert "Access-Control-Allow-Origin" not in shop.get(path, headers={"Origin": origin}).headers
    named = {"Origin": "https://shop.example.com"}
    assert "Access-Control-Allow-Origin" not in shop.get("/accounts/login/", headers=named).headers


# Verification of webhooks


def signed(body: bytes, secret: bytes = KEY, age: int = 0) -> dict[str, str]:
    return signed_headers([b"old" * 10, secret], "msg_1", timezone.now() - timedelta(seconds=age), body)


def cases() -> list[tuple[str, dict[str, str], bytes, bool]]:
    """Signed now: a signature is refused after five minutes, and a run may take longer."""
    return [
        ("ours", signed(b'{"a": 1}'), b'{"a": 1}', True),
        ("another secret", signed(b"{}", b"x" * 32), b"{}", False),
        ("changed", signed(b"{}"), b"{ }", False),
        ("old", signed(b"{}", age=400), b"{}", False),
        ("id", {**signed(b"{}"), "webhook-id": "msg_2"}, b"{}", False),
        ("version", {**signed(b"{}"), "webhook-signature": "v2,AAAA"}, b"{}", False),
        ("time", {**signed(b"{}"), "webhook-timestamp": "x"}, b"{}", False),
    ]


def test_the_verification_in_python() -> None:
    found: dict[str, Any] = {}
    exec(block(WEBHOOKS, "def verify"), found)  # the project's own documentation
    for name, headers, body, expected in cases():
        assert found["verify"](SECRET, headers, body) == expected, name


def test_the_verification_in_javascript(tmp_path: Path) -> None:
    made = cases()
    given = [{"name": name, "headers": headers, "body": body.decode()} for name, headers, body, _ in made]
    script = tmp_path / "verify.cjs"
    script.write_text(
        block(WEBHOOKS, "function verify")
        + f"const cases = {json.dumps(given)};\n"
        + f"const found = cases.map((c) => [c.name, verify({json.dumps(SECRET)}, c.headers, Buffer.from(c.body))]);\n"
        + "console.log(JSON.stringify(Object.fromEntries(found)));\n"
    )
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {name: expected for name, _, _, expected in made}


def test_the_example_of_the_settings_is_sound_and_every_event_is_named() -> None:
    found: dict[str, Any] = {}
    exec(block(WEBHOOKS, '"WEBHOOKS"'), found)  # the project's own documentation
    for name, values in found["UPLOADS"]["WEBHOOKS"].items():
        Endpoint.parse(name, values)
    assert set(re.findall(r"^\| `(upload\.\w+)` \|", WEBHOOKS, re.MULTILINE)) == set(WebhookEvent)
