"""A checksum told before the file is sent: the object must have it, also when its client is gone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.callback_app import CallbackApp
from tests.django_fixtures import Begin
from tests.services.test_callbacks import app, configured, heard
from tests.services.test_services import send
from tests.services.test_sweep import past, run
from tests.stack import deliver
from uploads import services
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.crc64 import crc64
from uploads.oss.errors import NotFound
from uploads.oss.signing import PartRequest

__all__ = ["app", "configured"]  # Fixtures.
pytestmark = pytest.mark.django_db

OLD, NEW, MIXED = b"old old", b"new new", b"old new"
FILE = {"destination": "default", "filename": "a.txt", "content_type": "text/plain", "size": len(OLD)}

Begun = Callable[..., Upload]


def checksum(content: bytes) -> str:
    return str(crc64(content))


@pytest.fixture
def begun(api: APIClient, oss: OssClient) -> Begun:
    """An upload begun by the API."""

    def begun(**values: Any) -> Upload:
        answer = api.post("/api/uploads/", {**FILE, **values}, format="json")
        assert answer.status_code == 201, answer.json()
        return Upload.objects.get(pk=answer.json()["id"])

    return begun


def deliver_one(upload: Upload, content: bytes) -> None:
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    assert deliver(part, content).status_code == 200


def is_there(oss: OssClient, upload: Upload) -> bool:
    try:
        return oss.head(upload.bucket, upload.key) is not None
    except NotFound:
        return False


@pytest.mark.parametrize(("sent", "state"), [(OLD, State.COMPLETED), (MIXED, State.FAILED)])
def test_the_sweep_adopts_no_other_object(begun: Begun, oss: OssClient, sent: bytes, state: State) -> None:
    upload = begun(crc64=checksum(OLD))
    deliver_one(upload, sent)
    past(upload, expires_at=timedelta(seconds=1))
    assert run().endswith("1 adopted" if sent == OLD else "1 ended")
    upload.refresh_from_db()
    assert (upload.state, is_there(oss, upload)) == (state, sent == OLD)
    if sent != OLD:
        assert upload.error["code"] == "object_mismatch"
        assert f"{checksum(OLD)} expected, {checksum(MIXED)} at OSS" in upload.error["detail"]


@pytest.mark.parametrize(("sent", "state"), [(OLD, "completed"), (MIXED, "failed")])
def test_a_callback_completes_no_other_object(begun: Begun, app: CallbackApp, sent: bytes, state: str) -> None:
    upload = begun(crc64=checksum(OLD))
    deliver_one(upload, sent)
    said = heard(app)
    upload.refresh_from_db()
    assert (upload.state, said.status_code) == (state, 200 if sent == OLD else 409)


def test_a_file_of_parts_must_have_it_too(begun: Begun, oss: OssClient) -> None:
    content = bytes(20_000_000)
    upload = begun(size=len(content), crc64=checksum(b"other"))
    send(upload)
    parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
    oss.complete(upload.bucket, upload.key, upload.upload_id, parts)
    past(upload, expires_at=timedelta(seconds=1))
    assert run().endswith("1 ended")


def test_the_last_word_counts(api: APIClient, begun: Begun) -> None:
    """The file was opened again, and what is sent now has another checksum."""
    upload = begun(crc64=checksum(OLD))
    body = {"parts": [{"number": 1}], "crc64": checksum(NEW)}
    assert api.post(f"/api/uploads/{upload.pk}/parts/sign/", body, format="json").status_code == 200
    deliver_one(upload, NEW)
    assert services.check_object(Upload.objects.get(pk=upload.pk)).state == State.COMPLETED


def test_it_counts_too_where_an_unfinished_upload_is_found(api: APIClient, begun: Begun) -> None:
    upload = begun(crc64=checksum(OLD), fingerprint="v1-a")
    again = {**FILE, "fingerprint": "v1-a", "resume": True, "crc64": checksum(NEW)}
    answer = api.post("/api/uploads/", again, format="json")
    assert (answer.status_code, answer.json()["id"]) == (200, str(upload.pk))
    deliver_one(upload, NEW)
    assert api.post(f"/api/uploads/{upload.pk}/complete/", {}, format="json").status_code == 200


def test_the_report_at_the_end_counts_most(api: APIClient, begun: Begun) -> None:
    upload = begun(crc64=checksum(OLD))
    deliver_one(upload, NEW)
    done = api.post(f"/api/uploads/{upload.pk}/complete/", {"crc64": checksum(NEW)}, format="json")
    assert (done.status_code, done.json()["state"]) == (200, "completed")


def test_a_batch_takes_it(api: APIClient, oss: OssClient) -> None:
    answer = api.post("/api/uploads/batch/", {"uploads": [{**FILE, "crc64": checksum(OLD)}]}, format="json")
    (created,) = answer.json()["uploads"]
    assert Upload.objects.get(pk=created["id"]).expected == {"client_crc64": checksum(OLD)}


def test_a_stream_has_none_before_its_end(api: APIClient, begin: Begin) -> None:
    answer = api.post("/api/uploads/", {**FILE, "size": None, "crc64": "1"}, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["crc64"])
    body = {"parts": [{"number": 1}], "crc64": "1"}
    answer = api.post(f"/api/uploads/{begin(None).pk}/parts/sign/", body, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["crc64"])


def test_what_an_earlier_claim_expected_stays(begun: Begun) -> None:
    """By the ETag, an abort knows that there may be an object."""
    upload = begun(size=20_000_000)
    Upload.objects.filter(pk=upload.pk).update(expected={"etag": "E-2", "client_crc64": "1"})
    upload.refresh_from_db()
    services.record_checksum(upload, "2")
    assert Upload.objects.get(pk=upload.pk).expected == {"etag": "E-2", "client_crc64": "2"}


def test_nothing_is_expected_of_an_upload_that_has_ended(api: APIClient, begun: Begun) -> None:
    upload = begun()
    services.abort(upload)
    body = {"parts": [{"number": 1}], "crc64": "1"}
    answer = api.post(f"/api/uploads/{upload.pk}/parts/sign/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert Upload.objects.get(pk=upload.pk).expected is None
