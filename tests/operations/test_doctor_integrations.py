"""The doctor on the issuer of tokens and on the receivers of webhooks: each fault is made for real, on loopback."""

import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.credential_origins import certificate
from tests.issuer import AUDIENCE, DISCOVERY, KEYS, TestIssuer, public_jwk
from tests.loopback import Loopback, Received, Reply
from tests.services.test_webhooks import signatures
from uploads import outbound
from uploads.operations import doctor
from uploads.operations.doctor import Finding
from uploads.services import webhooks

pytestmark = pytest.mark.django_db
KEY = b"k" * 32
SECRET = f"whsec_{b64encode(KEY).decode()}"
UNREACHABLE = "http://127.0.0.1:1"
Configure = Callable[..., None]


@pytest.fixture(autouse=True)
def no_storage(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks of OSS have tests of their own."""
    monkeypatch.setattr(doctor, "_examine_places", lambda: iter(()))


def found(beginning: str) -> list[Finding]:
    return [finding for finding in doctor.examine() if beginning in finding.name]


def has_problem(beginning: str, words: str, cure: str, level: str = "FAIL") -> None:
    """There is one problem, with these words, and its fix is named."""
    problems = [finding for finding in found(beginning) if finding.level != "ok"]
    assert [(each.level, words in each.text, cure in each.cure) for each in problems] == [(level, True, True)], problems


def test_nothing_is_said_of_what_is_not_set() -> None:
    assert [*found("issuer"), *found("webhook")] == []


# The issuer


@pytest.fixture
def issuer() -> Iterator[TestIssuer]:
    with TestIssuer() as running:
        yield running


@pytest.fixture
def oidc(issuer: TestIssuer, settings: Any) -> Configure:
    """Set the issuer, with other values if given."""

    def configure(**values: Any) -> None:
        given = {"issuer": issuer.url, "audience": AUDIENCE, **values}
        classes = ["uploads.web.bearer.BearerAuthentication"]
        settings.UPLOADS = {**settings.UPLOADS, "OIDC": given, "AUTHENTICATION_CLASSES": classes}

    configure()
    return configure


def test_an_issuer_that_works(issuer: TestIssuer, oidc: Configure) -> None:
    issuer.keys += [public_jwk("second"), public_jwk("ec-1"), {**public_jwk("first"), "kid": "e", "use": "enc"}]
    texts = [f"{each.level} {each.name}: {each.text}" for each in found("issuer")]
    assert texts == [
        "ok issuer: answers, and publishes keys: 2 for RS256, 1 for ES256",
        "ok clock of the issuer: differs by less than 32 seconds",
    ]
    issuer.keys = [public_jwk("first")]
    issuer.keys[0].pop("kid")
    assert found("issuer")[0].text == "answers, and publishes keys: 1 for RS256"


def test_an_issuer_that_does_not_answer(oidc: Configure) -> None:
    oidc(issuer=UNREACHABLE)
    has_problem("issuer", f"{UNREACHABLE}{DISCOVERY}: The connection failed", "OIDC_ISSUER")
    oidc(issuer="https://login.invalid")
    has_problem("issuer", "The host login.invalid has no address", "DNS")


def test_the_certificate_of_the_issuer(tmp_path: Path, oidc: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path)
    with Loopback(lambda request: Reply(404), path) as server:
        oidc(issuer=server.url)
        has_problem("issuer", "CERTIFICATE_VERIFY_FAILED", "certificate of a public authority")
        monkeypatch.setattr(outbound, "_tls", lambda: ssl.create_default_context(cafile=str(path)))
        has_problem("issuer", "answered with 404", "OIDC_JWKS_URL")


@pytest.mark.parametrize("reply", [Reply(404), Reply(200, b"<html>"), Reply(200, b"[]"), Reply(302)])
def test_a_discovery_document_that_is_none(issuer: TestIssuer, oidc: Configure, reply: Reply) -> None:
    issuer.replies[DISCOVERY] = reply
    has_problem("issuer", DISCOVERY, "without a discovery document needs OIDC_JWKS_URL")
    oidc(jwks_url=issuer.url + KEYS)
    assert found("issuer")[0].level == "ok", "the fix"


def test_the_document_of_another_issuer(issuer: TestIssuer, oidc: Configure) -> None:
    issuer.document["issuer"] = f"{issuer.url}/"
    has_problem("issuer", f"is of the issuer '{issuer.url}/'", "up to the last slash")
    oidc(issuer=f"{issuer.url}/")
    assert found("issuer")[0].level == "ok", "the fix"


def test_keys_that_are_not_fetched_or_not_there(issuer: TestIssuer, oidc: Configure) -> None:
    with TestIssuer() as inside:
        issuer.document["jwks_uri"] = inside.url + KEYS
        has_problem("issuer", "an address that is not public", "Set OIDC_JWKS_URL")
        assert inside.server.received == []
    issuer.document.clear()
    issuer.replies[KEYS] = Reply(200, b'{"error": "none"}')
    has_problem("issuer", "publishes no keys", "Correct the issuer")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([], "its keys are none"),
        ([public_jwk("first", alg="RS512")], "its keys are RSA RS512 sig"),
        ([public_jwk("first", use="enc")], "its keys are RSA enc"),
        ([public_jwk("short")], "its keys are RSA sig"),
        ([public_jwk("first")] * 2, "its keys are RSA sig"),
        ([{"kty": "RSA", "kid": "x", "n": "!", "e": "AQAB"}], "its keys are RSA"),
    ],
    ids=["none", "algorithm", "use", "short", "one id twice", "malformed"],
)
def test_keys_that_verify_nothing(issuer: TestIssuer, oidc: Configure, keys: list[Any], words: str) -> None:
    issuer.keys = keys
    has_problem("issuer", f"publishes no key that verifies RS256, ES256: {words}", "Set OIDC_ALGORITHMS")


def test_an_algorithm_that_only_the_settings_lack(issuer: TestIssuer, oidc: Configure) -> None:
    issuer.keys = [public_jwk("ec-1")]
    oidc(algorithms=["RS256"])
    has_problem("issuer", "its keys are EC P-256 sig", "Set OIDC_ALGORITHMS")
    oidc(algorithms=["ES256"])
    assert found("issuer")[0].level == "ok", "the fix"


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (95, "FAIL", "behind the issuer's: new tokens are refused"),
        (-95, "warn", "ahead of the issuer's: tokens expire"),
    ],
)
def test_clocks_that_differ(issuer: TestIssuer, oidc: Configure, seconds: int, level: str, words: str) -> None:
    body = b'{"keys": []}'
    issuer.replies[KEYS] = Reply(200, body, {"Date": formatdate(time.time() + seconds, usegmt=True)})
    (finding,) = found("clock of the issuer")
    assert (finding.level, words in finding.text, "NTP" in finding.cure) == (level, True, True), finding
    assert any(f"{number} seconds" in finding.text for number in range(65, 126))
    oidc(leeway=120)
    assert found("clock of the issuer")[0].level == "ok", "the other fix"


def test_an_answer_that_a_cache_has_kept_tells_the_time_too(issuer: TestIssuer, oidc: Configure) -> None:
    old = {"Date": formatdate(time.time() - 600, usegmt=True), "Age": "600"}
    issuer.replies[KEYS] = Reply(200, b'{"keys": []}', old)
    assert found("clock of the issuer")[0].level == "ok"


# The receivers of webhooks


def verifying(request: Received) -> Reply:
    return Reply(204 if signatures(request, KEY) else 401)


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    with Loopback(verifying) as running:
        yield running


@pytest.fixture
def hook(receiver: Loopback, settings: Any) -> Configure:
    """Set the receiver `shop`, with other values if given."""

    def configure(**values: Any) -> None:
        shop = {"url": f"{receiver.url}/hooks", "secret": SECRET, "allow_private": True, **values}
        settings.UPLOADS = {**settings.UPLOADS, "WEBHOOKS": {"shop": shop}}

    configure()
    return configure


def test_a_receiver_that_works_gets_a_signed_message(receiver: Loopback, hook: Configure) -> None:
    (finding,) = found("webhook")
    assert (finding.level, finding.name) == ("ok", "webhook shop")
    assert finding.text == "answers 204 to a signed message"
    right, forged = receiver.received
    assert (signatures(right, KEY), signatures(forged, KEY)) == (True, False)
    assert right.body.startswith(b'{"type": "webhook.test"')
    assert right.headers["webhook-id"] != forged.headers["webhook-id"]


def test_a_receiver_that_verifies_nothing(receiver: Loopback, hook: Configure) -> None:
    receiver.reply = lambda request: Reply(200)
    has_problem("webhook shop", "anybody can send it messages", "verify the signature", level="warn")


def test_a_receiver_that_does_not_answer(hook: Configure) -> None:
    hook(url=f"{UNREACHABLE}/hooks?token=s3cr3t")
    has_problem("webhook shop", "The connection failed", "that this machine reaches it")
    assert "s3cr3t" not in str(found("webhook"))
    hook(url="https://shop.invalid/")
    has_problem("webhook shop", "The host shop.invalid has no address", "Check its url")


def test_a_receiver_that_hangs(receiver: Loopback, hook: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(webhooks, "SECONDS", 0.3)
    receiver.reply = lambda request: Reply() if ended.wait(60) else Reply(500)
    has_problem("webhook shop", "no answer within 0.3 seconds", "that the receiver runs")
    ended.set()


def test_a_receiver_at_a_private_address(receiver: Loopback, hook: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    hook(url=f"https://localhost:{receiver.port}/", allow_private=False)
    has_problem("webhook shop", "an address that is not public", "allow_private")
    assert receiver.received == []


def test_the_certificate_of_a_receiver(tmp_path: Path, hook: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path)
    with Loopback(verifying, path) as server:
        hook(url=server.url)
        has_problem("webhook shop", "CERTIFICATE_VERIFY_FAILED", "certificate of a public authority")
        monkeypatch.setattr(outbound, "_tls", lambda: ssl.create_default_context(cafile=str(path)))
        assert found("webhook")[0].level == "ok", "the fix"


def test_a_receiver_with_another_secret(hook: Configure) -> None:
    hook(secret=f"whsec_{b64encode(b'x' * 32).decode()}")
    has_problem("webhook shop", "answers 401 to a signed message", "Give the receiver the secret")


@pytest.mark.parametrize(
    ("status", "words", "cure"),
    [
        (302, "redirects are not followed", "the address that it redirects to"),
        (404, "nothing receives messages there", "accepts POST there"),
        (405, "nothing receives messages there", "accepts POST there"),
        (410, "it wants no messages", "Remove it from UPLOADS_WEBHOOKS"),
        (429, "it fails, or is busy", "the receiver's log"),
        (503, "it fails, or is busy", "the receiver's log"),
        (422, "answers 422 to a signed message", "a type of message that it does not know"),
    ],
)
def test_a_receiver_that_refuses(receiver: Loopback, hook: Configure, status: int, words: str, cure: str) -> None:
    receiver.reply = lambda request: Reply(status)
    has_problem("webhook shop", words, cure)
    assert len(receiver.received) == 1, "nothing forged is sent to a receiver that already refuses"


def test_a_receiver_whose_clock_differs(receiver: Loopback, hook: Configure) -> None:
    receiver.reply = lambda request: Reply(400, b"", {"Date": formatdate(time.time() - 3600, usegmt=True)})
    has_problem("webhook shop", "its clock differs from this machine's by 360", "NTP set both clocks")


def test_each_receiver_is_asked(receiver: Loopback, hook: Configure, settings: Any) -> None:
    away = {"url": UNREACHABLE, "secret": SECRET, "allow_private": True}
    settings.UPLOADS["WEBHOOKS"]["another"] = away
    settings.UPLOADS = {**settings.UPLOADS}
    assert [(each.name, each.level) for each in found("webhook")] == [
        ("webhook shop", "ok"),
        ("webhook another", "FAIL"),
    ]
