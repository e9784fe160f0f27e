"""The journey, against a real OSS server: what is kept, what is refused, and that each end is reached once."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection
from django.utils import timezone

from tests import http
from tests.django_fixtures import Begin, Place
from tests.stack import deliver
from uploads import services
from uploads.domain.errors import (
    InvalidUpload,
    ObjectMismatch,
    PartsMissing,
    StorageBusy,
    StorageRefused,
    UploadGone,
    WrongState,
)
from uploads.domain.states import Event, State
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.crc64 import crc64
from uploads.oss.errors import NotFound, Unreachable
from uploads.oss.messages import multipart_etag
from uploads.oss.signing import PartRequest
from uploads.services import ClientReport, DonePart

pytestmark = pytest.mark.django_db

SIZE = 20_000_000
"""Three parts: 8 MiB, 8 MiB, and the rest."""


def content_of(upload: Upload) -> bytes:
    return film(upload.size)


@lru_cache(maxsize=4)
def film(size: int) -> bytes:
    return hashlib.shake_128(b"film").digest(size)


def send(upload: Upload, *numbers: int) -> list[DonePart]:
    """As a browser does: PUT these parts (or all) with signed URLs."""
    content, done = content_of(upload), []
    for part in services.sign_parts(upload, [PartRequest(n) for n in numbers or upload.plan.numbers()]):
        start = (part.number - 1) * upload.part_size
        answer = deliver(part, content[start : start + upload.part_size])
        assert answer.status_code == 200, answer.text
        size = upload.plan.size_of(part.number)
        done.append(
            DonePart(part.number, size, answer.headers["ETag"].strip('"'), answer.headers["x-oss-hash-crc64ecma"])
        )
    return done


# Begin


def test_begin_opens_the_upload_at_oss(begin: Begin, oss: OssClient, user: Any) -> None:
    upload = begin(SIZE)
    assert (upload.state, upload.method, upload.part_size, upload.part_count) == ("uploading", "multipart", 8 << 20, 3)
    assert oss.list_parts(upload.bucket, upload.key, upload.upload_id) == []
    assert upload.key.startswith(f"uploads/{user.pk}/{datetime.now(UTC):%Y/%m/%d}/{upload.id.hex}/film.mp4")
    assert [event.name for event in upload.events.all()] == ["begin"]


def test_a_client_may_wish_for_a_part_size_up_to_that_of_the_destination(begin: Begin, place: Place) -> None:
    assert (begin(SIZE, part_size=1 << 20).part_size, begin(1000, part_size=1 << 20).part_count) == (1 << 20, 1)
    assert begin(10_000 * (1 << 20) + 1, part_size=1 << 20).part_count <= 10_000
    assert begin(None, part_size=16 << 20).part_size == 16 << 20
    place(part_size=4 << 20)
    assert begin(SIZE, part_size=1 << 20).part_size == 1 << 20
    assert begin(SIZE, part_size=16 << 20).part_size == 4 << 20


def test_a_file_of_one_part_needs_no_multipart_upload(begin: Begin) -> None:
    assert (begin(8 << 20).method, begin((8 << 20) + 1).method, begin(0).method) == ("post", "multipart", "post")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"destination": "elsewhere"}, "destination"),
        ({"size": 10_000 * 5 * 2**30 + 1}, "size"),
        ({"metadata": {"title": "x" * 9000}}, "metadata"),
    ],
)
def test_what_cannot_be_is_refused_by_field(begin: Begin, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidUpload) as caught:
        begin(**values)
    assert set(caught.value.errors) == {field}
    assert not Upload.objects.exists()


def test_metadata_needs_the_destinations_leave(begin: Begin, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {}}}
    with pytest.raises(InvalidUpload, match="does not accept metadata"):
        begin(metadata={"title": "x"})


def test_a_wrong_secret_is_told_with_osss_code_and_request_id(begin: Begin, oss: OssClient, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ACCESS_KEY_SECRET": "wrong"}
    with pytest.raises(StorageRefused, match="OSS_ACCESS_KEY_SECRET") as caught:
        begin()
    assert caught.value.oss["code"] == "SignatureDoesNotMatch"
    assert len(caught.value.oss["request_id"]) == 24


def test_what_cannot_be_remembered_is_not_left_at_oss(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, str, str]] = []
    real = OssClient.initiate

    def initiate(self: OssClient, bucket: str, key: str, headers: Any = None) -> str:
        opened.append((bucket, key, real(self, bucket, key, headers)))
        return opened[0][2]

    monkeypatch.setattr(OssClient, "initiate", initiate)
    with pytest.raises(DataError if connection.vendor == "postgresql" else IntegrityError):
        begin(SIZE, fingerprint="x" * 200 if connection.vendor == "postgresql" else None)
    with pytest.raises(NotFound, match="NoSuchUpload"):
        oss.list_parts(*opened[0])


# Sign


def test_signed_parts_need_no_header_and_live_as_long_as_the_destination_says(begin: Begin) -> None:
    now = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
    (part,) = services.sign_parts(begin(), [PartRequest(2)], now=now)
    assert (part.method, part.headers, part.expires_at) == ("PUT", {}, datetime(2026, 1, 15, 8, 45, tzinfo=UTC))


def test_given_size_and_md5_are_bound_so_that_oss_refuses_other_bytes(begin: Begin) -> None:
    upload = begin(None)
    md5 = "XUFAKrxLKna5cZ2REBfFkg=="  # of "hello"
    (part,) = services.sign_parts(upload, [PartRequest(1, 5, md5)])
    assert part.headers == {"Content-MD5": md5}
    assert http.put(part.url, content=b"hello", headers=dict(part.headers)).status_code == 200
    assert "InvalidDigest" in http.put(part.url, content=b"olleh", headers=dict(part.headers)).text
    assert "SignatureDoesNotMatch" in http.put(part.url, content=b"hello").text
    planned = begin(SIZE)
    (sized,) = services.sign_parts(planned, [PartRequest(3, size=planned.plan.size_of(3))])
    assert "SignatureDoesNotMatch" in http.put(sized.url, content=b"shorter").text


def test_the_form_of_a_small_file_takes_this_file_alone(begin: Begin, oss: OssClient) -> None:
    upload = begin(5, metadata={"title": "a"})
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert (part.method, part.headers) == ("POST", {})
    assert deliver(part, b"123456").status_code == 400
    for name in ("key", "x-oss-content-type", "x-oss-meta-title", "success_action_status"):
        changed = replace(part, fields={**part.fields, name: "other"})
        assert "Policy Condition failed" in deliver(changed, b"12345").text
    assert deliver(part, b"12345").status_code == 200
    assert oss.head(upload.bucket, upload.key).content_type == "video/mp4"


def test_bytes_with_an_md5_go_by_put_that_holds_them_to_it(begin: Begin) -> None:
    md5 = "XUFAKrxLKna5cZ2REBfFkg=="  # of "hello"
    (part,) = services.sign_parts(begin(5), [PartRequest(1, content_md5=md5)])
    assert (part.method, part.headers["Content-MD5"]) == ("PUT", md5)
    assert "InvalidDigest" in deliver(part, b"olleh").text
    assert deliver(part, b"hello").status_code == 200


def test_what_a_form_cannot_carry_goes_by_put(begin: Begin, oss: OssClient, place: Place) -> None:
    place(tagging={"team": "a b"}, client_options=["metadata"])
    upload = begin(5, metadata={"title": "a"})
    assert upload.method == "put"
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert part.headers["x-oss-tagging"] == "team=a%20b"
    sent = dict(part.headers)
    assert http.put(part.url, content=b"123456", headers=sent).status_code == 403
    assert http.put(part.url, content=b"12345", headers={**sent, "Content-Type": "text/html"}).status_code == 403
    assert http.put(part.url, content=b"12345", headers=sent).status_code == 200
    assert services.complete(upload).state == State.COMPLETED


@pytest.mark.parametrize("part", [PartRequest(4), PartRequest(1, size=5)])
def test_parts_outside_the_plan_are_not_signed(begin: Begin, part: PartRequest) -> None:
    with pytest.raises(InvalidUpload) as caught:
        services.sign_parts(begin(SIZE), [part])
    assert set(caught.value.errors) == {"parts"}


# Record


def test_checkpoint_is_repeatable_and_order_free(begin: Begin) -> None:
    upload = begin(SIZE)
    last = DonePart(3, upload.plan.size_of(3), "CC", "3")
    services.record_parts(upload, [last, DonePart(1, 8 << 20, "AA", "1")])
    services.record_parts(upload, [last])
    services.record_parts(upload, [DonePart(1, 8 << 20, "BB", "2")])
    assert (upload.parts_done, upload.bytes_done) == (2, last.size + (8 << 20))
    assert [(p.number, p.etag, p.crc64) for p in upload.parts.all()] == [(1, "BB", "2"), (3, "CC", "3")]


def test_oss_is_the_truth_about_parts(begin: Begin) -> None:
    upload = begin(SIZE)
    sent = send(upload, 2)
    services.record_parts(upload, [DonePart(1, 8 << 20, "AA"), DonePart(2, 8 << 20, "BB")])
    held = services.synchronize_parts(upload)
    assert [(p.number, p.size, p.etag, str(p.crc64)) for p in held] == [(2, 8 << 20, sent[0].etag, sent[0].crc64)]
    assert [(p.number, p.etag) for p in upload.parts.all()] == [(2, sent[0].etag)]
    assert (upload.parts_done, upload.bytes_done) == (1, 8 << 20)


def test_an_upload_that_oss_dropped_has_failed_in_words(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    oss.abort(upload.bucket, upload.key, upload.upload_id)
    with pytest.raises(UploadGone, match="Start a new upload"):
        services.synchronize_parts(upload)
    assert (upload.state, upload.error["code"]) == ("failed", "upload_gone")


# Complete


def test_complete_makes_the_object_and_records_what_oss_says(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE, metadata={"title": "holiday"})
    done = send(upload)
    services.record_parts(upload, done)
    before = timezone.now()
    services.complete(upload, ClientReport(crc64=str(crc64(content_of(upload)))))
    head = oss.head(upload.bucket, upload.key)
    assert upload.state == State.COMPLETED
    assert before <= upload.completed_at <= timezone.now()
    assert upload.released_at == upload.completed_at
    assert (upload.etag, upload.crc64) == (head.etag, str(head.crc64))
    assert upload.etag == multipart_etag(part.etag for part in done)
    assert upload.crc64 == str(crc64(content_of(upload)))
    assert (head.size, head.content_type) == (SIZE, "video/mp4")
    assert upload.location.endswith(f"/{upload.bucket}/{upload.key}")
    assert (upload.parts_done, upload.bytes_done, upload.parts.count()) == (3, SIZE, 0)
    assert [event.name for event in upload.events.all()] == ["begin", "complete", "finish"]


def test_complete_twice_is_complete(begin: Begin) -> None:
    upload = begin(SIZE)
    send(upload)
    etag = services.complete(upload).etag
    assert services.complete(Upload.objects.get(pk=upload.pk)).etag == etag
    assert upload.events.filter(name="finish").count() == 1


@pytest.mark.parametrize("size", [0, 5, 8 << 20])
def test_complete_of_a_single_put(begin: Begin, oss: OssClient, size: int) -> None:
    upload = begin(size)
    with pytest.raises(PartsMissing) as caught:
        services.complete(upload)
    assert caught.value.errors == {"parts": [1]}
    send(upload)
    assert services.complete(upload).state == State.COMPLETED
    assert upload.etag == hashlib.md5(content_of(upload)).hexdigest().upper()


def test_missing_and_short_parts_are_named(begin: Begin) -> None:
    upload = begin(SIZE)
    send(upload, 2)
    (short,) = services.sign_parts(upload, [PartRequest(1)])
    http.put(short.url, content=b"short")
    with pytest.raises(PartsMissing) as caught:
        services.complete(upload)
    assert caught.value.errors == {"parts": [1, 3]}
    assert upload.state == State.UPLOADING
    send(upload, 1, 3)
    assert services.complete(upload).state == State.COMPLETED


def test_a_part_that_arrived_damaged_is_named(begin: Begin) -> None:
    """Where CORS hides OSS's CRC64, the browser records its own, and the comparison is made here."""
    upload = begin(SIZE)
    done = send(upload)
    services.record_parts(upload, [replace(done[1], crc64="7")])
    with pytest.raises(PartsMissing) as caught:
        services.complete(upload)
    assert caught.value.errors == {"parts": [2]}
    services.record_parts(upload, send(upload, 2))
    assert services.complete(upload).state == State.COMPLETED


def test_what_the_browser_says_of_parts_is_not_believed(begin: Begin) -> None:
    upload = begin(SIZE)
    services.record_parts(upload, [DonePart(n, upload.plan.size_of(n), "AA") for n in (1, 2, 3)])
    with pytest.raises(PartsMissing):
        services.complete(upload)


def test_other_bytes_than_the_browser_hashed_have_failed_with_both_values(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    send(upload)
    with pytest.raises(ObjectMismatch, match="CRC64 of the file: 7 expected"):
        services.complete(upload, ClientReport(crc64="7"))
    assert (upload.state, upload.error["code"]) == ("failed", "object_mismatch")
    assert upload.crc64 == str(crc64(content_of(upload)))
    assert upload.released_at
    with pytest.raises(NotFound, match="NoSuchKey"):
        oss.head(upload.bucket, upload.key)


# What is cut off in the middle is repaired by calling again


def test_a_lost_answer_of_complete_is_settled_by_asking(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(SIZE)
    send(upload)
    real = OssClient.complete

    def lost(self: OssClient, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        raise Unreachable("OSS did not answer.", sent=True)

    monkeypatch.setattr(OssClient, "complete", lost)
    assert services.complete(upload).state == State.COMPLETED


def test_while_nobody_knows_the_upload_stays_completing(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(SIZE)
    send(upload)

    def silent(*_: Any, **__: Any) -> None:
        raise Unreachable("OSS did not answer.", sent=True)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "complete", silent)
        assert services.complete(upload).state == State.COMPLETING
    with pytest.raises(WrongState, match="being completed"):
        services.abort(upload)
    assert services.complete(upload).state == State.COMPLETED


@pytest.mark.parametrize("reached_oss", [False, True], ids=["before OSS", "after OSS"])
def test_a_worker_killed_while_completing(begin: Begin, oss: OssClient, reached_oss: bool) -> None:
    upload = begin(SIZE)
    send(upload)
    parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    expected = {"etag": multipart_etag(part.etag for part in parts)}
    assert Upload.objects.advance(upload, Event.COMPLETE, expected=expected)
    if reached_oss:
        oss.complete(upload.bucket, upload.key, upload.upload_id, parts)
    assert services.complete(Upload.objects.get(pk=upload.pk)).state == State.COMPLETED


def test_an_upload_finished_behind_our_back_is_adopted(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    services.record_parts(upload, send(upload))
    parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    oss.complete(upload.bucket, upload.key, upload.upload_id, parts)
    assert services.complete(upload).state == State.COMPLETED


def test_oss_out_of_reach_loses_nothing(begin: Begin, oss: OssClient, settings: Any) -> None:
    upload = begin(SIZE)
    send(upload)
    sound = settings.UPLOADS
    settings.UPLOADS = {**sound, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    with pytest.raises(StorageBusy, match="Nothing is lost") as caught:
        services.complete(upload)
    assert caught.value.retry_after
    settings.UPLOADS = sound
    assert services.complete(upload).state == State.COMPLETED


def test_somebody_else_completing_in_between_is_not_a_failure(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(SIZE)
    send(upload)
    real = OssClient.list_parts

    def list_parts(self: OssClient, *where: str) -> Any:
        monkeypatch.setattr(OssClient, "list_parts", real)
        services.complete(Upload.objects.get(pk=upload.pk))
        return real(self, *where)

    monkeypatch.setattr(OssClient, "list_parts", list_parts)
    assert services.complete(upload).state == State.COMPLETED
    assert [event.name for event in upload.events.all()] == ["begin", "complete", "finish"]


def test_somebody_else_aborting_in_between_is_told_as_such(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(SIZE)
    send(upload)
    real = OssClient.list_parts

    def list_parts(self: OssClient, *where: str) -> Any:
        monkeypatch.setattr(OssClient, "list_parts", real)
        services.abort(Upload.objects.get(pk=upload.pk))
        return real(self, *where)

    monkeypatch.setattr(OssClient, "list_parts", list_parts)
    with pytest.raises(WrongState, match="was aborted"):
        services.complete(upload)


# Abort


def test_abort_drops_the_parts_at_oss(begin: Begin, oss: OssClient, user: Any) -> None:
    upload = begin(SIZE)
    services.record_parts(upload, send(upload, 1))
    services.abort(upload, actor=user)
    assert upload.state == State.ABORTED
    assert upload.released_at
    assert upload.parts.count() == 0
    with pytest.raises(NotFound, match="NoSuchUpload"):
        oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    assert upload.events.last().actor == user
    services.abort(upload)
    assert upload.events.count() == 2


def test_abort_takes_a_single_put_out_of_the_bucket(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    send(upload)
    services.abort(upload)
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)


def test_abort_that_oss_did_not_hear_is_said_again(begin: Begin, oss: OssClient, settings: Any) -> None:
    upload, sound = begin(SIZE), settings.UPLOADS
    settings.UPLOADS = {**sound, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    with pytest.raises(StorageBusy):
        services.abort(upload)
    assert (upload.state, upload.released_at) == ("aborted", None)
    settings.UPLOADS = sound
    assert services.abort(upload).released_at


def test_what_is_completed_cannot_be_aborted_nor_signed(begin: Begin) -> None:
    upload = begin(5)
    send(upload)
    services.complete(upload)
    with pytest.raises(WrongState, match="already completed"):
        services.abort(upload)
    with pytest.raises(WrongState):
        services.sign_parts(upload, [PartRequest(1)])


# Two at once


@pytest.mark.django_db(transaction=True)
def test_complete_and_abort_at_once_end_in_one_true_state(begin: Begin, oss: OssClient) -> None:
    for _ in range(5):
        upload = begin(SIZE)
        send(upload)
        errors = at_once(
            *[lambda id=upload.pk: services.complete(Upload.objects.get(pk=id))] * 3,
            *[lambda id=upload.pk: services.abort(Upload.objects.get(pk=id))] * 2,
        )
        upload.refresh_from_db()
        assert all(isinstance(error, WrongState) for error in errors), errors
        ends = list(upload.events.filter(name__in=["finish", "abort", "fail"]).values_list("name", flat=True))
        if upload.state == State.COMPLETED:
            assert ends == ["finish"]
            assert oss.head(upload.bucket, upload.key).etag == upload.etag
        else:
            assert (upload.state, ends) == ("aborted", ["abort"])
            with pytest.raises(NotFound):
                oss.head(upload.bucket, upload.key)


@pytest.mark.django_db(transaction=True)
def test_checkpoints_at_once_count_every_part(begin: Begin) -> None:
    upload = begin(800_000_000)
    numbers = range(1, upload.part_count + 1)
    groups = [[DonePart(n, upload.plan.size_of(n), "AA") for n in numbers if n % 4 == g] for g in range(4)]
    errors = at_once(
        *(lambda group=group: services.record_parts(Upload.objects.get(pk=upload.pk), group) for group in groups)
    )
    upload.refresh_from_db()
    assert errors == []
    assert (upload.parts_done, upload.bytes_done) == (upload.part_count, upload.size)


def at_once(*calls: Callable[[], Any]) -> list[Exception]:
    """Release all calls together; what they raised."""
    gate, errors = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Any]) -> None:
        gate.wait()
        try:
            call()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
