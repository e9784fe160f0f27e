"""OSS's calls: what is believed of them, and that an upload ends by them even if everybody else has died."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings as django_settings
from django.core import signing
from django.core.cache import cache
from django.test import override_settings
from rest_framework.test import APIClient

from tests import http
from tests.callback_app import CallbackApp, answer, raw
from tests.django_fixtures import Begin
from tests.services.test_services import send
from tests.stack import Stack, deliver
from uploads import services
from uploads.domain.errors import CallbackRefused, NotFoundError
from uploads.domain.states import Event, State
from uploads.localoss.callback_requests import sign
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss import callback as protocol
from uploads.oss.client import OssClient
from uploads.oss.limits import MIN_PART_SIZE
from uploads.oss.signing import PartRequest
from uploads.services import callback
from uploads.services.callback import _configured_targets, probe, receive
from uploads.services.common import callback_of
from uploads.services.outcome import record_callback

pytestmark = pytest.mark.django_db

SIZE = 20_000_000
PATH = "/api/oss/callback/"
ACCEPTED, REFUSED = (409, "parts_missing"), (403, "callback_refused")
"""The answers to a call for an upload whose object is not there, with a right signature and with a wrong one."""


@pytest.fixture(autouse=True)
def configured(oss: OssClient, oss_server: LocalServer, settings: Any) -> None:
    cache.clear()
    settings.UPLOADS = {**settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"{oss_server.url}/-/"]}


@pytest.fixture
def app(settings: Any) -> Iterator[CallbackApp]:
    """Hears what OSS calls, so that a test can hand it on to the site, changed or not."""
    with CallbackApp() as app:
        settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"callback": {"url": app.url}}}}
        yield app


def heard(app: CallbackApp, index: int = -1, **changed: Any) -> Any:
    """What the site says to a call that OSS made."""
    call = app.calls[index]
    sent = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in call.headers.items() if "content" not in name
    }
    sent |= {"RAW_URI": call.target, "HTTP_HOST": "testserver", **changed}
    body = sent.pop("body", call.body)
    return APIClient().generic("POST", PATH, body, content_type=call.headers["content-type"], **sent)


# An upload ends by a call


@pytest.mark.parametrize("size", [SIZE, 5])
def test_it_ends_though_browser_and_worker_have_died(begin: Begin, app: CallbackApp, oss: OssClient, size: int) -> None:
    upload = begin(size)
    if size == SIZE:
        # A client with lent credentials would complete so; our own worker died after OSS had its Complete.
        send(upload)
        parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
        headers = protocol.request_headers(*callback_of(upload))
        done = oss.complete(upload.bucket, upload.key, upload.upload_id, parts, headers)
        assert done.callback == {"ok": True, "body": {"ok": True}}
    else:
        (part,) = services.sign_parts(upload, [PartRequest(1)])
        assert deliver(part, bytes(size)).json() == {"ok": True}
    said = heard(app)
    assert (said.status_code, said.json()) == (200, {"id": str(upload.pk), "state": "completed"})
    upload.refresh_from_db()
    assert (upload.state, upload.bytes_done) == (State.COMPLETED, size)
    assert upload.etag == oss.head(upload.bucket, upload.key).etag


def test_oss_is_not_asked_to_complete_what_it_says_is_complete(
    begin: Begin, app: CallbackApp, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It calls before it has answered the request that made the object, and a second one would wait for the first."""
    upload = begin(250_000, part_size=MIN_PART_SIZE)
    send(upload)
    parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    assert Upload.objects.advance(upload, Event.COMPLETE, expected={})
    headers = protocol.request_headers(*callback_of(upload))
    oss.complete(upload.bucket, upload.key, upload.upload_id, parts, headers)
    monkeypatch.setattr(OssClient, "list_parts", lambda *_: parts)
    monkeypatch.setattr(OssClient, "complete", lambda *_: pytest.fail("OSS was asked to complete."))
    assert heard(app).json()["state"] == "completed"


def test_heard_twice_it_changes_nothing(begin: Begin, app: CallbackApp) -> None:
    upload = begin(SIZE)
    send(upload)
    services.complete(upload)
    before = Upload.objects.values().get(pk=upload.pk)
    assert [heard(app).status_code for _ in range(2)] == [200, 200]
    assert Upload.objects.values().get(pk=upload.pk) == before
    assert upload.events.filter(name="finish").count() == 1


def test_the_answer_of_the_application_is_kept(begin: Begin, settings: Any) -> None:
    with CallbackApp(answer(body=b'{"film": 7}')) as app:
        settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"callback": {"url": app.url}}}}
        upload = begin(SIZE)
        send(upload)
        assert services.complete(upload).callback == {"ok": True, "body": {"film": 7}}


def test_of_a_file_in_one_request_the_browser_reports_the_answer(begin: Begin, api: APIClient, settings: Any) -> None:
    sent = []
    for said in (answer(body=b'{"film": 7}'), answer(500)):
        with CallbackApp(said) as app:
            settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"callback": {"url": app.url}}}}
            upload = begin(5)
            (part,) = services.sign_parts(upload, [PartRequest(1)])
            told = deliver(part, b"12345")
        sent.append((upload.pk, {"status": told.status_code, "body": told.text}))
    (good, of_good), (bad, of_bad) = sent
    completed = api.post(f"/api/uploads/{good}/complete/", {"callback": of_good}, format="json").json()
    assert completed["callback"] == {"ok": True, "body": {"film": 7}, "reported": True}
    batch = {"uploads": [{"id": str(bad), "callback": of_bad}]}
    (completed,) = api.post("/api/uploads/batch/complete/", batch, format="json").json()["uploads"]
    assert completed["state"] == "completed"
    outcome = completed["callback"]
    assert (outcome["ok"], outcome["code"], outcome["reported"]) == (False, "CallbackFailed", True)
    assert outcome["message"] == "Error status : 500."


def test_what_the_browser_reports_does_not_replace_what_oss_said(begin: Begin, app: CallbackApp) -> None:
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    deliver(part, b"12345")
    proof = {"ok": True, "body": {"id": str(upload.pk), "state": "completed"}}
    forged = services.ClientReport(callback={"ok": False, "code": "CallbackFailed"})
    assert services.complete(upload, forged).callback == {"ok": False, "code": "CallbackFailed", "reported": True}
    assert heard(app).status_code == 200
    assert services.complete(upload, forged).callback == proof
    whole = begin(SIZE)
    send(whole)
    assert services.complete(whole, forged).callback == {"ok": True, "body": {"ok": True}}


def test_the_browser_may_report_after_somebody_else_has_completed(begin: Begin, app: CallbackApp) -> None:
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    deliver(part, b"12345")
    assert services.complete(upload).callback is None
    first = services.ClientReport(callback={"ok": True, "body": {"film": 7}})
    assert services.complete(upload, first).callback == {"ok": True, "body": {"film": 7}, "reported": True}
    second = services.ClientReport(callback={"ok": False})
    assert services.complete(upload, second).callback == {"ok": True, "body": {"film": 7}, "reported": True}


def test_a_report_of_an_upload_that_has_failed_is_not_kept(begin: Begin, app: CallbackApp) -> None:
    upload = begin(5)
    record_callback(upload, {"ok": True})
    upload.refresh_from_db()
    assert (upload.state, upload.callback) == ("uploading", None)


def test_the_doctors_probe_is_believed_for_five_minutes(
    key: rsa.RSAPrivateKey, key_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe belongs to no upload: 404 says that its signature was accepted."""
    made = time.time()
    told = {name.removeprefix("x:"): value for name, value in probe().items()}
    assert set(told) == {"upload", "secret"}
    assert UUID(told["upload"]) != UUID(probe()["x:upload"])
    body = urlencode(told).encode()
    refused(forged(key, PATH, body, key_url), 404, "not_found")
    for seconds, asked in ((290, True), (600, False)):
        cache.clear()
        with CallbackApp(raw(b"")) as host, monkeypatch.context() as patch:
            patch.setattr(signing.time, "time", lambda seconds=seconds: made + seconds)
            settings = {**django_settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}
            with override_settings(UPLOADS=settings):
                forged(key, PATH, body, host.url)
        assert bool(host.calls) is asked, "the key is asked for only where the rest is believed"
    other = urlencode({**told, "upload": str(uuid4())}).encode()
    with CallbackApp(raw(b"")) as host:
        settings = {**django_settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}
        with override_settings(UPLOADS=settings):
            refused(forged(key, PATH, other, host.url), 404, "not_found")
        assert host.calls == []


def test_without_a_callback_none_is_reported(begin: Begin) -> None:
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    deliver(part, b"12345")
    report = services.ClientReport(callback={"ok": True, "body": "forged"})
    assert services.complete(upload, report).callback is None
    assert services.complete(upload, report).callback is None


def test_a_callback_that_failed_is_shown_as_what_it_is(begin: Begin, settings: Any) -> None:
    with CallbackApp(answer(500)) as app:
        settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"callback": {"url": app.url}}}}
        upload = begin(SIZE)
        send(upload)
        services.complete(upload)
    assert upload.state == State.COMPLETED
    assert upload.callback["ok"] is False
    assert upload.callback["code"] == "CallbackFailed"
    assert upload.callback["message"] == "Error status : 500."
    assert len(upload.callback["request_id"]) == 24


def test_an_application_of_ones_own_is_told_in_its_words(begin: Begin, settings: Any) -> None:
    with CallbackApp() as app:
        own = {
            "url": app.url,
            "body": '{"key":${object},"size":${size},"film":${x:film}}',
            "body_type": "application/json",
            "host": "cinema.example",
            "vars": {"x:film": "7"},
        }
        settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"callback": own}}}
        upload = begin(5)
        (part,) = services.sign_parts(upload, [PartRequest(1)])
        deliver(part, b"hello")
        (call,) = app.calls
        assert json.loads(call.body) == {"key": upload.key, "size": 5, "film": "7"}
        assert call.headers["host"] == "cinema.example"


# What is not believed


@pytest.fixture
def called(begin: Begin, app: CallbackApp) -> Upload:
    """Stored, told by OSS, and not yet heard by the site."""
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert deliver(part, b"hello").status_code == 200
    return upload


def untouched(upload: Upload) -> bool:
    return Upload.objects.get(pk=upload.pk).state == State.UPLOADING


def refused(said: Any, status: int, code: str) -> None:
    assert (said.status_code, said.json()["code"]) == (status, code), said.json()


def test_other_bytes_than_were_signed(called: Upload, app: CallbackApp) -> None:
    refused(heard(app, body=app.calls[-1].body + b"&x=1"), 403, "callback_refused")
    refused(heard(app, HTTP_AUTHORIZATION="AAAA"), 403, "callback_refused")
    refused(heard(app, HTTP_AUTHORIZATION=""), 403, "callback_refused")
    assert untouched(called)


def test_another_path_than_was_signed_unless_we_asked_for_it(called: Upload, app: CallbackApp, settings: Any) -> None:
    elsewhere = {"default": {"callback": {"url": "http://127.0.0.1/other"}}}
    assert heard(app, RAW_URI="/api/oss/callback/").status_code == 200, "a proxy in front may have rewritten it"
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": elsewhere}
    refused(heard(app, RAW_URI="/api/oss/callback/"), 403, "callback_refused")


def test_a_key_from_elsewhere_is_never_fetched(called: Upload, app: CallbackApp, oss_server: LocalServer) -> None:
    with CallbackApp(answer()) as evil:
        known = f"{oss_server.url}/-/"
        inside = (f"{evil.url}?{known}", f"{evil.url}#{known}", f"{evil.url}/{known}", f" {known}")
        for url in (evil.url, *inside, oss_server.url, f"{oss_server.url}.evil.example/-/", "file:///etc/passwd", ""):
            header = base64.b64encode(url.encode()).decode()
            refused(heard(app, HTTP_X_OSS_PUB_KEY_URL=header), 403, "callback_refused")
        assert evil.calls == []
    assert untouched(called)


def forged(key: rsa.RSAPrivateKey, target: str, body: bytes, url: str) -> Any:
    sent = {
        "HTTP_AUTHORIZATION": sign(key, target, body),
        "HTTP_X_OSS_PUB_KEY_URL": base64.b64encode(url.encode()).decode(),
        "RAW_URI": target,
    }
    return APIClient().generic("POST", PATH, body, content_type=protocol.FORM, **sent)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """As if OSS's own had been factored."""
    return rsa.generate_private_key(65537, 1024)


@pytest.fixture
def key_url(key: rsa.RSAPrivateKey, settings: Any) -> Iterator[str]:
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with CallbackApp(answer(body=pem)) as host:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}
        yield host.url


def test_a_forged_signature_is_not_enough(begin: Begin, app: CallbackApp, key: rsa.RSAPrivateKey, key_url: str) -> None:
    upload = begin(5)
    for body in (
        f"upload={upload.pk}&secret=guess",
        f"upload={upload.pk}&secret=",
        f"upload={upload.pk}",
        "upload=nonsense&secret=x",
        "",
    ):
        refused(forged(key, PATH, body.encode(), key_url), 404, "not_found")
    secret = f"upload={upload.pk}&secret={upload.secret}".encode()
    refused(forged(key, PATH, secret, key_url), 409, "parts_missing")
    assert untouched(upload), "whoever had both would still have to put the object there"
    assert [call.method for call in app.calls] == []


def test_bodies_that_cannot_be_read(key: rsa.RSAPrivateKey, key_url: str) -> None:
    refused(forged(key, PATH, b"\xff\xfe", key_url), 403, "callback_refused")
    many = "&".join(f"a{n}=1" for n in range(201)).encode()
    refused(forged(key, PATH, many, key_url), 403, "callback_refused")
    refused(forged(key, PATH, b"a" * 70_000, key_url), 413, "body_too_large")


def test_an_upload_without_a_callback_has_no_secret_to_guess(
    begin: Begin, key: rsa.RSAPrivateKey, key_url: str
) -> None:
    upload = begin(5)
    assert upload.secret == ""
    refused(forged(key, PATH, f"upload={upload.pk}&secret=".encode(), key_url), 404, "not_found")


@pytest.mark.parametrize("sent", [b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                                  b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"k" * 99_999,
                                  b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnone", b""])  # fmt: skip
def test_a_key_host_that_misbehaves_is_asked_once_in_a_while(
    key: rsa.RSAPrivateKey, settings: Any, begin: Begin, app: CallbackApp, sent: bytes
) -> None:
    known = secrets_of(begin(5))
    with CallbackApp(raw(sent)) as host:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}
        for _ in range(3):
            refused(forged(key, PATH, known, host.url), 403, "callback_refused")
        assert len(host.calls) == 1


def secrets_of(upload: Upload) -> bytes:
    """The body of a callback that knows the upload."""
    return f"upload={upload.pk}&secret={upload.secret}".encode()


def test_a_forged_call_costs_no_request_until_upload_and_secret_are_known(
    key: rsa.RSAPrivateKey, settings: Any, begin: Begin, app: CallbackApp
) -> None:
    upload = begin(5)
    with CallbackApp(raw(b"")) as host:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}
        for body in (b"upload=x", f"upload={upload.pk}&secret=guess".encode(), b"", b"upload=\xff"):
            assert forged(key, PATH, body, host.url).status_code in (403, 404)
        assert host.calls == []
        refused(forged(key, PATH, secrets_of(upload), host.url), 403, "callback_refused")
        assert len(host.calls) == 1


def test_a_call_without_the_headers_of_oss_is_refused(begin: Begin, app: CallbackApp, oss_server: LocalServer) -> None:
    upload = begin(5)
    url = base64.b64encode(f"{oss_server.url}/-/callback_pub_key.pem".encode()).decode()
    for headers in ({}, {"authorization": "AAAA"}, {"x-oss-pub-key-url": url}):
        with pytest.raises(CallbackRefused):
            receive(PATH, {"content-type": protocol.FORM, **headers}, secrets_of(upload))


def test_the_body_is_read_as_its_content_type_says(begin: Begin, app: CallbackApp) -> None:
    """Who knows the upload is refused for the signature; who does not, is told of no upload."""
    upload = begin(5)
    form = secrets_of(upload)
    known = json.dumps({"upload": str(upload.pk), "secret": upload.secret, "size": 5}).encode()
    for headers, body in (
        ({"content-type": "application/json"}, known),
        ({"content-type": "Application/JSON ; charset=utf-8"}, known),
        ({"content-type": protocol.FORM}, form),
        ({}, form),
    ):
        with pytest.raises(CallbackRefused, match="signature"):
            receive(PATH, headers, body)
    for headers, body in (
        ({"content-type": protocol.FORM}, known),
        ({"content-type": "application/json"}, b"[1, 2]"),
        ({"content-type": "application/json"}, known.replace(upload.secret.encode(), b"\\ud800")),
        ({"content-type": "application/json"}, json.dumps({"upload": str(upload.pk), "secret": 7}).encode()),
    ):
        with pytest.raises(NotFoundError):
            receive(PATH, headers, body)
    for body in (form, b"[" * 100_000, b""):
        with pytest.raises(CallbackRefused, match="cannot be read"):
            receive(PATH, {"content-type": "application/json"}, body)


def test_what_oss_was_told_to_call(settings: Any) -> None:
    urls = ["https://a.example", "https://b.example/cb/?x=1&y=2"]
    destinations = {
        "none": {},
        "one": {"callback": {"url": "https://c.example/one"}},
        "two": {"callback": {"url": urls}},
    }
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": destinations}
    assert {"/one", "/", "/cb/?x=1&y=2"} == set(_configured_targets())


def test_the_key_of_one_url_is_not_that_of_another(
    key: rsa.RSAPrivateKey, key_url: str, settings: Any, begin: Begin, app: CallbackApp
) -> None:
    body = secrets_of(begin(5))
    refused(forged(key, PATH, body, key_url), 409, "parts_missing")
    other = rsa.generate_private_key(65537, 1024).public_key()
    pem = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with CallbackApp(answer(body=pem)) as host:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}
        refused(forged(key, PATH, body, host.url), 403, "callback_refused")


def test_a_key_is_kept_for_a_day_and_its_absence_for_half_a_minute(
    key: rsa.RSAPrivateKey, key_url: str, settings: Any, begin: Begin, app: CallbackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, kept = secrets_of(begin(5)), []
    real = cache.set

    def keep(name: str, value: Any, seconds: int) -> None:
        if name.startswith("uploads:callback-key:"):
            kept.append(seconds)
        real(name, value, seconds)

    monkeypatch.setattr(cache, "set", keep)
    forged(key, PATH, body, key_url)
    with CallbackApp(raw(b"")) as host:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}
        forged(key, PATH, body, host.url)
    assert kept == [86_400, 30]


def test_five_urls_of_keys_are_fetched_a_minute_for_one_user(
    key: rsa.RSAPrivateKey,
    settings: Any,
    begin: Begin,
    app: CallbackApp,
    other_user: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uploads = [begin(5), begin(5)]
    with CallbackApp(raw(b"")) as host:
        settings.UPLOADS = {**settings.UPLOADS, "OSS_CALLBACK_KEY_URLS": [f"http://127.0.0.1:{host.port}/"]}

        def calls(many: int) -> int:
            """How many URLs are fetched for so many."""
            before = len(host.calls)
            for number in range(many):
                url = f"{host.url}/{uuid4()}" + "x" * 1000
                refused(forged(key, PATH, secrets_of(uploads[number % 2]), url), 403, "callback_refused")
            return len(host.calls) - before

        assert (calls(12), calls(2)) == (5, 0)
        uploads.append(services.begin(other_user, services.UploadRequest("default", "film.mp4", 5)))
        refused(forged(key, PATH, secrets_of(uploads[-1]), f"{host.url}/other"), 403, "callback_refused")
        assert len(host.calls) == 6, "another user"
        now = time.time()
        with monkeypatch.context() as patch:
            patch.setattr("django.core.cache.backends.locmem.time.time", lambda: now + 61)
            assert calls(12) == 5, "a minute later"


def test_callbacks_that_come_together_all_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one user, before anybody has fetched it: once a day, and after each restart of the cache."""
    together = Barrier(12, timeout=20)

    def fetched(*_: Any) -> bytes:
        together.wait()
        return b"the key"

    monkeypatch.setattr(callback, "fetch", fetched)
    with ThreadPoolExecutor(12) as threads:
        keys = list(threads.map(callback._public_key, ["http://127.0.0.1/key"] * 12, ["user:1"] * 12))
    assert keys == [b"the key"] * 12
    monkeypatch.setattr(callback, "fetch", lambda *_: b"another")
    others = [callback._public_key(f"http://127.0.0.1/{number}", "user:1") for number in range(6)]
    assert others == [b"another"] * 4 + [None] * 2, "it counted as one"


def test_a_cached_key_is_used_when_no_more_are_fetched(
    key: rsa.RSAPrivateKey, key_url: str, begin: Begin, app: CallbackApp
) -> None:
    body = secrets_of(begin(5))
    for number in range(6):
        refused(forged(key, PATH, body, f"{key_url}/{number}"), *ACCEPTED if number < 5 else REFUSED)
    refused(forged(key, PATH, body, f"{key_url}/0"), *ACCEPTED)


def test_a_good_key_is_fetched_once(
    called: Upload, app: CallbackApp, oss_server: LocalServer, monkeypatch: Any
) -> None:
    fetched: list[str] = []
    real = httpx.stream

    def stream(method: str, url: str, **options: Any) -> Any:
        fetched.append(url)
        return real(method, url, **options)

    monkeypatch.setattr(httpx, "stream", stream)
    assert [heard(app).status_code for _ in range(3)] == [200, 200, 200]
    assert fetched == [f"{oss_server.url}/-/callback_pub_key.pem"]


def test_the_secret_is_not_shown(
    api: APIClient, begin: Begin, app: CallbackApp, caplog: pytest.LogCaptureFixture
) -> None:
    upload = begin(SIZE)
    assert len(upload.secret) == 43
    assert upload.secret not in api.get(f"/api/uploads/{upload.pk}/").content.decode()
    send(upload)
    with caplog.at_level("DEBUG"):
        services.complete(upload)
        heard(app)
    assert upload.secret not in caplog.text


def test_the_site_is_called_while_it_waits_for_that_very_complete() -> None:
    """All of it in processes of their own: the worker that completes, OSS that calls, the worker that hears."""
    with Stack() as stack:
        stack.destinations({"default": {"callback": {"url": f"{stack.site.url}{PATH}"}}})
        # The local OSS makes its key when it is first asked: not within the five seconds of a callback.
        assert http.get(f"{stack.oss_server.url}/-/callback_pub_key.pem").status_code == 200
        with stack.api() as api:
            for size in (SIZE, 5):
                body = {"destination": "default", "filename": "film.mp4", "size": size, "sign": 3}
                created = api.post("uploads/", json=body).json()
                for part in created["parts"]:
                    start = (part["number"] - 1) * created["part_size"]
                    assert deliver(part, bytes(min(created["part_size"], size - start))).status_code == 200
                if size == 5:  # The site heard of it from OSS alone.
                    assert api.get(f"uploads/{created['id']}/").json()["state"] == "completed"
                done = api.post(f"uploads/{created['id']}/complete/").json()
                assert done["state"] == "completed"
                if size == SIZE:
                    assert done["callback"] == {"ok": True, "body": {"id": created["id"], "state": "completed"}}
