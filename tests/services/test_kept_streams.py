"""Interrupted streams: what has arrived can be kept, through the same completion as every upload."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.api.test_hostile import assert_problem
from tests.django_fixtures import Begin
from tests.stack import deliver
from uploads import services
from uploads.domain.errors import UploadError
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound, Unreachable
from uploads.oss.signing import PartRequest

pytestmark = pytest.mark.django_db


def test_an_interrupted_stream_is_kept_up_to_its_first_gap(begin: Begin, oss: OssClient) -> None:
    upload = begin(None)
    for part in services.sign_parts(upload, [PartRequest(n, 200_000) for n in (1, 2, 4)]):
        deliver(part, bytes([part.number]) * 200_000)
    services.complete(upload, services.ClientReport(keep=True))
    assert (upload.state, upload.size, upload.part_count) == ("completed", 400_000, 2)
    assert oss.head(upload.bucket, upload.key).size == 400_000
    with pytest.raises(NotFound):
        oss.list_parts(upload.bucket, upload.key, upload.upload_id)


def test_a_kept_stream_whose_answer_is_lost_is_completed_by_the_sweep(
    begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(None)
    for part in services.sign_parts(upload, [PartRequest(n, 200_000) for n in (1, 3)]):
        deliver(part, bytes(200_000))

    def silent(*_: Any, **__: Any) -> None:
        raise Unreachable("OSS did not answer.", sent=True)

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "complete", silent)
        services.complete(upload, services.ClientReport(keep=True))
    assert (upload.state, upload.size) == ("completing", 200_000)
    services.complete(upload)  # As the sweep does.
    assert (upload.state, upload.size) == ("completed", 200_000)


def test_a_stream_that_is_reopened_has_no_size(begin: Begin, oss: OssClient, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(None)
    for part in services.sign_parts(upload, [PartRequest(n, 1000) for n in (1, 2)]):
        deliver(part, bytes(1000))
    with pytest.raises(UploadError, match="smaller"):
        services.complete(upload, services.ClientReport(keep=True))
    assert (upload.state, upload.size) == ("uploading", None)


def test_what_is_kept_of_a_stream(api: APIClient, begin: Begin) -> None:
    upload, address = begin(None), "/api/uploads/{}/complete/"
    empty = assert_problem(api.post(address.format(upload.pk), {"keep": True}, format="json"), 409, "parts_missing")
    assert empty["errors"] == {"parts": [1]}
    (part,) = services.sign_parts(upload, [PartRequest(1, size=1000)])
    assert deliver(part, bytes(1000)).status_code == 200
    kept = api.post(address.format(upload.pk), {"keep": True, "size": 5}, format="json").json()
    assert (kept["state"], kept["size"]) == ("completed", 1000)
    file = begin()
    refused = assert_problem(api.post(address.format(file.pk), {"keep": True}, format="json"), 400, "invalid")
    assert "keep" in refused["errors"]


def test_a_kept_stream_takes_no_part_that_comes_late(
    begin: Begin, oss: OssClient, place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(complete_all=True)
    upload = begin(None)
    *held, late = services.sign_parts(upload, [PartRequest(n, 200_000) for n in (1, 2, 3)])
    for part in held:
        deliver(part, bytes(200_000))
    real = OssClient.complete

    def complete(*args: Any, **more: Any) -> Any:
        deliver(late, bytes(200_000))
        return real(*args, **more)

    monkeypatch.setattr(OssClient, "complete", complete)
    services.complete(upload, services.ClientReport(keep=True))
    assert (upload.state, upload.size) == ("completed", 400_000)
    assert oss.head(upload.bucket, upload.key).size == 400_000


def test_a_client_that_sent_more_than_was_kept_is_not_told_that_it_is_complete(begin: Begin) -> None:
    upload = begin(None)
    for part in services.sign_parts(upload, [PartRequest(n, 200_000) for n in (1, 3)]):
        deliver(part, bytes(200_000))
    services.complete(upload, services.ClientReport(keep=True))
    with pytest.raises(UploadError, match="already completed"):
        services.complete(upload, services.ClientReport(size=600_000))
    for report in (services.ClientReport(size=200_000), services.ClientReport(keep=True), services.ClientReport()):
        assert services.complete(upload, report).state == "completed"


def test_a_checksum_of_what_is_kept_is_refused_before_anything_is_removed(api: APIClient, begin: Begin) -> None:
    upload = begin(None)
    (part,) = services.sign_parts(upload, [PartRequest(1, size=1000)])
    deliver(part, bytes(1000))
    body = {"keep": True, "crc64": "123"}
    refused = assert_problem(api.post(f"/api/uploads/{upload.pk}/complete/", body, format="json"), 400, "invalid")
    assert "crc64" in refused["errors"]
    upload.refresh_from_db()
    assert upload.state == "uploading"
