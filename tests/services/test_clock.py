"""A server whose clock is wrong by hours: every kind of signature is made with OSS's time."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from tests import http
from tests.django_fixtures import Begin
from tests.services.test_services import content_of, send
from tests.stack import client_for, deliver
from uploads import services
from uploads.connection import oss_clock
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Kind, ObjectRemoval, Orphan, OrphanSearch, PrefixCredentials, Upload
from uploads.oss.client import OssClient
from uploads.oss.clock import ServerClock, utcnow
from uploads.oss.endpoint import Endpoint
from uploads.oss.signing import Credentials, OssRequest, SigningContext, presign
from uploads.services import machine_clock, orphan_search
from uploads.services.sweep import sweep_prefixes

pytestmark = pytest.mark.django_db
HOURS = (23, -23)
CLAIMED: tuple[Any, ...] = (Upload, ObjectRemoval, Orphan, OrphanSearch)
"""Their rows say when the next attempt follows."""


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(arguments=["--allow-faults"]) as server:
        yield server


@pytest.fixture(params=HOURS)
def shift(request: pytest.FixtureRequest, server: LocalServer, settings: Any) -> timedelta:
    """OSS and STS tell another time than this machine, by so much."""
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OSS_ENDPOINT": server.url,
        "OSS_STS_ENDPOINT": server.url,
        "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
    }
    cache.clear()
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": request.param * 3600}])
    return timedelta(hours=request.param)


@pytest.fixture
def prefix(shift: timedelta, settings: Any) -> str:
    """Of a destination of the test's own: the tests share one bucket."""
    prefix = f"{secrets.token_hex(4)}/"
    default = {"key": f"{prefix}{{user_id}}/{{uuid}}/{{filename}}", "credentials": "prefix"}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": default}}
    return prefix


def create(api: APIClient, size: int, **values: Any) -> Any:
    body = {"filename": "film.mp4", "content_type": "video/mp4", "size": size, "sign": 3, **values}
    answer = api.post("/api/uploads/", body, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.mark.parametrize("size", [20_000_000, 5], ids=["parts", "form"])
def test_an_upload_from_beginning_to_end(api: APIClient, shift: timedelta, size: int) -> None:
    created = create(api, size)
    upload = Upload.objects.get()
    for part in created["parts"]:
        start = (part["number"] - 1) * upload.part_size
        answer = deliver(part, content_of(upload)[start : start + upload.part_size])
        assert answer.status_code == 200, answer.text
    done = api.post(f"/api/uploads/{created['id']}/complete/", {}, format="json")
    assert (done.status_code, done.json()["state"]) == (200, "completed")
    assert http.get(upload.url(60)).content == content_of(upload)
    assert abs(oss_clock().offset - shift) < timedelta(seconds=60)


def test_the_first_signature_of_a_process_has_the_right_time(api: APIClient, shift: timedelta) -> None:
    """A form is signed without a call to OSS: the time is asked for before."""
    assert not oss_clock().known
    created = create(api, 5)
    assert deliver(created["parts"][0], content_of(Upload.objects.get())).status_code == 200


def test_the_times_of_an_answer_agree_with_each_other(api: APIClient, shift: timedelta) -> None:
    """A browser counts the seconds between them, and signs with `server_time` itself."""
    created = create(api, 20_000_000)
    server_time, expires_at = (
        datetime.fromisoformat(text) for text in (created["server_time"], created["parts"][0]["expires_at"])
    )
    assert timedelta(seconds=898) < expires_at - server_time <= timedelta(seconds=900)
    assert abs(server_time - utcnow() - shift) < timedelta(seconds=60)


def test_temporary_credentials_are_issued_and_accepted(api: APIClient, server: LocalServer, shift: timedelta) -> None:
    created = create(api, 20_000_000)
    issued = api.post(f"/api/uploads/{created['id']}/credentials/", {}, format="json").json()
    expires_at, server_time = (datetime.fromisoformat(text) for text in (issued["expires_at"], created["server_time"]))
    assert timedelta(minutes=59) < expires_at - server_time < timedelta(minutes=61)
    keys = Credentials(issued["access_key_id"], issued["access_key_secret"], issued["security_token"])
    query = [("partNumber", "1"), ("uploadId", issued["upload_id"])]
    request = OssRequest("PUT", issued["bucket"], issued["key"], query)
    url = Endpoint.parse(server.url, "path").url_of(issued["bucket"], issued["key"])
    signed = presign(SigningContext(keys, "cn-hangzhou", server_time), request, url, 600)
    assert http.put(signed, content=b"x" * 100_000).status_code == 200


def test_what_credentials_for_a_prefix_stored_is_found_until_they_have_expired(
    user: Any, server: LocalServer, shift: timedelta, prefix: str
) -> None:
    key = f"{services.issue_prefix_credentials(user, 'default').prefix}a.bin"
    with client_for(server) as oss:
        oss.put_object(server.bucket, key, b"x")
    assert [(each.what, each.key) for each in sweep_prefixes()] == [("registered", key)]
    held, now = PrefixCredentials.objects.get(), timezone.now()
    ages = [time - now - shift for time in (held.since, held.searched_until, held.valid_until)]
    for age, minutes in zip(ages, (-15, 0, 65), strict=True):
        assert abs(age - timedelta(minutes=minutes)) < timedelta(minutes=1)
    row = Upload.objects.get()
    assert row.credentials_until is not None
    assert abs(row.credentials_until - now - timedelta(minutes=65)) < timedelta(minutes=1), "the sweep's own clock"


def test_an_orphan_is_aborted_a_day_after_its_last_part_and_not_before(
    server: LocalServer, prefix: str, db: None
) -> None:
    with client_for(server) as oss:
        upload_id = oss.initiate(server.bucket, f"{prefix}a.bin")
        oss.upload_part(server.bucket, f"{prefix}a.bin", upload_id, 1, b"x")
    now = timezone.now()
    assert list(services.sweep_orphans(now=now + timedelta(hours=23))) == []
    assert [each.detail for each in services.sweep_orphans(now=now + timedelta(hours=25))] == [upload_id]


def test_the_search_for_orphans_counts_their_age_by_osss_clock(
    server: LocalServer, prefix: str, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    """What it could find is as old as this test."""
    with client_for(server) as oss:
        oss.put_object(server.bucket, f"{prefix}lost.bin", b"x")
        oss.initiate(server.bucket, f"{prefix}a.bin")
    for number, (age, found) in enumerate([(1, set()), (-1, set(Kind))]):
        monkeypatch.setattr(orphan_search, "ORPHAN_AGE", timedelta(hours=age))
        list(orphan_search.search_orphans(timezone.now() + number * orphan_search.INTERVAL * 2))
        assert {orphan.kind for orphan in Orphan.objects.all()} == found


@pytest.fixture
def outdated(server: LocalServer, settings: Any, user: Any) -> Iterator[Upload]:
    """A completed upload that its destination keeps for 30 days, by a clock that has jumped: it seems to be older."""
    http.put(f"{server.url}/-/faults", json=[])
    default = {"key": f"{secrets.token_hex(4)}/{{uuid}}", "retention_days": 30, "object_retention_days": 30}
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": server.url, "DESTINATIONS": {"default": default}}
    upload = services.begin(user, services.UploadRequest("default", "film.mp4", 1000, "video/mp4"))
    send(upload)
    services.complete(upload)
    Upload.objects.update(updated_at=timezone.now() - timedelta(days=31))
    yield upload
    http.put(f"{server.url}/-/faults", json=[])


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("shift", [timedelta(days=-365), timedelta(hours=-25), timedelta(hours=25)])
def test_nothing_is_deleted_by_retention_while_the_clock_is_wrong(
    server: LocalServer, outdated: Upload, shift: timedelta, dry_run: bool
) -> None:
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": shift.total_seconds()}])
    done = list(services.sweep(dry_run=dry_run))
    assert [(each.what, each.key, each.detail) for each in done] == [("refused", "sweep", machine_clock.WRONG_CLOCK)]
    assert (Upload.objects.get().state, ObjectRemoval.objects.count()) == ("completed", 0)
    http.put(f"{server.url}/-/faults", json=[])
    assert {each.what for each in services.sweep(dry_run=dry_run)} >= {"would be deleted" if dry_run else "deleted"}


def test_nothing_is_deleted_by_retention_while_oss_does_not_answer(outdated: Upload, settings: Any) -> None:
    answering = settings.UPLOADS
    settings.UPLOADS = {**answering, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    first = next(iter(services.sweep()))
    assert (first.what, first.key) == ("failed", "retention of default")
    list(services.sweep())
    assert (Upload.objects.get().state, ObjectRemoval.objects.count()) == ("completed", 0)
    settings.UPLOADS = answering
    assert "deleted" in {each.what for each in services.sweep()}


def test_days_are_counted_by_a_clock_that_is_wrong_by_hours(server: LocalServer, outdated: Upload) -> None:
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": 23 * 3600}])
    assert "deleted" in {each.what for each in services.sweep()}


def test_nothing_waits_for_years_after_a_sweep_with_a_clock_that_is_years_ahead(
    server: LocalServer, begin: Begin, oss: OssClient, settings: Any
) -> None:
    """As OSS refuses each request of that time, each would be repeated after a pause that begins then."""
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": server.url}
    stale, done = begin(20_000_000), begin(5)
    send(done)
    services.complete(done)
    Upload.objects.filter(pk=stale.pk).update(expires_at=timezone.now() - timedelta(days=1))
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": -365 * 86_400}])
    try:
        services.delete_object(done)
        ObjectRemoval.objects.update(due_at=timezone.now())
        before = [list(model.objects.values()) for model in CLAIMED]
        assert [(each.what, each.key) for each in services.sweep()] == [("refused", "sweep")]
        assert [list(model.objects.values()) for model in CLAIMED] == before
    finally:
        http.put(f"{server.url}/-/faults", json=[])
    assert {each.what for each in services.sweep()} >= {"aborted", "removed"}


def test_one_oss_with_a_wrong_clock_does_not_stop_the_sweep_of_another(
    server: LocalServer, begin: Begin, oss: OssClient, settings: Any
) -> None:
    away = {"bucket": "demo-bucket", "endpoint": server.url, "addressing": "path", "region": "cn-hangzhou"}
    default, far = {"key": f"{secrets.token_hex(4)}/{{uuid}}"}, {"key": "far/{uuid}", "bucket": "far"}
    destinations = {"default": default, "far": {**far, "retention_days": 30}}
    settings.UPLOADS = {**settings.UPLOADS, "BUCKETS": {"far": away}, "DESTINATIONS": destinations}
    Upload.objects.filter(pk=begin(20_000_000).pk).update(expires_at=timezone.now() - timedelta(days=1))
    http.put(f"{server.url}/-/faults", json=[{"clock_shift": -365 * 86_400}])
    try:
        done = [(each.what, each.key) for each in services.sweep()]
    finally:
        http.put(f"{server.url}/-/faults", json=[])
    assert done[0] == ("refused", "retention of far")
    assert "aborted" in {what for what, _ in done}


def test_oss_away_does_not_hold_up_signatures(api: APIClient, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    assert create(api, 5)["parts"]
    assert isinstance(oss_clock(), ServerClock)
    assert oss_clock().known, "it is not asked again for each signature"
