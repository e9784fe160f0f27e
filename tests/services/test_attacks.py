"""What a user can do with a signed request besides sending the file. OSS refuses it, or the upload fails and the
object goes."""

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tests.django_fixtures import Begin, Place
from tests.services.test_services import content_of, send
from tests.stack import deliver
from uploads import services
from uploads.domain.errors import InvalidUpload, ObjectMismatch, OverQuota, TooLarge, UploadError
from uploads.domain.states import State
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound, Refused, Unreachable
from uploads.oss.signing import OssRequest, PartRequest
from uploads.services import SignedPart
from uploads.services.sweep import PATIENCE

pytestmark = pytest.mark.django_db

ADDED = {
    "x-oss-storage-class": "IA",
    "Content-Disposition": "inline; filename=evil.html",
    "Content-Encoding": "gzip",
    "Content-Language": "tlh",
    "Cache-Control": "public, max-age=31536000",
    "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
    "x-oss-meta-owner": "mallory",
}


def signed(upload: Upload) -> SignedPart:
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    return part


def is_removed_and_says_why(upload: Upload, oss: OssClient, name: str) -> None:
    upload.refresh_from_db()
    assert (upload.state, upload.error["code"]) == (State.FAILED, "object_mismatch")
    assert name.lower() in upload.error["detail"]
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)
    assert upload.released_at is not None


# The form


def test_a_form_with_another_acl_is_refused(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    part = signed(upload)
    answer = deliver(replace(part, fields={**part.fields, "x-oss-object-acl": "public-read"}), b"12345")
    assert answer.status_code == 403
    assert "x-oss-object-acl" in answer.text


def test_a_form_without_its_acl_is_refused(begin: Begin, oss: OssClient) -> None:
    part = signed(begin(5))
    fields = {name: value for name, value in part.fields.items() if name != "x-oss-object-acl"}
    answer = deliver(replace(part, fields=fields), b"12345")
    assert (answer.status_code, "0006-00000226" in answer.text) == (403, True)


@pytest.mark.parametrize("name", ADDED)
def test_a_header_that_a_user_adds_to_the_form_fails_the_upload(begin: Begin, oss: OssClient, name: str) -> None:
    upload = begin(5)
    part = signed(upload)
    assert deliver(replace(part, fields={**part.fields, name: ADDED[name]}), b"12345").status_code == 200
    with pytest.raises(ObjectMismatch, match=name.lower()):
        services.complete(upload)
    is_removed_and_says_why(upload, oss, name)


def test_a_form_that_is_sent_as_it_is_completes(begin: Begin, oss: OssClient, place: Place) -> None:
    chosen: dict[str, Any] = {
        "acl": "public-read", "storage_class": "IA", "cache_control": "no-cache", "content_disposition": "attachment",
        "expires": 3600, "encryption": "KMS", "client_options": ["metadata"],
    }  # fmt: skip
    place(**chosen)
    upload = begin(5, filename="Übung 1.mp4", metadata={"Title": "x  y"})
    assert deliver(signed(upload), b"12345").status_code == 200
    assert services.complete(upload).state == State.COMPLETED
    assert oss.get_object_acl(upload.bucket, upload.key) == "public-read"


def test_an_acl_that_was_changed_is_found(begin: Begin, oss: OssClient) -> None:
    """OSS may take the last of two fields with the same name; the policy speaks of the first."""
    upload = begin(5)
    oss.put_object(
        upload.bucket, upload.key, b"12345", {"x-oss-object-acl": "public-read", "Content-Type": "video/mp4"}
    )
    with pytest.raises(ObjectMismatch, match="x-oss-object-acl: default expected, public-read at OSS"):
        services.complete(upload)
    is_removed_and_says_why(upload, oss, "x-oss-object-acl")


def test_the_sweep_removes_what_oss_did_not_let_us_remove(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(5)
    part = signed(upload)
    deliver(replace(part, fields={**part.fields, "x-oss-meta-a": "b"}), b"12345")
    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "delete_object", _unreachable)
        with pytest.raises(ObjectMismatch):
            services.complete(upload)
    upload.refresh_from_db()
    assert (upload.state, upload.released_at) == (State.FAILED, None)
    later = upload.updated_at + 2 * PATIENCE
    assert "released" in [swept.what for swept in services.sweep(now=later)]
    is_removed_and_says_why(upload, oss, "x-oss-meta-a")


def _unreachable(*_: Any) -> None:
    raise Unreachable("no answer", sent=True)


# PutObject


def test_a_put_without_one_of_its_headers_is_refused(begin: Begin, oss: OssClient, place: Place) -> None:
    place(content_disposition="attachment", cache_control="no-store", tagging={"kind": "film"})
    upload = begin(5, filename="picture.svg", content_type="image/svg+xml")
    part = signed(upload)
    assert part.method == "PUT"
    for name in part.headers:
        headers = {other: value for other, value in part.headers.items() if other != name}
        assert deliver(replace(part, headers=headers), b"12345").status_code in (400, 403), name
    assert deliver(part, b"12345").status_code == 200
    assert services.complete(upload).state == State.COMPLETED


@pytest.mark.parametrize("name", [name for name in ADDED if not name.startswith("x-oss-")])
def test_a_header_that_a_user_adds_to_a_put_fails_the_upload(
    begin: Begin, oss: OssClient, place: Place, name: str
) -> None:
    place(tagging={"kind": "film"})
    upload = begin(5)
    part = signed(upload)
    assert deliver(replace(part, headers={**part.headers, name: ADDED[name]}), b"12345").status_code == 200
    with pytest.raises(ObjectMismatch, match=name.lower()):
        services.complete(upload)
    is_removed_and_says_why(upload, oss, name)


# What is completed stays


def test_a_completed_upload_is_not_replaced_by_its_own_form(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    part = signed(upload)
    deliver(part, b"12345")
    services.complete(upload)
    answer = deliver(part, b"54321")
    assert (answer.status_code, "FileAlreadyExists" in answer.text) == (409, True)
    assert oss.get_range(upload.bucket, upload.key, 0, 5, upload.etag) == b"12345"


def test_a_completed_upload_is_not_replaced_by_its_own_put(begin: Begin, oss: OssClient, place: Place) -> None:
    place(tagging={"kind": "film"})
    upload = begin(5)
    part = signed(upload)
    deliver(part, b"12345")
    services.complete(upload)
    assert deliver(part, b"54321").status_code == 409


def test_a_form_that_is_sent_again_after_a_lost_answer_completes(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    part = signed(upload)
    deliver(part, content_of(upload))
    assert deliver(part, content_of(upload)).status_code == 409
    assert services.complete(upload).state == State.COMPLETED


def test_a_destination_may_allow_overwriting(begin: Begin, oss: OssClient, place: Place) -> None:
    place(forbid_overwrite=False)
    oss.put_overwrite("demo-bucket", None)
    upload = begin(5)
    part = signed(upload)
    deliver(part, b"12345")
    assert deliver(part, b"54321").status_code == 200


def test_a_complete_that_was_carried_out_twice_ends_as_completed(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OSS carried it out, its answer was lost, and the repeated call found the key taken."""
    upload = begin(20_000_000)
    send(upload)
    real = OssClient.complete

    def repeated(self: OssClient, *given: Any, **named: Any) -> None:
        real(self, *given, **named)
        raise Refused("The object you specified already exists.", status=409, code="FileAlreadyExists")

    monkeypatch.setattr(OssClient, "complete", repeated)
    assert services.complete(upload).state == State.COMPLETED
    assert oss.head(upload.bucket, upload.key).etag == upload.etag


def test_another_object_under_the_key_fails_the_upload_and_goes(begin: Begin, oss: OssClient) -> None:
    upload = begin(20_000_000)
    send(upload)
    oss.put_object(upload.bucket, upload.key, b"planted")
    with pytest.raises(ObjectMismatch, match="size: 20000000 expected, 7 at OSS"):
        services.complete(upload)
    is_removed_and_says_why(upload, oss, "size")


def test_temporary_credentials_cannot_replace_a_completed_upload(
    begin: Begin, oss: OssClient, oss_server: LocalServer, settings: Any, user: Any
) -> None:
    settings.UPLOADS = {
        **settings.UPLOADS,
        "UPLOADS_ORIGINS": ["https://app.example"],
        "OSS_STS_ENDPOINT": oss_server.url,
        "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
    }
    call_command("configure_bucket", stdout=StringIO())
    try:
        upload = begin(20_000_000)
        issued = services.issue_credentials(upload, user)
        send(upload)
        assert services.complete(upload).state == State.COMPLETED
        mallory = OssClient(oss.endpoint, "cn-hangzhou", issued.credentials)
        for replace_it in (
            lambda: mallory.put_object(upload.bucket, upload.key, b"other"),
            lambda: mallory.complete(
                upload.bucket,
                upload.key,
                (other := mallory.initiate(upload.bucket, upload.key)),
                [mallory.upload_part(upload.bucket, upload.key, other, 1, b"other")],
            ),
        ):
            with pytest.raises(Refused, match="FileAlreadyExists"):
                replace_it()
        mallory.close()
        assert oss.head(upload.bucket, upload.key).etag == upload.etag
    finally:
        oss.put_overwrite("demo-bucket", None)


# Sizes


def test_a_part_takes_its_planned_size_only(begin: Begin, oss: OssClient) -> None:
    upload = begin(20_000_000)
    first, _, last = services.sign_parts(upload, [PartRequest(number) for number in (1, 2, 3)])
    assert (first.size, last.size) == (8 << 20, 20_000_000 - (16 << 20))
    for content in (b"", bytes(first.size + 1), bytes(24_000_000)):
        assert deliver(first, content).status_code == 403
    assert oss.list_parts(upload.bucket, upload.key, upload.upload_id) == []
    assert deliver(first, bytes(first.size)).status_code == 200


def test_the_parts_of_a_stream_hold_no_more_than_the_destination_allows(
    begin: Begin, oss: OssClient, place: Place
) -> None:
    place(max_size=1_000_000, part_size=400_000)
    upload = begin(None)
    parts = services.sign_parts(upload, [PartRequest(number) for number in range(1, 6)])
    assert [part.size for part in parts] == [400_000, 400_000, 200_000]
    assert deliver(parts[0], bytes(1_500_000)).status_code == 403
    (short,) = services.sign_parts(upload, [PartRequest(3, size=7)])
    assert deliver(short, bytes(7)).status_code == 200
    for wanted in (PartRequest(3, size=200_001), PartRequest(4, size=199_994)):
        with pytest.raises(TooLarge):
            services.sign_parts(upload, [wanted])
    with pytest.raises(InvalidUpload, match="at most 400000 bytes"):
        services.sign_parts(upload, [PartRequest(1, size=400_001)])


def test_a_stream_without_limit_is_bound_to_its_growing_parts(begin: Begin) -> None:
    parts = services.sign_parts(begin(None), [PartRequest(number) for number in (1, 1000, 1001, 10_000)])
    assert [part.size for part in parts] == [8 << 20, 8 << 20, 16 << 20, 80 << 20]


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"max_size": 1_000_000}, TooLarge),
        ({"max_bytes_per_user_per_day": 1_000_000}, OverQuota),
        ({"max_size": 1_000_000, "max_bytes_per_user_per_day": 5_000_000}, TooLarge),
        ({"max_size": 5_000_000, "max_bytes_per_user_per_day": 1_000_000}, OverQuota),
    ],
)
def test_a_client_that_tells_no_sizes_gets_no_more_urls_once_it_has_sent_too_much(
    begin: Begin, oss: OssClient, place: Place, limits: dict[str, int], error: type[UploadError]
) -> None:
    place(**limits)
    upload = begin(None)
    assert upload.reserved == 1_000_000
    (part, again) = services.sign_parts(upload, [PartRequest(1), PartRequest(1)], bind_sizes=False)
    assert deliver(part, bytes(1_000_000)).status_code == 200
    services.sign_parts(upload, [PartRequest(2)], bind_sizes=False)
    assert deliver(again, bytes(1_000_001)).status_code == 200
    with pytest.raises(error):
        services.sign_parts(upload, [PartRequest(2)], bind_sizes=False)
    upload.refresh_from_db()
    assert (upload.state, upload.error["code"]) == (State.ABORTED, error.code)
    with pytest.raises(NotFound):
        oss.list_parts(upload.bucket, upload.key, upload.upload_id)


# What OSS reports of the object's options


def test_every_option_arrives_at_the_object(begin: Begin, oss: OssClient, place: Place) -> None:
    place(
        encryption="KMS", data_encryption="SM4", expires="2027-01-15", complete_all=True,
        content_disposition={"type": "attachment", "filename": "Übersicht.pdf"},
    )  # fmt: skip
    for size in (5, 20_000_000):
        upload = begin(size)
        send(upload)
        assert services.complete(upload).state == State.COMPLETED
        headers = oss.head(upload.bucket, upload.key).headers
        assert headers["x-oss-server-side-data-encryption"] == "SM4"
        assert headers["expires"] == "Fri, 15 Jan 2027 00:00:00 GMT"
        assert headers["content-disposition"].endswith("%C3%9Cbersicht.pdf")


def test_complete_all_sends_no_list_unless_a_part_is_to_be_left_out(
    begin: Begin, oss: OssClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(complete_all=True)
    sent: list[bytes] = []
    real = OssClient.call

    def call(self: OssClient, operation: str, request: OssRequest, content: bytes = b"", **more: Any) -> Any:
        if operation == "CompleteMultipartUpload":
            sent.append(content)
        return real(self, operation, request, content, **more)

    monkeypatch.setattr(OssClient, "call", call)
    whole, with_more = begin(20_000_000), begin(20_000_000)
    send(whole)
    send(with_more)
    oss.upload_part(with_more.bucket, with_more.key, with_more.upload_id, 9, b"beyond the plan")
    for upload in (whole, with_more):
        assert services.complete(upload).state == State.COMPLETED
    assert sent[0] == b""
    assert sent[1].count(b"<PartNumber>") == 3
