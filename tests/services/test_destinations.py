"""What a destination lets in, what it gives the object, and what it leaves to the page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from tests import http
from tests.django_fixtures import Begin, Place
from tests.services.test_services import at_once, send
from tests.stack import deliver
from uploads import services
from uploads.domain.errors import Forbidden, InvalidUpload, ObjectMismatch, OverQuota, TooLarge, UploadError
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.clock import utcnow
from uploads.oss.errors import NotFound
from uploads.oss.signing import OssRequest, PartRequest, presign
from uploads.services import UploadRequest

pytestmark = pytest.mark.django_db

SIZE = 20_000_000


def refused(call: Callable[[], Any], kind: type[UploadError], field: str) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert set(caught.value.errors) == {field}
    assert not Upload.objects.exists()
    return caught.value.detail


# What comes in


def test_size_and_type(begin: Begin, place: Place) -> None:
    place(max_size=SIZE, content_types=["video/*", "image/png"])
    assert "20,000,000 bytes" in refused(lambda: begin(SIZE + 1), TooLarge, "size")
    for wrong in ("text/html", "video", "image/png2", "", "application/video/mp4"):
        refused(lambda wrong=wrong: begin(content_type=wrong), InvalidUpload, "content_type")
    for right in ("video/mp4", "VIDEO/MP4", "image/png; x=y"):
        assert begin(SIZE, content_type=right).state == State.UPLOADING


def test_permission(begin: Begin, place: Place, user: Any) -> None:
    place(permission="uploads.view_upload")
    assert "administrator" in refused(begin, Forbidden, "destination")
    user.user_permissions.add(Permission.objects.get(codename="view_upload"))
    del user._perm_cache, user._user_perm_cache
    assert begin()
    place(permission=lambda user: user.username == "bob")
    with pytest.raises(Forbidden):
        begin()
    place(permission=lambda user: user.username == "ann")
    assert begin()


def test_how_many_at_once(begin: Begin, place: Place, user: Any, other_user: Any) -> None:
    place(max_active_per_user=2)
    first, _ = begin(), begin()
    with pytest.raises(OverQuota, match="Finish or abort one first") as caught:
        begin()
    assert caught.value.status == 403
    assert services.begin(other_user, UploadRequest("default", "a", 5))
    services.abort(first)
    assert begin()


def test_how_much_a_day(begin: Begin, place: Place) -> None:
    place(max_bytes_per_user_per_day=2 * SIZE)
    old = begin(SIZE)
    begin(SIZE - 5)
    with pytest.raises(OverQuota, match="5 bytes remain"):
        begin(6)
    assert begin(5)
    Upload.objects.filter(pk=old.pk).update(created_at=timezone.now() - timezone.timedelta(days=1, seconds=1))
    assert begin(SIZE)


def test_one_beyond_the_limit_is_refused_in_a_batch_too(place: Place, user: Any, oss: OssClient) -> None:
    place(max_active_per_user=3)
    results = services.begin_many(user, [UploadRequest("default", f"{n}", 5) for n in range(5)])
    assert [isinstance(result, Upload) for result in results] == [True, True, True, False, False]
    assert Upload.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_slip_past_the_limit(place: Place, user: Any, oss: OssClient) -> None:
    place(max_active_per_user=3)
    calls = [lambda: services.begin(user, UploadRequest("default", "film.mp4", SIZE))] * 6
    errors = at_once(*calls)
    assert [type(error) for error in errors] == [OverQuota] * 3
    assert Upload.objects.count() == 3


# What the object is given


EVERYTHING = {
    "acl": "public-read",
    "storage_class": "IA",
    "cache_control": "max-age=60",
    "content_disposition": "attachment",
    "expires": 3600,
    "encryption": "AES256",
    "client_options": ["metadata"],
}


@pytest.mark.parametrize(
    ("size", "tagging", "method"), [(SIZE, {"team": "a b"}, "multipart"), (5, {"team": "a b"}, "put"), (5, {}, "post")]
)
def test_every_way_gives_the_object_all_of_it(
    begin: Begin, place: Place, oss: OssClient, size: int, tagging: dict[str, str], method: str
) -> None:
    place(**EVERYTHING, tagging=tagging)
    upload = begin(size, filename='mein "Film" 名.mp4', metadata={"uid": "7"})
    assert upload.method == method
    send(upload)
    assert services.complete(upload).state == State.COMPLETED
    # No signature: the ACL lets strangers read.
    got = http.get(upload.location)
    assert got.status_code == 200
    assert got.headers["Content-Type"] == "video/mp4"
    assert got.headers["Cache-Control"] == "max-age=60"
    assert got.headers["Content-Disposition"] == (
        "attachment; filename=\"mein _Film_ _.mp4\"; filename*=UTF-8''mein%20%22Film%22%20%E5%90%8D.mp4"
    )
    assert got.headers["Expires"].endswith("GMT")
    assert got.headers["x-oss-storage-class"] == "IA"
    assert got.headers["x-oss-server-side-encryption"] == "AES256"
    assert got.headers["x-oss-meta-uid"] == "7"
    assert got.headers.get("x-oss-tagging-count", "0") == str(len(tagging))


@pytest.mark.parametrize("size", [SIZE, 5])
def test_an_object_of_that_name_is_not_replaced(begin: Begin, place: Place, oss: OssClient, size: int) -> None:
    place(forbid_overwrite=True)
    upload = begin(size)
    oss.put_object(upload.bucket, upload.key, b"first")
    parts = services.sign_parts(upload, [PartRequest(n) for n in upload.plan.numbers()])
    answers = [deliver(part, bytes(upload.plan.size_of(part.number) or 0)) for part in parts]
    if size == 5:
        assert answers[0].status_code == 409
        return
    with pytest.raises(ObjectMismatch):
        services.complete(upload)
    assert upload.state == "failed"
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)


def test_the_pace_is_signed_into_every_request(begin: Begin, place: Place) -> None:
    place(traffic_limit=8_388_608)
    (part,) = services.sign_parts(begin(None), [PartRequest(1, 5)])
    assert "x-oss-traffic-limit=8388608" in part.url
    assert deliver(part, b"hello").status_code == 200
    assert deliver({**_plain(part), "url": part.url.replace("8388608", "8388609")}, b"hello").status_code == 403
    (form,) = services.sign_parts(begin(5), [PartRequest(1)])
    assert form.fields["x-oss-traffic-limit"] == "8388608"


def _plain(part: Any) -> dict[str, Any]:
    return {"method": part.method, "url": part.url, "headers": part.headers, "fields": part.fields}


# What is left to the page


def test_the_page_chooses_what_it_is_left(begin: Begin, place: Place) -> None:
    place(cache_control="no-cache", client_options=["cache_control", "acl", "traffic_limit"], traffic_limit=1_000_000)
    by_default = {"forbid_overwrite": True, "traffic_limit": 1_000_000}
    assert begin().options == {"cache_control": "no-cache", **by_default}
    chosen = begin(options={"acl": "private", "cache_control": "max-age=5", "traffic_limit": 900_000})
    wanted = {"cache_control": "max-age=5", "acl": "private", "traffic_limit": 900_000}
    assert chosen.options == {**by_default, **wanted}
    assert begin(options={"traffic_limit": 800_000_000}).options["traffic_limit"] == 1_000_000


@pytest.mark.parametrize(
    "options",
    [
        {"storage_class": "IA"},
        {"key": "other"},
        {"max_size": 10**12},
        {"acl": "nobody"},
        {"cache_control": "a\r\nx-oss-object-acl: public-read"},
        {"cache_control": ["no-cache"]},
    ],
)
def test_the_page_chooses_nothing_else(begin: Begin, place: Place, options: dict[str, Any]) -> None:
    place(client_options=["acl", "cache_control"])
    detail = refused(lambda: begin(options=options), InvalidUpload, "options")
    assert next(iter(options)) in detail


# Signatures and the credentials behind them


def test_no_url_outlives_the_credentials_behind_it(begin: Begin, settings: Any) -> None:
    now = utcnow().replace(microsecond=0)
    for life, expected in ((600, 600), (7200, 900)):
        end = (now + timezone.timedelta(seconds=life)).isoformat()
        settings.UPLOADS = {**settings.UPLOADS, "OSS_SESSION_EXPIRES": end}
        for upload in (begin(SIZE), begin(5)):
            (part,) = services.sign_parts(upload, [PartRequest(1)], now=now)
            assert (part.expires_at - now).total_seconds() == expected
    settings.UPLOADS = {**settings.UPLOADS, "OSS_SESSION_EXPIRES": now.isoformat()}
    with pytest.raises(UploadError, match="OSS_SESSION_TOKEN"):
        services.sign_parts(begin(SIZE), [PartRequest(1)], now=now)


def test_an_upload_keeps_what_it_was_promised_when_the_settings_change(begin: Begin, place: Place) -> None:
    place(acl="public-read")
    upload = begin(SIZE)
    place(acl="private")
    send(upload)
    services.complete(upload)
    assert http.get(upload.location).status_code == 200


def test_a_destination_that_is_gone_does_not_strand_its_uploads(begin: Begin, settings: Any) -> None:
    upload = begin(SIZE)
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"other": {}}}
    send(upload)
    assert services.complete(upload).state == State.COMPLETED


# Streams


def test_a_stream_ends_with_the_size_it_turned_out_to_have(begin: Begin, oss: OssClient) -> None:
    upload = begin(None)
    assert (upload.size, upload.part_count, upload.method) == (None, None, "multipart")
    sizes = [8 << 20, 200_000, 5]
    wanted = [PartRequest(number, size) for number, size in enumerate(sizes, 1)]
    for part, size in zip(services.sign_parts(upload, wanted), sizes, strict=True):
        assert deliver(part, bytes(size)).status_code == 200
    services.record_parts(upload, [services.DonePart(n, size) for n, size in enumerate(sizes, 1)])
    assert upload.bytes_done == sum(sizes)
    with pytest.raises(InvalidUpload, match="send size"):
        services.complete(upload)
    with pytest.raises(UploadError, match="of 9"):
        services.complete(upload, services.ClientReport(size=9))
    services.complete(upload, services.ClientReport(size=sum(sizes)))
    assert (upload.state, upload.size, upload.part_count, upload.bytes_done) == ("completed", sum(sizes), 3, sum(sizes))
    assert oss.head(upload.bucket, upload.key).size == sum(sizes)


def test_a_stream_with_a_hole_names_it(begin: Begin) -> None:
    upload = begin(None)
    for part in services.sign_parts(upload, [PartRequest(n, 200_000) for n in (2, 4)]):
        deliver(part, bytes(200_000))
    with pytest.raises(UploadError) as caught:
        services.complete(upload, services.ClientReport(size=400_000))
    assert caught.value.errors == {"parts": [1, 3]}


def test_a_stream_too_large_for_its_destination_is_not_completed(begin: Begin, place: Place) -> None:
    place(max_size=1000)
    upload = begin(None)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    deliver(part, bytes(1001))
    with pytest.raises(TooLarge, match="'default' accepts files of at most 1,000 bytes"):
        services.complete(upload, services.ClientReport(size=1001))


def test_what_cannot_be_replaced_is_not_asked_for_again(place: Place, begin: Begin, oss: OssClient) -> None:
    """OSS would refuse the file while another object has its key."""
    place(forbid_overwrite=True)
    upload = begin(5)
    oss.put_object(upload.bucket, upload.key, b"123", {"Content-Type": upload.content_type})
    with pytest.raises(ObjectMismatch, match="5 expected, 3 at OSS"):
        services.complete(upload)
    assert upload.state == State.FAILED


def test_a_bucket_of_its_own(place: Place, begin: Begin, oss: OssClient) -> None:
    oss.call("PutBucket", OssRequest("PUT", "films-bucket"))
    place(bucket="films-bucket")
    upload = begin(SIZE)
    send(upload)
    assert services.complete(upload).bucket == "films-bucket"
    assert oss.head("films-bucket", upload.key).size == SIZE
    url = presign(oss.context(), OssRequest("GET", upload.bucket, upload.key), upload.location, 60)
    assert http.get(url).status_code == 200
