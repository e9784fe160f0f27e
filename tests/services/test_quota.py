"""Quotas hold: for files of unknown size, for what failed or was aborted, and for many requests at once."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from tests.services.test_services import at_once, send
from tests.services.test_sweep import past, run
from tests.stack import deliver
from uploads import services
from uploads.domain.errors import Forbidden, ObjectMismatch, OverQuota, StorageBusy, TooLarge, UploadError
from uploads.domain.quota import Usage
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound, Unreachable
from uploads.oss.limits import MIN_PART_SIZE
from uploads.oss.signing import PartRequest
from uploads.services import ClientReport, UploadRequest
from uploads.services.destination_rules import get_destination
from uploads.services.quota import Quota

pytestmark = pytest.mark.django_db

MB = 1_000_000
SIZE = 20 * MB


def left(begin: Begin) -> int:
    """The bytes that the quota still has, as its refusal says."""
    with pytest.raises(OverQuota) as caught:
        begin(10**12)
    return int(caught.value.sizes["left"])


# Files of unknown size


def test_streams_reserve_what_they_may_have_and_are_settled_at_their_end(begin: Begin, place: Place) -> None:
    place(max_bytes_per_user_per_day=5 * MB, max_size=MB)
    streams = [begin(None) for _ in range(5)]
    with pytest.raises(OverQuota, match="0 bytes remain"):
        begin(None)
    for stream in streams[:4]:
        (part,) = services.sign_parts(stream, [PartRequest(1, size=900_000)])
        assert deliver(part, bytes(900_000)).status_code == 200
        services.complete(stream, ClientReport(size=900_000))
    place(max_bytes_per_user_per_day=5 * MB)
    assert left(begin) == 5 * MB - 4 * 900_000 - MB
    services.abort(streams[4])
    assert left(begin) == 5 * MB - 4 * 900_000


def test_a_stream_reserves_what_is_left(begin: Begin, place: Place) -> None:
    place(max_bytes_per_user_per_day=MB)
    begin(600_000)
    stream = begin(None)
    assert (stream.reserved, left(begin)) == (400_000, 0)


def test_no_part_is_signed_beyond_the_reservation(begin: Begin, place: Place) -> None:
    place(max_bytes_per_user_per_day=10 * MB, max_size=MB)
    stream = begin(None)
    signed = services.sign_parts(stream, [PartRequest(number) for number in range(1, 17)])
    assert [(part.number, part.size) for part in signed] == [(1, MB)]
    (short,) = services.sign_parts(stream, [PartRequest(1, size=900_000)])
    assert deliver(short, bytes(900_000)).status_code == 200
    parts = services.sign_parts(stream, [PartRequest(2), PartRequest(3)])
    assert [(part.number, part.size) for part in parts] == [(2, 100_000)]
    assert services.sign_parts(stream, [PartRequest(2, size=100_000)])
    with pytest.raises(TooLarge, match="at most 1,000,000 bytes; this one has 1,000,001 bytes") as caught:
        services.sign_parts(stream, [PartRequest(2, size=100_001)])
    assert set(caught.value.errors) == {"size"}
    with pytest.raises(TooLarge):
        services.sign_parts(stream, [PartRequest(3)])


def test_a_stream_beyond_its_reservation_fails_and_is_removed(begin: Begin, place: Place, oss: OssClient) -> None:
    place(max_bytes_per_user_per_day=MB)
    stream = begin(None)
    # As a client with temporary credentials sends it: no signature of ours binds its size.
    oss.upload_part(stream.bucket, stream.key, stream.upload_id, 1, bytes(MB + 1))
    with pytest.raises(OverQuota):
        services.complete(stream, ClientReport(size=MB + 1))
    assert (stream.state, stream.error["code"]) == ("failed", "over_quota")
    assert stream.released_at
    with pytest.raises(NotFound, match="NoSuchUpload"):
        oss.list_parts(stream.bucket, stream.key, stream.upload_id)
    assert left(begin) == MB


@pytest.mark.parametrize("end", [services.complete, services.check_object])
def test_a_stream_that_its_client_completed_at_oss_fails_beyond_its_reservation(
    begin: Begin, place: Place, oss: OssClient, end: Callable[[Upload], Upload]
) -> None:
    """Credentials for an upload allow CompleteMultipartUpload: then OSS knows no parts any more, only the object."""
    place(max_bytes_per_user_per_day=MB)
    stream = begin(None)
    part = oss.upload_part(stream.bucket, stream.key, stream.upload_id, 1, bytes(MB + 1))
    oss.complete(stream.bucket, stream.key, stream.upload_id, [part])
    with pytest.raises(OverQuota):
        end(stream)
    assert (stream.state, stream.error["code"], bool(stream.released_at)) == ("failed", "over_quota", True)
    with pytest.raises(NotFound, match="NoSuchKey"):
        oss.head(stream.bucket, stream.key)
    assert left(begin) == MB


def test_the_sweep_removes_a_stream_beyond_the_size_of_its_destination(
    begin: Begin, place: Place, oss: OssClient
) -> None:
    place(max_size=MB)
    stream = begin(None)
    part = oss.upload_part(stream.bucket, stream.key, stream.upload_id, 1, bytes(MB + 1))
    oss.complete(stream.bucket, stream.key, stream.upload_id, [part])
    past(stream, expires_at=timedelta(days=1))
    assert run().endswith("1 ended")
    stream.refresh_from_db()
    assert (stream.state, stream.error["code"]) == ("failed", "too_large")
    with pytest.raises(NotFound, match="NoSuchKey"):
        oss.head(stream.bucket, stream.key)


def test_a_stream_that_its_client_completed_at_oss_ends_with_its_size(
    begin: Begin, place: Place, oss: OssClient
) -> None:
    place(max_bytes_per_user_per_day=MB)
    stream = begin(None)
    part = oss.upload_part(stream.bucket, stream.key, stream.upload_id, 1, bytes(MB))
    oss.complete(stream.bucket, stream.key, stream.upload_id, [part])
    services.complete(stream)
    assert (stream.state, stream.size, left(begin)) == ("completed", MB, 0)


def test_a_form_for_an_unknown_size_ends_with_the_reservation(begin: Begin, place: Place) -> None:
    place(max_bytes_per_user_per_day=10)
    (part,) = services.sign_parts(begin(None, in_one=True), [PartRequest(1)])
    assert "EntityTooLarge" in deliver(part, b"01234567890").text
    assert deliver(part, b"0123456789").status_code == 200


def test_a_reservation_outlives_its_destination(begin: Begin, place: Place, settings: Any, oss: OssClient) -> None:
    place(max_size=MB)
    stream = begin(None)
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"other": {}}}
    oss.upload_part(stream.bucket, stream.key, stream.upload_id, 1, bytes(MB + 1))
    with pytest.raises(OverQuota):
        services.sign_parts(stream, [PartRequest(2)])
    with pytest.raises((OverQuota, TooLarge)):
        services.complete(stream, ClientReport(size=MB + 1))
    assert stream.state == State.FAILED


def test_the_first_parts_of_a_created_stream_are_those_that_fit(api: APIClient, oss: OssClient, place: Place) -> None:
    place(max_size=MB)
    file = {"destination": "default", "filename": "a", "size": None, "content_type": "a/b", "sign": 16}
    created = api.post("/api/uploads/", file, format="json").json()
    assert [part["number"] for part in created["parts"]] == [1]
    assert created["size_limit"] == MB
    sign = f"/api/uploads/{created['id']}/parts/sign/"
    refused = api.post(sign, {"parts": [{"number": 2}]}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


# What ended without an object


def silent(*_: Any, **__: Any) -> None:
    raise Unreachable("OSS did not answer.", sent=True)


def test_a_failed_upload_counts_until_its_object_is_removed(
    begin: Begin, place: Place, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(max_bytes_per_user_per_day=SIZE)
    upload = begin(SIZE)
    send(upload)
    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "delete_object", silent)
        with pytest.raises(ObjectMismatch):
            services.complete(upload, ClientReport(crc64="7"))
    assert (upload.state, upload.released_at) == ("failed", None)
    assert oss.head(upload.bucket, upload.key).size == SIZE
    assert left(begin) == 0
    past(upload, updated_at=timedelta(minutes=11))
    assert run() == "1 released"
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)
    assert left(begin) == SIZE
    upload.refresh_from_db()
    assert (upload.error["code"], bool(upload.etag), bool(upload.crc64)) == ("object_mismatch", True, True)


@pytest.mark.parametrize("size", [SIZE, 5])
def test_an_aborted_upload_counts_until_oss_has_dropped_it(
    begin: Begin, place: Place, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    place(max_bytes_per_user_per_day=size)
    upload = begin(size)
    send(upload)
    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "abort", silent)
        patch.setattr(OssClient, "delete_object", silent)
        with pytest.raises(StorageBusy):
            services.abort(upload)
    assert left(begin) == 0
    services.abort(upload)
    assert left(begin) == size


# What is counted


def row(user: Any, state: str, size: int | None, **values: Any) -> Upload:
    same = {"owner": user, "bucket": "b", "method": "post", "filename": "f", "content_type": "a/b", "part_size": 9}
    values = {"destination": "default", "key": secrets.token_hex(8), "expires_at": timezone.now(), **values}
    return Upload.objects.create(**same, state=state, size=size, **values)


def test_unfinished_uploads_and_the_bytes_of_a_day(user: Any, other_user: Any, place: Place) -> None:
    place(max_active_per_user=100, max_bytes_per_user_per_day=10_000)
    for state, size in (("uploading", 1), ("completing", 2), ("completed", 4), ("aborted", 8), ("failed", 16)):
        row(user, state, size)
    for state in ("aborted", "failed"):
        row(user, state, 1000, released_at=timezone.now())
    row(user, "uploading", None, is_stream=True, reserved=32, bytes_done=5)
    row(user, "uploading", None, is_stream=True, bytes_done=64)
    row(user, "completing", 500, is_stream=True, reserved=128)
    row(user, "completed", 256, is_stream=True, reserved=1000)
    row(user, "failed", None, is_stream=True, reserved=512)
    row(user, "completing", 2048, is_stream=True, bytes_done=1)
    row(user, "failed", None, is_stream=True, bytes_done=4096)
    row(other_user, "uploading", 1000)
    row(user, "uploading", 1000, destination="other")
    old = row(user, "completing", 1000)
    Upload.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=1, minutes=1))
    young = row(user, "completed", 1024)
    Upload.objects.filter(pk=young.pk).update(created_at=timezone.now() - timedelta(hours=23))
    usage = Quota(user).usage(get_destination("default"))
    assert (usage.active, usage.size) == (7, 2**13 - 1)
    assert Quota(other_user).usage(get_destination("default")) == Usage(1, 1000)


def test_an_empty_file_needs_no_room(begin: Begin, place: Place) -> None:
    place(max_bytes_per_user_per_day=MB)
    assert begin(MB).size == MB
    assert begin(0).size == 0


def test_who_has_nothing_has_used_nothing(user: Any, place: Place) -> None:
    place(max_active_per_user=1)
    assert Quota(user).usage(get_destination("default")) == Usage(0, 0)


def test_old_uploads_alone_are_no_bytes(user: Any, place: Place) -> None:
    place(max_bytes_per_user_per_day=10_000)
    old = row(user, "uploading", 1000)
    Upload.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert Quota(user).usage(get_destination("default")) == Usage(1, 0)


def test_where_nothing_is_limited_nothing_is_counted(user: Any, place: Place, django_assert_num_queries: Any) -> None:
    place()
    row(user, "uploading", 1000)
    new = Upload(owner=user, destination="default", size=5)
    with django_assert_num_queries(0):
        assert Quota(user).usage(get_destination("default")) == Usage()
        Quota(user).admit(new)
        Quota(user).count_again([new])
        Quota(user).admit_arrived(get_destination("default"), 10**12)


def test_an_object_that_has_arrived_counts_by_its_bytes_alone(user: Any, place: Place) -> None:
    place(max_active_per_user=1, max_bytes_per_user_per_day=1500)
    row(user, "uploading", 1000)
    default, quota = get_destination("default"), Quota(user)
    quota.admit_arrived(default, 500)
    with pytest.raises(OverQuota) as caught:
        quota.admit_arrived(default, 501)
    assert caught.value.sizes == {"limit": 1500, "left": 500, "size": 501}


def test_the_uploads_of_a_request_count_together_and_again_when_they_are_written(user: Any, place: Place) -> None:
    place(max_bytes_per_user_per_day=1000)
    uploads = [Upload(owner=user, destination="default", size=400) for _ in range(3)]
    quota = Quota(user)
    for upload in uploads[:2]:
        quota.admit(upload)
    with pytest.raises(OverQuota):
        quota.admit(uploads[2])
    row(user, "uploading", 600)
    quota.count_again(uploads[:2])
    assert list(quota.refused) == [uploads[1].pk]
    assert isinstance(quota.refused[uploads[1].pk], OverQuota)
    later = Quota(user)
    later.count_again(uploads[:1])
    assert later.refused == {}


def test_without_the_permission_nothing_is_counted_in(user: Any, place: Place) -> None:
    place(permission="uploads.nobody_may")
    with pytest.raises(Forbidden):
        Quota(user).admit(Upload(owner=user, destination="default", size=5))


def test_the_parts_of_a_stream_are_no_larger_than_its_reservation(user: Any, place: Place) -> None:
    place(max_size=300_000)
    stream = Upload(owner=user, destination="default", size=None, is_stream=True, part_size=8 << 20)
    Quota(user).admit(stream)
    assert (stream.reserved, stream.part_size) == (300_000, 300_000)
    place(max_size=10)
    Quota(user).admit(stream)
    assert (stream.reserved, stream.part_size) == (10, MIN_PART_SIZE)
    place()
    stream.part_size = 8 << 20
    Quota(user).admit(stream)
    assert (stream.reserved, stream.part_size) == (None, 8 << 20)


# Many at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [MB, None])
def test_creates_at_once_do_not_exceed_the_bytes(place: Place, user: Any, oss: OssClient, size: int | None) -> None:
    place(max_bytes_per_user_per_day=3 * MB, max_size=MB)
    name = secrets.token_hex(8)
    request = UploadRequest("default", name, size)
    errors = at_once(*[lambda: services.begin(user, request)] * 8)
    assert [type(error) for error in errors] == [OverQuota] * 5
    assert sum(upload.size or upload.reserved for upload in Upload.objects.all()) == 3 * MB
    known = set(Upload.objects.values_list("upload_id", flat=True))
    open_at_oss = {held.upload_id for held in oss.all_uploads("demo-bucket") if held.key.endswith(name)}
    assert open_at_oss <= known, "those that were refused are aborted at OSS"


def test_a_request_that_comes_twice_at_once_gets_its_upload_at_the_limit(
    place: Place, user: Any, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one finds no upload of its key, and then no room beside it."""
    place(max_active_per_user=1)
    request, key = UploadRequest("default", "a.bin", MB), services.IdempotencyKey("k", "hash")
    first = services.begin(user, request, idempotency_key=key)
    module, calls = import_module("uploads.services.begin"), []
    real = module._begun_before

    def begun_before(*given: Any) -> Any:
        calls.append(given)
        return {} if len(calls) == 1 else real(*given)

    monkeypatch.setattr(module, "_begun_before", begun_before)
    assert services.begin(user, request, idempotency_key=key) == first
    with pytest.raises(OverQuota):
        services.begin(user, request, idempotency_key=services.IdempotencyKey("other", "hash"))


@pytest.mark.django_db(transaction=True)
def test_streams_of_one_batch_share_the_quota(place: Place, user: Any, oss: OssClient) -> None:
    place(max_bytes_per_user_per_day=2_500_000, max_size=MB)
    results = services.begin_many(user, [UploadRequest("default", f"{n}", None) for n in range(5)])
    assert [None if isinstance(result, UploadError) else result.reserved for result in results] == [
        MB, MB, 500_000, None, None,
    ]  # fmt: skip
    assert Upload.objects.count() == 3
