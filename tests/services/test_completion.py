"""Completion happens once: cut off at every step, met by others at every step, and finished by others altogether."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from tests.django_fixtures import Begin, Place
from tests.services.test_services import content_of, send
from uploads import services
from uploads.domain.completion import Accept, Fail, Finish
from uploads.domain.errors import ObjectMismatch, PartsMissing, StorageBusy, WrongState
from uploads.domain.states import Event, State
from uploads.models import Upload, UploadQuerySet
from uploads.oss.client import OssClient
from uploads.oss.crc64 import crc64
from uploads.oss.errors import Denied, NotFound, Unreachable
from uploads.oss.limits import MIN_PART_SIZE
from uploads.oss.messages import Completed, Part
from uploads.oss.signing import OssRequest
from uploads.services import ClientReport, staging
from uploads.services.completion_case import Case

pytestmark = pytest.mark.django_db

SIZE = 250_000
"""Three parts of the smallest size that OSS allows. The tables send the file once for each step."""


@pytest.fixture(autouse=True)
def small_parts(place: Place) -> None:
    place(part_size=MIN_PART_SIZE)


class Killed(BaseException):
    """kill -9, as near as one process can show it: nothing catches it, nothing is tidied up."""


STEPS: tuple[tuple[type, str], ...] = (
    (OssClient, "list_parts"),
    (OssClient, "complete"),
    (OssClient, "head"),
    (OssClient, "abort"),
    (UploadQuerySet, "advance_many"),
)


@contextmanager
def at_step(
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    act: Callable[[], None],
    steps: tuple[tuple[type, str], ...] = STEPS,
) -> Iterator[list[str]]:
    """`act` before or after the `number`-th of the steps that matter; yields the names of those that came by."""
    passed: list[str] = []

    def step(name: str) -> None:
        passed.append(name)
        if len(passed) == number + 1:
            with no_transaction_of_its_own():
                act()

    def wrapped(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            step(f"before {name}")
            result = real(*arguments, **named)
            step(f"after {name}")
            return result

        return call

    with monkeypatch.context() as patch:
        for owner, name in steps:
            patch.setattr(owner, name, wrapped(getattr(owner, name), name))
        yield passed


@contextmanager
def no_transaction_of_its_own() -> Iterator[None]:
    """What acts here stands for another process. The transaction that is open is not its own."""
    test = [block for block in connection.atomic_blocks if block._from_testcase]
    with patch.object(connection, "atomic_blocks", test):
        yield


def killed() -> None:
    raise Killed


def again(upload: Upload) -> Upload:
    return Upload.objects.get(pk=upload.pk)


def is_whole(upload: Upload, oss: OssClient) -> None:
    """Completed, once, with the bytes that were sent, and nothing left behind."""
    upload = again(upload)
    assert upload.state == State.COMPLETED
    assert upload.crc64 == str(crc64(content_of(upload)))
    assert oss.head(upload.bucket, upload.key).etag == upload.etag
    assert (upload.bytes_done, upload.parts_done, upload.parts.count()) == (upload.size, upload.part_count, 0)
    assert [event.name for event in upload.events.all()].count("finish") == 1
    if upload.upload_id:
        with pytest.raises(NotFound):
            oss.list_parts(upload.bucket, upload.key, upload.upload_id)


@pytest.mark.parametrize("size", [SIZE, 5])
def test_killed_at_any_step_and_asked_again(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    number, cuts = 0, []
    while True:
        upload = begin(size)
        send(upload)
        with at_step(monkeypatch, number, killed) as passed:
            try:
                services.complete(again(upload))
            except Killed:
                cuts.append(passed[-1])
            else:
                break
        assert services.complete(again(upload)).state == State.COMPLETED, cuts[-1]
        is_whole(upload, oss)
        number += 1
    assert cuts[:2] == (["before list_parts", "after list_parts"] if size == SIZE else ["before head", "after head"])
    assert cuts[-1] == "after advance_many"
    assert len(cuts) == (8 if size == SIZE else 6)


def test_killed_at_any_step_of_adopting(begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch) -> None:
    number = 0
    while True:
        upload = begin(SIZE)
        by_other_means(oss, upload)
        with at_step(monkeypatch, number, killed):
            try:
                services.complete(again(upload))
            except Killed:
                services.complete(again(upload))
                is_whole(upload, oss)
            else:
                break
        number += 1
    assert number >= 10


def test_another_tab_completes_at_any_step(begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch) -> None:
    number = 0
    while True:
        upload = begin(SIZE)
        send(upload)
        met = False

        def other_tab(upload: Upload = upload) -> None:
            nonlocal met
            met = True
            services.complete(again(upload))

        with at_step(monkeypatch, number, other_tab):
            assert services.complete(again(upload)).state == State.COMPLETED
        is_whole(upload, oss)
        if not met:
            break
        number += 1
    assert number >= 8


def test_an_abort_at_any_step_wins_or_learns_that_it_lost(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, ends = 0, []
    while True:
        upload = begin(SIZE)
        send(upload)
        met = False

        def abort(upload: Upload = upload) -> None:
            nonlocal met
            met = True
            try:
                services.abort(again(upload))
            except WrongState:
                return  # It lost.

        with at_step(monkeypatch, number, abort), suppress(WrongState):
            services.complete(again(upload))
        if not met:
            break
        ends.append(again(upload).state)
        if ends[-1] == State.COMPLETED:
            is_whole(upload, oss)
        else:
            with pytest.raises(NotFound):
                oss.head(upload.bucket, upload.key)
        number += 1
    assert ends == sorted(ends), "aborted until the claim, completed from there on"
    assert set(ends) == {State.ABORTED, State.COMPLETED}


def test_every_answer_of_oss_may_be_lost(begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("list_parts", "complete", "head"):
        upload = begin(SIZE)
        send(upload)
        real, lost = getattr(OssClient, name), []

        def once(*arguments: Any, real: Any = real, lost: list[int] = lost, **named: Any) -> Any:
            result = real(*arguments, **named)
            if not lost:
                lost.append(1)
                raise Unreachable("OSS did not answer.", sent=True)
            return result

        with monkeypatch.context() as patch:
            patch.setattr(OssClient, name, once)
            with suppress(StorageBusy):
                services.complete(again(upload))
            services.complete(again(upload))
        is_whole(upload, oss)


def test_what_oss_has_completed_already_is_not_refused(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker asked for it, and died before it could write that down."""
    upload = begin(SIZE)
    send(upload)
    parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    ask = partial(oss.complete, upload.bucket, upload.key, upload.upload_id, parts)
    with at_step(monkeypatch, 4, ask) as passed:
        assert services.complete(upload).state == State.COMPLETED
    assert passed[4] == "before complete"
    is_whole(upload, oss)


# What is written down


def test_a_batch_is_completed_in_the_name_of_its_caller(begin: Begin, user: Any, other_user: Any) -> None:
    uploads = [begin(5), begin(5)]
    for upload in uploads:
        send(upload)
    services.complete_many([(upload, ClientReport()) for upload in uploads], actor=other_user)
    for upload in uploads:
        history = [(event.name, event.actor) for event in upload.events.order_by("id")]
        assert history[-2:] == [("complete", other_user), ("finish", other_user)]


def test_a_batch_asks_oss_for_parts_alone(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = [begin(SIZE), begin(SIZE)]
    for upload in uploads:
        send(upload)
    for owner, name in ((OssClient, "head"), (staging, "advance_stages")):
        monkeypatch.setattr(owner, name, lambda *_, name=name, **__: pytest.fail(f"{name} was called."))
    results = services.complete_many([(upload, ClientReport()) for upload in uploads])
    assert [result.state for result in results] == [State.COMPLETED] * 2


def test_a_stream_that_was_claimed_without_its_parts_is_open_again(begin: Begin, user: Any) -> None:
    """Its size and its checksum were those of the parts that were to be completed."""
    stream = begin(None)
    expected = {"etag": "AA-1", "client_crc64": "7"}
    assert Upload.objects.advance(stream, Event.COMPLETE, size=15, expected=expected)
    with pytest.raises(PartsMissing):
        services.complete(stream, ClientReport(size=15), actor=user)
    assert (stream.state, stream.size, stream.expected) == ("uploading", None, {"etag": "AA-1"})
    last = stream.events.order_by("id").last()
    assert (last.name, last.actor) == ("reopen", user)


def test_parts_that_cannot_be_aborted_do_not_keep_an_upload_from_its_end(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(SIZE)
    by_other_means(oss, upload)

    def silent(*_: Any, **__: Any) -> None:
        raise Unreachable("OSS did not answer.", sent=True)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "abort", silent)
        assert services.complete(upload).state == State.COMPLETED
    oss.abort(upload.bucket, upload.key, upload.upload_id)


def test_a_case_notices_that_somebody_else_has_moved_its_upload(begin: Begin) -> None:
    upload, _other = begin(5), begin(5)
    case = Case(upload, ClientReport())
    case.learned, case.is_copied = {"parts": []}, True
    assert not case.has_moved()
    assert Upload.objects.advance(again(upload), Event.ABORT)
    assert case.has_moved()
    case.look_again()
    assert (case.upload.state, case.learned, case.is_copied, case.has_moved()) == ("aborted", {}, False, False)


def test_a_copy_of_a_staged_object_may_have_another_etag_and_no_other_checksum() -> None:
    upload = Upload(state="completing", method="post", size=5, part_size=9, staging_key="s/a", destination="default")
    case = Case(upload, ClientReport())
    case.learned = {"found": Completed("COPY", 7, size=5)}
    for expected, is_copied, action in (
        ({"etag": "STAGED", "client_crc64": "7"}, True, Finish),
        ({"etag": "STAGED", "client_crc64": "8"}, True, Fail),
        ({"etag": "STAGED", "client_crc64": "7"}, False, Fail),
        ({"etag": "COPY", "client_crc64": "7"}, False, Accept),
        (None, True, Finish),
    ):
        case.upload.expected, case.is_copied = expected, is_copied
        assert isinstance(case.decide(), action)


def test_a_refusal_does_not_reopen_the_claim_of_another(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OSS refuses, since a part was sent again. Meanwhile somebody else has claimed the upload with that part."""
    upload = begin(SIZE)
    send(upload)

    def sent_again() -> None:
        oss.upload_part(upload.bucket, upload.key, upload.upload_id, 1, b"x" * upload.part_size)

    def claimed_again() -> None:
        other = again(upload)
        assert Upload.objects.advance(other, Event.REOPEN)
        assert Upload.objects.advance(other, Event.COMPLETE, expected={})

    with at_step(monkeypatch, 4, sent_again), at_step(monkeypatch, 5, claimed_again) as passed:
        assert services.complete(upload).state == State.COMPLETED
    assert passed[4:6] == ["before complete", "before advance_many"]
    assert [event.name for event in upload.events.all()].count("reopen") == 1


# Finished by others


def by_other_means(oss: OssClient, upload: Upload, content: bytes | None = None) -> None:
    """As ali-oss does with issued credentials: an upload of its own, with parts of its own size, to the same key."""
    content = content_of(upload) if content is None else content
    upload_id = oss.initiate(upload.bucket, upload.key, {"Content-Type": upload.content_type})
    parts = []
    for number, start in enumerate(range(0, len(content), 150_000), 1):
        piece = content[start : start + 150_000]
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        answer = oss.call("UploadPart", OssRequest("PUT", upload.bucket, upload.key, query), piece)
        parts.append(Part(number, answer.headers["ETag"].strip('"'), len(piece)))
    oss.complete(upload.bucket, upload.key, upload_id, parts)


@pytest.mark.parametrize("checkpoint", [True, False])
def test_finished_under_its_own_id(begin: Begin, oss: OssClient, checkpoint: bool) -> None:
    upload = begin(SIZE)
    done = send(upload)
    if checkpoint:
        services.record_parts(upload, done)
    oss.complete(
        upload.bucket, upload.key, upload.upload_id, oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    )
    services.complete(upload, ClientReport(crc64=str(crc64(content_of(upload)))))
    is_whole(upload, oss)


def test_finished_by_other_means_is_adopted_and_what_was_begun_is_released(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    send(upload, 1)
    by_other_means(oss, upload)
    assert services.complete(upload).etag.endswith("-2")
    is_whole(upload, oss)


def test_other_bytes_by_other_means_are_not_taken_for_the_file(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    by_other_means(oss, upload, b"x" * (SIZE - 1))
    with pytest.raises(PartsMissing):
        services.complete(upload)
    by_other_means(oss, upload, b"x" * SIZE)
    with pytest.raises(ObjectMismatch) as caught:
        services.complete(upload, ClientReport(crc64=str(crc64(content_of(upload)))))
    assert set(caught.value.errors) == {"client_crc64"}
    assert again(upload).state == State.FAILED
    is_removed(upload, oss)


def is_removed(upload: Upload, oss: OssClient) -> None:
    """OSS holds nothing of a failed upload."""
    assert again(upload).released_at
    with pytest.raises(NotFound, match="NoSuchKey"):
        oss.head(upload.bucket, upload.key)


# What does not match


@pytest.mark.parametrize("field", ["etag", "crc64"])
def test_an_object_that_is_not_its_parts_has_failed_with_both_values(
    begin: Begin, oss: OssClient, user: Any, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    upload = begin(SIZE)
    send(upload)
    real = OssClient.complete

    def complete(self: OssClient, *arguments: Any, **named: Any) -> Completed:
        done = real(self, *arguments, **named)
        return Completed(etag="BAD" if field == "etag" else done.etag, crc64=7 if field == "crc64" else done.crc64)

    monkeypatch.setattr(OssClient, "complete", complete)
    with pytest.raises(ObjectMismatch) as caught:
        services.complete(upload, actor=user)
    ours, theirs = caught.value.errors[field]
    assert theirs == {"etag": "BAD", "crc64": "7"}[field]
    upload = again(upload)
    assert upload.state == State.FAILED
    assert ours in upload.error["detail"]
    assert theirs in upload.error["detail"]
    assert {"etag": upload.etag, "crc64": upload.crc64}[field] == theirs
    last = upload.events.order_by("id").last()
    assert (last.name, last.actor) == ("fail", user)
    is_removed(upload, oss)


def test_what_differs_from_one_claim_does_not_fail_another(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else has reopened the upload since, and claimed it without the wrong checksum."""
    upload = begin(5)
    send(upload)

    def claimed_again() -> None:
        other = again(upload)
        assert Upload.objects.advance(other, Event.REOPEN)
        assert Upload.objects.advance(other, Event.COMPLETE, expected={})

    with at_step(monkeypatch, 4, claimed_again) as passed:
        assert services.complete(upload, ClientReport(crc64="7")).state == State.COMPLETED
    assert passed[:5] == [*("before head", "after head"), *("before advance_many", "after advance_many") * 2][:5]


def test_the_parts_crc64_add_up_to_the_files(begin: Begin, oss: OssClient) -> None:
    upload = begin(SIZE)
    send(upload)
    services.complete(upload)
    assert upload.expected["crc64"] == upload.crc64 == str(crc64(content_of(upload)))
    assert len(upload.expected["etag"]) == len(hashlib.md5().hexdigest()) + 2


def test_what_oss_does_not_tell_is_not_compared(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checksum, and the ACL where the server may not read it."""
    upload, real = begin(SIZE), OssClient.complete
    send(upload)

    def get_object_acl(*_: Any) -> str:
        raise Denied("You have no right to access this object.", status=403, code="AccessDenied")

    monkeypatch.setattr(OssClient, "get_object_acl", get_object_acl)
    monkeypatch.setattr(OssClient, "complete", lambda *given, **more: replace(real(*given, **more), crc64=None))
    assert services.complete(upload).state == State.COMPLETED
    assert upload.crc64 == ""
    small = begin(5)
    send(small)
    assert services.complete(small).state == State.COMPLETED


def test_an_object_that_is_deleted_while_it_is_looked_at_is_missing(begin: Begin) -> None:
    """Between HeadObject and GetObjectAcl, by an abort at the same time."""
    upload, real = begin(5), OssClient.get_object_acl
    send(upload)

    def get_object_acl(self: OssClient, bucket: str, key: str) -> str:
        self.delete_object(bucket, key)
        return real(self, bucket, key)

    with patch.object(OssClient, "get_object_acl", get_object_acl), pytest.raises(PartsMissing):
        services.complete(upload)
    assert Upload.objects.get(pk=upload.pk).state == State.UPLOADING
