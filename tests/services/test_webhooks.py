"""Webhooks: one message for each event, in order, signed, repeated until it is delivered or dead; and only to whom the
settings name."""

import json
import signal
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from hmac import digest
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from tests.credential_origins import certificate
from tests.django_fixtures import Begin, Place
from tests.loopback import Loopback, Received, Reply
from tests.services.test_services import send
from tests.stack import wait_until
from uploads import outbound, services
from uploads.domain.states import Event
from uploads.models import Ending, ExternalIdentity, Upload, WebhookDelivery
from uploads.models.webhooks import FIELDS, MAX_BODY_BYTES
from uploads.outbound import NotReached, Outgoing, PrivateAddress, checked_addresses, is_public
from uploads.outbound import send as send_out
from uploads.services import CalledInTransaction, webhooks
from uploads.services.webhooks import Delivered, WebhookSender

pytestmark = pytest.mark.django_db
KEY, OLD_KEY = b"k" * 32, b"o" * 24
SECRET, OLD_SECRET = (f"whsec_{b64encode(key).decode()}" for key in (KEY, OLD_KEY))
SIZE = 9_000_000
Configure = Callable[..., None]


@pytest.fixture
def receiver() -> Iterator[Loopback]:
    with Loopback(lambda request: Reply()) as running:
        yield running


@pytest.fixture
def configure(receiver: Loopback, settings: Any) -> Configure:
    """Set the webhooks: `shop`, with other values if given, and whatever else."""

    def configure(others: dict[str, Any] | None = None, **values: Any) -> None:
        shop = {"url": f"{receiver.url}/hooks?tenant=7", "secret": SECRET, "allow_private": True, **values}
        settings.UPLOADS = {**settings.UPLOADS, "WEBHOOKS": {"shop": shop, **(others or {})}}

    configure()
    return configure


def messages(receiver: Loopback) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.received]


def kinds(receiver: Loopback) -> list[str]:
    return [message["type"] for message in messages(receiver)]


def deliver() -> list[Delivered]:
    return list(WebhookSender().send_due())


def make_due() -> None:
    """As if the pauses were over."""
    WebhookDelivery.objects.pending().update(due_at=timezone.now())


def age(**fields: timedelta) -> None:
    WebhookDelivery.objects.update(**{name: timezone.now() - ago for name, ago in fields.items()})


def fail(upload: Upload) -> None:
    assert Upload.objects.advance(upload, Event.FAIL, error={"code": "upload_gone", "title": "Gone", "detail": "Gone."})


# Events


def test_each_end_of_an_upload_is_told_once(
    begin: Begin, receiver: Loopback, configure: Configure, place: Place
) -> None:
    place(allow_delete=True)
    configure()
    done, aborted, failed, stale = (begin(SIZE) for _ in range(4))
    send(done)
    services.complete(done)
    services.delete_object(done)
    services.abort(aborted, actor=aborted.owner)
    fail(failed)
    Upload.objects.filter(pk=stale.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    swept = [each.what for each in services.sweep()]
    assert swept.count("delivered") == 5
    told = [(message["type"], message["data"]["upload"]["id"]) for message in messages(receiver)]
    assert sorted(told) == sorted(
        [
            ("upload.completed", str(done.pk)),
            ("upload.deleted", str(done.pk)),
            ("upload.aborted", str(aborted.pk)),
            ("upload.failed", str(failed.pk)),
            ("upload.expired", str(stale.pk)),
        ]
    )
    states = {message["type"]: message["data"]["upload"]["state"] for message in messages(receiver)}
    assert states == {
        "upload.completed": "completed",
        "upload.deleted": "deleted",
        "upload.aborted": "aborted",
        "upload.expired": "aborted",
        "upload.failed": "failed",
    }
    assert list(services.sweep()) == []


@pytest.mark.parametrize(("finish", "kind"), [(True, "upload.deleted"), (False, "upload.aborted")])
def test_a_row_that_is_deleted_is_told(
    begin: Begin, receiver: Loopback, configure: Configure, finish: bool, kind: str
) -> None:
    upload = begin(SIZE)
    if finish:
        send(upload)
        services.complete(upload)
        deliver()
    Upload.objects.filter(pk=upload.pk).delete()
    deliver()
    assert kinds(receiver)[-1] == kind
    assert messages(receiver)[-1]["data"]["upload"]["id"] == str(upload.pk)


def test_a_message_has_the_upload_as_the_api_shows_it(
    begin: Begin, receiver: Loopback, configure: Configure, api: APIClient, user: Any
) -> None:
    ExternalIdentity.objects.create(user=user, issuer="https://login.example.com", subject="u-17")
    upload = begin(SIZE, metadata={"title": "Ferien ☀"})
    send(upload)
    services.complete(upload)
    deliver()
    (message,) = messages(receiver)
    shown = api.get(f"/api/uploads/{upload.pk}/").json()
    assert set(message["data"]["upload"]) == {"id", "state", "error", *FIELDS}
    assert message["data"]["upload"] == {name: shown[name] for name in message["data"]["upload"]}
    assert message["data"]["owner"] == {
        "id": str(user.pk),
        "username": "ann",
        "issuer": "https://login.example.com",
        "subject": "u-17",
    }
    upload.refresh_from_db()
    body = receiver.received[0].body.decode()
    assert not upload.secret or upload.secret not in body
    assert "Signature" not in body


def test_a_large_message_comes_without_metadata(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    upload = begin(SIZE)
    Upload.objects.filter(pk=upload.pk).update(
        metadata={"a": "x" * 8000}, filename="ä" * 1024, callback={"ok": True, "body": "y" * MAX_BODY_BYTES}
    )
    services.abort(upload)
    deliver()
    assert len(receiver.received[0].body) <= MAX_BODY_BYTES
    shown = messages(receiver)[0]["data"]["upload"]
    assert (shown["metadata"], shown["callback"], shown["filename"]) == ({}, None, "ä" * 1024)


def test_an_event_that_is_rolled_back_is_not_told(begin: Begin, configure: Configure) -> None:
    upload = begin(SIZE)

    with transaction.atomic():
        fail(upload)
        assert WebhookDelivery.objects.count() == 1
        transaction.set_rollback(True)
    assert WebhookDelivery.objects.count() == 0


def test_each_receiver_gets_the_events_that_it_wants(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    with Loopback(lambda request: Reply()) as other:
        entry = {"url": other.url, "secret": SECRET, "allow_private": True, "events": ["upload.aborted"]}
        configure({"other": entry}, events=["upload.failed"])
        aborted = begin(SIZE)
        services.abort(aborted, actor=aborted.owner)
        fail(begin(SIZE))
        deliver()
        assert (kinds(receiver), kinds(other)) == (["upload.failed"], ["upload.aborted"])


def test_nothing_is_recorded_without_webhooks(begin: Begin, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "WEBHOOKS": {}}
    services.abort(begin(SIZE))
    assert not WebhookDelivery.objects.exists()


# Signatures


def signatures(request: Received, key: bytes) -> bool:
    """Whether one of the signatures is by this key, as the specification says it is verified."""
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = digest(key, content, sha256)
    given = [each.partition(",") for each in request.headers["webhook-signature"].split()]
    return any(version == "v1" and b64decode(value) == expected for version, _, value in given)


def test_a_message_is_signed_with_every_secret(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    configure(secret=[SECRET, OLD_SECRET])
    services.abort(begin(SIZE))
    deliver()
    (request,) = receiver.received
    assert (request.method, request.path) == ("POST", "/hooks?tenant=7")
    assert request.headers["content-type"] == "application/json"
    assert abs(int(request.headers["webhook-timestamp"]) - timezone.now().timestamp()) < 300
    assert signatures(request, KEY)
    assert signatures(request, OLD_KEY)
    assert not signatures(request, b"x" * 32)


def test_a_repeated_message_has_the_same_id_and_body(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    receiver.reply = lambda request: Reply(500 if len(receiver.received) < 3 else 204)
    services.abort(begin(SIZE))
    for _ in range(3):
        make_due()
        deliver()
    assert len({(request.headers["webhook-id"], request.body) for request in receiver.received}) == 1
    assert WebhookDelivery.objects.get().ending == Ending.DELIVERED
    make_due()
    assert deliver() == []


# Repetition


def waits() -> float:
    """Seconds until the next attempt."""
    due = WebhookDelivery.objects.get().due_at
    assert due is not None
    return (due - timezone.now()).total_seconds()


def test_pauses_grow_and_the_last_attempt_is_after_a_day(
    begin: Begin, receiver: Loopback, configure: Configure
) -> None:
    receiver.reply = lambda request: Reply(503)
    services.abort(begin(SIZE))
    pauses = []
    for _ in range(8):
        make_due()
        assert [each.what for each in deliver()] == ["failed"]
        pauses.append(waits())
    assert all(later > earlier for earlier, later in pairwise(pauses[:6]))
    assert pauses[0] <= 12
    assert max(pauses) <= 4 * 3600 * 1.2
    age(retried_since=timedelta(hours=24))
    make_due()
    assert [each.what for each in deliver()] == ["dead"]
    dead = WebhookDelivery.objects.get()
    assert (dead.due_at, dead.ending, dead.attempts) == (None, Ending.DEAD, 9)
    assert deliver() == []


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(begin: Begin, receiver: Loopback, configure: Configure, as_date: bool) -> None:
    value = format_datetime(timezone.now() + timedelta(seconds=900), usegmt=True) if as_date else "900"
    receiver.reply = lambda request: Reply(429, headers={"Retry-After": value})
    services.abort(begin(SIZE))
    deliver()
    assert 700 < waits() <= 900


@pytest.mark.parametrize("value", ["-5", "soon", "9" * 30, "Wed, 99 Nov 2026 99:99:99 GMT", ""])
def test_retry_after_that_makes_no_sense(begin: Begin, receiver: Loopback, configure: Configure, value: str) -> None:
    receiver.reply = lambda request: Reply(429, headers={"Retry-After": value})
    services.abort(begin(SIZE))
    deliver()
    assert 0 < waits() <= 24 * 3600


def test_410_is_final_and_other_refusals_are_not(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    for status in (301, 400, 401, 404, 422, 500):
        receiver.reply = lambda request, status=status: Reply(status, headers={"Location": f"{receiver.url}/other"})
        services.abort(begin(SIZE))
        assert [each.what for each in deliver()] == ["failed"], status
        WebhookDelivery.objects.all().delete()
    assert {request.path for request in receiver.received} == {"/hooks?tenant=7"}, "redirects are not followed"
    receiver.reply = lambda request: Reply(410)
    services.abort(begin(SIZE))
    assert [each.what for each in deliver()] == ["dead"]


def test_events_of_one_upload_wait_for_each_other(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    receiver.reply = lambda request: Reply(500)
    upload, other = begin(SIZE), begin(SIZE)
    send(upload)
    services.complete(upload)
    services.delete_object(upload)
    deliver()
    services.abort(other, actor=other.owner)
    deliver()
    assert kinds(receiver) == ["upload.completed", "upload.aborted"], "only the other upload does not wait"
    receiver.reply = lambda request: Reply(410 if b"upload.completed" in request.body else 200)
    make_due()
    deliver()
    make_due()
    deliver()
    assert kinds(receiver)[2:] in (
        ["upload.completed", "upload.aborted", "upload.deleted"],
        ["upload.aborted", "upload.completed", "upload.deleted"],
    )


def test_a_receiver_without_an_answer_does_not_hold_up_the_others(
    begin: Begin, receiver: Loopback, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "BATCH", 2)
    configure({"away": {"url": "http://127.0.0.1:1/", "secret": SECRET, "allow_private": True}})
    for _ in range(4):
        services.abort(begin(SIZE))
    sender = WebhookSender()
    assert [each.what for each in sender.send_due() if each.endpoint == "shop"] == ["delivered"] * 4
    away = WebhookDelivery.objects.filter(endpoint="away")
    assert 1 <= away.filter(attempts=1).count() <= 2, "then it rests"
    assert list(sender.send_due()) == []


def test_a_hanging_receiver_is_left_after_the_time_limit(
    begin: Begin, receiver: Loopback, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    monkeypatch.setattr(webhooks, "SECONDS", 0.3)
    receiver.reply = lambda request: Reply() if ended.wait(60) else Reply(500)
    services.abort(begin(SIZE))
    (done,) = deliver()
    ended.set()
    assert (done.what, "no answer within 0.3 seconds" in done.detail) == ("failed", True)


def test_a_receiver_that_left_the_settings(
    begin: Begin, receiver: Loopback, configure: Configure, settings: Any
) -> None:
    services.abort(begin(SIZE))
    settings.UPLOADS = {**settings.UPLOADS, "WEBHOOKS": {}}
    assert [each.what for each in deliver()] == ["dead"]
    configure()
    WebhookDelivery.objects.all().deliver_again(timezone.now())
    assert [each.what for each in deliver()] == ["delivered"]


# Processes


@pytest.mark.django_db(transaction=True)
def test_two_workers_deliver_nothing_twice(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    for _ in range(12):
        services.abort(begin(SIZE))
    errors: list[Exception] = []

    def work() -> None:
        try:
            deliver()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    identifiers = [request.headers["webhook-id"] for request in receiver.received]
    assert len(identifiers) == len(set(identifiers)) == 12


def test_a_worker_that_was_killed_leaves_its_messages_to_others(
    begin: Begin, receiver: Loopback, configure: Configure
) -> None:
    services.abort(begin(SIZE))
    now = timezone.now()
    (claimed,) = WebhookDelivery.objects.all().claim(now, now + webhooks.CLAIM, 10)
    assert deliver() == []
    make_due()
    assert [each.what for each in deliver()] == ["delivered"]
    late = webhooks._record(claimed, webhooks._Result(webhooks.Phrase("Too late.")))
    assert late.what == "failed"
    assert WebhookDelivery.objects.get().ending == Ending.DELIVERED, "the claim had expired"


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_inside_a_transaction(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    services.abort(begin(SIZE))
    with transaction.atomic(), pytest.raises(CalledInTransaction):
        deliver()
    assert receiver.received == []


def test_the_command(begin: Begin, receiver: Loopback, configure: Configure) -> None:
    services.abort(begin(SIZE))
    out = StringIO()
    call_command("deliver_webhooks", stdout=out)
    call_command("deliver_webhooks", stdout=out)
    assert out.getvalue().splitlines() == ["1 delivered", "Nothing to do."]


@pytest.mark.django_db(transaction=True)
def test_the_command_in_a_loop_delivers_until_it_is_ended(
    begin: Begin, receiver: Loopback, configure: Configure
) -> None:
    """In this process, because it needs its database; the signal is what a service manager sends."""

    def work() -> None:
        try:
            services.abort(upload)
            wait_until(lambda: len(receiver.received) == 1, "the first message")
            services.abort(later)
            wait_until(lambda: len(receiver.received) == 2, "the second message")
            wait_until(lambda: not WebhookDelivery.objects.pending().exists(), "both to be recorded")
        finally:
            connection.close()
            signal.raise_signal(signal.SIGTERM)

    upload, later = begin(SIZE), begin(SIZE)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    out, worker = StringIO(), threading.Thread(target=work)
    try:
        # Before the command has set its own: the worker ends with the signal.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker.start()
        call_command("deliver_webhooks", "--loop", "--interval", "0.1", stdout=out)
    finally:
        worker.join(60)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert out.getvalue().splitlines() == ["1 delivered", "1 delivered"]


@pytest.mark.django_db(transaction=True)
def test_sigterm_while_messages_are_sent_repeats_none_of_them(
    begin: Begin, receiver: Loopback, configure: Configure
) -> None:
    for _ in range(3):
        services.abort(begin(SIZE))
    ended = threading.Event()

    def answer(request: Received) -> Reply:
        ended.set()
        return Reply()

    receiver.reply = answer
    assert [each.what for each in WebhookSender().send_due(ended.is_set)] == ["delivered"] * 3
    assert not WebhookDelivery.objects.pending().exists()
    services.abort(begin(SIZE))
    assert list(WebhookSender().send_due(ended.is_set)) == []


def test_the_metrics_count_what_waits_and_what_is_dead(
    begin: Begin, receiver: Loopback, configure: Configure, settings: Any, client: Any
) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "METRICS_PUBLIC": True, "METRICS_TOKEN": ""}
    receiver.reply = lambda request: Reply(410)
    services.abort(begin(SIZE))
    deliver()
    services.abort(begin(SIZE))
    lines = client.get("/metrics").content.decode().splitlines()
    assert 'uploads_webhooks{ending="waiting"} 1.0' in lines
    assert 'uploads_webhooks{ending="dead"} 1.0' in lines
    settings.UPLOADS = {**settings.UPLOADS, "WEBHOOKS": {}}
    assert "uploads_webhooks" not in client.get("/metrics").content.decode()


# Where it may connect


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://2130706433:{port}/", "https://[::1]:{port}/"],
)
def test_private_addresses_are_refused_unless_they_are_allowed(
    begin: Begin, receiver: Loopback, configure: Configure, url: str
) -> None:
    configure(url=url.format(port=receiver.port), allow_private=False)
    services.abort(begin(SIZE))
    (done,) = deliver()
    assert (done.what, "private address" in done.detail) == ("failed", True)
    assert receiver.received == []


def test_a_name_is_resolved_once_and_the_checked_address_is_used(
    receiver: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers with a public address first, and then with a private one, gains nothing."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host == "127.0.0.1":  # Python asks about addresses, too.
            return [(2, 1, 6, "", (host, port))]
        asked.append(host)
        return [(2, 1, 6, "", ("8.8.8.8" if len(asked) == 1 else "127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    assert checked_addresses("rebinding.example", 443, allow_private=False) == ["8.8.8.8"]
    with pytest.raises(PrivateAddress):
        send_out(Outgoing("POST", f"http://rebinding.example:{receiver.port}/"))
    assert asked == ["rebinding.example"] * 2
    assert receiver.received == []
    allowed = Outgoing("POST", f"http://rebinding.example:{receiver.port}/", allow_private=True)
    assert send_out(allowed).status == 200
    assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"
    assert asked == ["rebinding.example"] * 3, "a name server that is asked twice may answer twice"


def test_the_certificate_must_be_of_the_name_and_not_of_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path)  # Of 127.0.0.1.
    with Loopback(lambda request: Reply(), path) as server:
        with pytest.raises(NotReached, match="CERTIFICATE_VERIFY_FAILED"):
            send_out(Outgoing("POST", server.url, allow_private=True))
        monkeypatch.setattr(outbound, "_tls", lambda: ssl.create_default_context(cafile=str(path)))
        assert send_out(Outgoing("POST", server.url, allow_private=True)).status == 200
        with pytest.raises(NotReached, match="CERTIFICATE_VERIFY_FAILED"):
            send_out(Outgoing("POST", f"https://localhost:{server.port}/", allow_private=True))
        assert len(server.received) == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.100.100.200", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2002:808:808::1", True),
        ("2400:3200::1", True),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b:1::10.0.0.1", False),
        ("64:ff9b:1:a00:0:100::", False),
        ("::10.0.0.1", False),
        ("::8.8.8.8", False),
        ("::ffff:0:10.0.0.1", False),
        ("fec0::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("192.0.0.1", False),
        ("192.0.0.9", False),
        ("192.88.99.1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_large_answer_is_not_read(receiver: Loopback) -> None:
    receiver.reply = lambda request: Reply(200, b"x" * 5_000_000)
    answer = send_out(Outgoing("GET", receiver.url, max_bytes=1000, allow_private=True))
    assert (len(answer.body), answer.is_complete) == (1000, False)


def test_a_host_without_an_address() -> None:
    with pytest.raises(NotReached, match="has no address"):
        send_out(Outgoing("GET", "http://nothing.invalid/"))


# Data


def test_old_deliveries_are_pruned(begin: Begin, receiver: Loopback, configure: Configure, settings: Any) -> None:
    services.abort(begin(SIZE))
    deliver()
    age(ended_at=timedelta(days=29))
    list(services.sweep())
    assert WebhookDelivery.objects.count() == 1
    settings.UPLOADS = {**settings.UPLOADS, "WEBHOOK_RETENTION_DAYS": 28}
    services.abort(begin(SIZE))
    list(services.sweep(dry_run=True))
    assert WebhookDelivery.objects.count() == 2
    list(services.sweep())
    assert [each.ending for each in WebhookDelivery.objects.all()] == [Ending.DELIVERED]


def test_erasure_leaves_nothing_of_the_user(begin: Begin, receiver: Loopback, configure: Configure, user: Any) -> None:
    told, waiting = begin(SIZE, filename="ann-1.mp4"), begin(SIZE, filename="ann-2.mp4")
    services.abort(told)
    deliver()
    services.abort(waiting)
    services.erase_user(user.pk)
    (left,) = WebhookDelivery.objects.all()
    assert left.upload == waiting.pk
    assert json.loads(left.body)["data"] == {
        "upload": {"id": str(waiting.pk), "state": "aborted", "destination": "default"},
        "owner": None,
    }
    assert [each.what for each in deliver()] == ["delivered"]


def leave_the_uploads(user: Any) -> None:
    Upload.objects.filter(owner=user).delete()


def leave_the_account(user: Any) -> None:
    user.delete()


@pytest.mark.parametrize(
    ("leave", "policy"), [(leave_the_uploads, "keep"), (leave_the_account, "keep"), (leave_the_account, "delete")]
)
def test_erasure_finds_messages_about_what_is_gone(
    begin: Begin, receiver: Loopback, configure: Configure, settings: Any, user: Any, other_user: Any,
    leave: Callable[[Any], None], policy: str,
) -> None:  # fmt: skip
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": policy}
    pk, name, told, waiting = user.pk, user.username, begin(SIZE, filename="diary-1"), begin(SIZE, filename="diary-2")
    services.abort(told)
    deliver()
    services.abort(waiting)
    services.abort(services.begin(other_user, services.UploadRequest("default", "film.mp4", SIZE, "video/mp4")))
    leave(user)
    assert "diary" in str(list(WebhookDelivery.objects.values_list("body")))
    services.erase_user(pk)
    assert told.pk not in WebhookDelivery.objects.values_list("upload", flat=True)
    bodies = str(list(WebhookDelivery.objects.values_list("body")))
    assert "diary" not in bodies
    assert f'"{name}"' not in bodies
    assert not WebhookDelivery.objects.filter(owner=str(pk)).exists()
    (theirs,) = WebhookDelivery.objects.filter(owner=str(other_user.pk))
    assert "film.mp4" in theirs.body
    assert {each.what for each in deliver()} == {"delivered"}


@pytest.mark.parametrize("delivered", [True, False])
def test_erasure_finds_messages_of_earlier_versions(
    begin: Begin, receiver: Loopback, configure: Configure, user: Any, other_user: Any, delivered: bool
) -> None:
    """They name the user in their bodies only."""
    services.abort(begin(SIZE))
    named = {"owner": {"id": str(user.pk), "username": "x"}}
    theirs = services.begin(other_user, services.UploadRequest("default", "film.mp4", SIZE, "video/mp4"))
    Upload.objects.filter(pk=theirs.pk).update(callback={"body": named})
    services.abort(theirs)
    Upload.objects.all().delete()
    if delivered:
        deliver()
    (body,) = WebhookDelivery.objects.filter(upload=theirs.pk).values_list("body", flat=True)
    assert json.dumps(named, separators=(",", ":")) in body
    WebhookDelivery.objects.update(owner=None)
    services.erase_user(user.pk)
    kept = [each.body for each in WebhookDelivery.objects.all()]
    assert body in kept
    assert len(kept) == (1 if delivered else 2)
    assert [json.loads(each)["data"]["owner"] for each in kept if each != body] == [None] * (not delivered)


# Settings


@pytest.mark.parametrize(
    "values",
    [
        {"url": "http://shop.example.com/", "allow_private": False},
        {"url": "https://ann:pw@shop.example.com/"},
        {"url": "ftp://shop.example.com/"},
        {"url": ""},
        {"secret": "short"},
        {"secret": "whsec_c2hvcnQ="},
        {"secret": f"whsec_{'A' * 200}"},
        {"secret": "whsec_!!!!"},
        {"secret": []},
        {"events": ["completed"]},
        {"events": 7},
        {"allow_private": "yes"},
        {"colour": "red"},
    ],
)
def test_wrong_settings_are_reported_and_show_no_secret(configure: Configure, values: dict[str, Any]) -> None:
    configure(**values)
    found = [message for message in run_checks(tags=["uploads"]) if message.id == "uploads.E112"]
    assert len(found) == 1
    assert SECRET not in str(found[0])
    assert not isinstance(values.get("secret"), str) or values["secret"] not in found[0].msg
    assert "'shop'" in found[0].msg


@pytest.mark.parametrize("days", [0, -1, "30", True, 1.5])
def test_a_wrong_retention_is_reported(settings: Any, days: object) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "WEBHOOK_RETENTION_DAYS": days}
    assert "uploads.E113" in [message.id for message in run_checks(tags=["uploads"])]
