"""OSS_ENDPOINT leads to another server for a while: its answers are not OSS's, so nothing ends and nothing is lost."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import stamina
from django.core.files.storage import Storage
from django.core.management import CommandError, call_command

from tests.callback_app import CallbackApp, answer
from tests.django_fixtures import Begin
from tests.services.test_services import send
from tests.services.test_sweep import past
from uploads import services
from uploads.domain.errors import StorageBusy
from uploads.models import ObjectRemoval, Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import NotOss
from uploads.oss.repetition import ATTEMPTS
from uploads.services.common import parts_at_oss
from uploads.services.transactions import oss_client
from uploads.storage import OssStorage

pytestmark = pytest.mark.django_db
Elsewhere = Callable[[], AbstractContextManager[CallbackApp]]


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


@pytest.fixture(params=[200, 204, 404], ids=["portal", "empty", "not found"])
def elsewhere(request: pytest.FixtureRequest, settings: Any) -> Elsewhere:
    """`with elsewhere():` the endpoint leads to a server that answers everything with this status, without a body."""

    @contextmanager
    def lead() -> Iterator[CallbackApp]:
        right = settings.UPLOADS
        with CallbackApp(answer(request.param, b"", "Connection: close\r\n")) as app:
            settings.UPLOADS = {**right, "OSS_ENDPOINT": f"http://127.0.0.1:{app.port}", "OSS_INTERNAL_ENDPOINT": ""}
            yield app
            settings.UPLOADS = right

    return lead


def completed(begin: Begin) -> Upload:
    upload = begin(5)
    send(upload)
    return services.complete(upload)


def test_reconcile_leaves_completed_uploads_alone(begin: Begin, elsewhere: Elsewhere) -> None:
    upload = completed(begin)
    with elsewhere() as app:
        with pytest.raises(CommandError, match="could not be compared with OSS"):
            call_command("reconcile_uploads", "--register", stdout=StringIO())
        asked = {call.method for call in app.calls}
    upload.refresh_from_db()
    assert upload.state == "completed"
    assert asked == {"GET"}, "objects are asked for one by one although the bucket could not be listed"


@pytest.mark.parametrize("size", [5, 300_000], ids=["form", "parts"])
def test_a_sweep_keeps_what_is_finished_and_not_reported(
    begin: Begin, oss: OssClient, place: Any, elsewhere: Elsewhere, size: int
) -> None:
    place(part_size=102_400)
    upload = begin(size)
    send(upload)
    if upload.upload_id:
        parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
        oss.complete(upload.bucket, upload.key, upload.upload_id, parts)
    past(upload, expires_at=timedelta(seconds=1), updated_at=timedelta(days=7))
    with elsewhere():
        assert {swept.what for swept in services.sweep()} == {"failed"}
    upload.refresh_from_db()
    assert upload.state == "uploading"
    past(upload, claimed_until=timedelta(seconds=1))
    list(services.sweep())
    upload.refresh_from_db()
    assert upload.state == "completed"


def test_a_removal_waits_for_oss(
    begin: Begin, elsewhere: Elsewhere, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    upload = completed(begin)
    with elsewhere(), django_capture_on_commit_callbacks(execute=True):
        services.delete_object(upload)
    waiting = ObjectRemoval.objects.unremoved().get()
    assert "Something other than OSS" in waiting.error["detail"]


def test_an_object_is_neither_there_nor_not(begin: Begin, elsewhere: Elsewhere) -> None:
    """`exists` of the storage would let Django reuse the name, and a form would find an upload without its object."""
    upload = completed(begin)
    storage: Storage = OssStorage()
    with elsewhere():
        with pytest.raises(NotOss):
            oss_client(upload).head(upload.bucket, upload.key)
        with pytest.raises(NotOss):
            storage.exists("a.txt")
        with pytest.raises(StorageBusy, match="other than OSS"):
            parts_at_oss(upload)
