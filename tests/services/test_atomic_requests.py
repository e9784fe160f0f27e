"""The tables of completion and abort again, through the views, in a project that has set ATOMIC_REQUESTS.

`tests.services.test_completion` calls services. Here the same tests send requests instead: what a view has recorded
when it is killed, refused or met by another caller must not be rolled back with the request.
"""

from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.transaction import Atomic
from django.test import Client
from django.urls import resolve

from tests.django_fixtures import Begin
from tests.services import test_completion, test_services
from tests.services.test_completion import (  # noqa: F401  The tables, collected here once more.
    SIZE,
    small_parts,
    test_an_abort_at_any_step_wins_or_learns_that_it_lost,
    test_an_object_that_is_not_its_parts_has_failed_with_both_values,
    test_another_tab_completes_at_any_step,
    test_every_answer_of_oss_may_be_lost,
    test_finished_by_other_means_is_adopted_and_what_was_begun_is_released,
    test_finished_under_its_own_id,
    test_killed_at_any_step_and_asked_again,
    test_killed_at_any_step_of_adopting,
    test_other_bytes_by_other_means_are_not_taken_for_the_file,
    test_the_parts_crc64_add_up_to_the_files,
)
from tests.services.test_services import (  # noqa: F401
    send,
    test_abort_drops_the_parts_at_oss,
    test_abort_takes_a_single_put_out_of_the_bucket,
    test_abort_that_oss_did_not_hear_is_said_again,
    test_somebody_else_aborting_in_between_is_told_as_such,
)
from uploads import services
from uploads.domain.errors import DeletionNotAllowed, UploadError, WrongState
from uploads.domain.phrase import Phrase
from uploads.models import Upload
from uploads.services import ClientReport

pytestmark = pytest.mark.django_db


class ThroughTheViews:
    """`services`, but complete() and abort() are requests of the upload's owner."""

    def __getattr__(self, name: str) -> Any:
        return getattr(services, name)

    def complete(self, upload: Upload, report: ClientReport | None = None, **_: Any) -> Upload:
        body = {"crc64": report.crc64} if report else {}
        return request("post", f"/api/uploads/{upload.pk}/complete/", upload, body)

    def abort(self, upload: Upload, **_: Any) -> Upload:
        try:
            return request("delete", f"/api/uploads/{upload.pk}/", upload)
        except DeletionNotAllowed as error:  # The view's word for a completed upload; the service says WrongState.
            raise WrongState(error.detail, errors=error.errors) from None


def request(method: str, path: str, upload: Upload, body: Any = None) -> Upload:
    """The upload after the request. A problem is raised as the error that it tells of."""
    client = Client()
    client.force_login(upload.owner)
    answer = getattr(client, method)(path, body, "application/json")
    upload.refresh_from_db()
    if answer.status_code >= 400:
        told = answer.json()
        raise kinds(UploadError)[told["code"]](Phrase(told["detail"]), errors=told.get("errors"))
    return upload


def kinds(base: type[UploadError]) -> dict[str, type[UploadError]]:
    """The errors by their codes."""
    found = {base.code: base}
    for kind in base.__subclasses__():
        found = {**kinds(kind), **found}
    return found


@pytest.fixture(autouse=True)
def _atomic_requests(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    settings.UPLOADS = {**settings.UPLOADS, "THROTTLES": {"complete": ""}}
    monkeypatch.setattr(test_completion, "services", ThroughTheViews())
    monkeypatch.setattr(test_services, "services", ThroughTheViews())


@pytest.mark.parametrize(
    "path",
    [
        "/healthz", "/healthz/live", "/healthz/ready", "/metrics", "/api/schema/", "/api/docs/", "/api/uploads/",
        "/admin/uploads/upload/", "/admin/uploads/objectremoval/",
    ],
)  # fmt: skip
def test_no_view_of_the_app_runs_in_the_transaction(path: str) -> None:
    assert set(connections) <= resolve(path).func._non_atomic_requests  # type: ignore[attr-defined]


def test_liveness_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("The database is away.")

    with monkeypatch.context() as patch:
        patch.setattr(Atomic, "__enter__", away)
        assert Client().get("/healthz/live").status_code == 200


def test_a_view_that_is_not_exempt_is_stopped_before_anything_is_done(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tables above would meet if the views were not exempt."""
    upload = begin(SIZE)
    send(upload)
    path = f"/api/uploads/{upload.pk}/complete/"
    monkeypatch.delattr(resolve(path).func, "_non_atomic_requests")
    with pytest.raises(services.CalledInTransaction, match=r"on_commit\(\)"):
        request("post", path, upload, {})
    upload.refresh_from_db()
    assert (upload.state, [event.name for event in upload.events.all()]) == ("uploading", ["begin"])
