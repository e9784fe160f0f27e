"""Orphans: what is aborted at OSS has no row, lies under our prefixes, and got no part for a day."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.django_fixtures import Begin
from tests.services.test_services import send
from tests.services.test_sweep import run
from tests.stack import client_for
from uploads import services
from uploads.domain.errors import Conflict
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Upload as AtOss
from uploads.localoss.testing import LocalServer
from uploads.oss.client import OssClient
from uploads.oss.signing import OssRequest

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def own_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def server(own_server: LocalServer, settings: Any) -> LocalServer:
    """A server of our own, empty at first, in whose store uploads can be older than the test."""
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": own_server.url}
    with client_for(own_server) as oss:
        for key in [key for page in oss.list_objects(own_server.bucket, "") for key in page.keys]:
            oss.delete_object(own_server.bucket, key)
        for held in list(oss.all_uploads(own_server.bucket)):
            oss.abort(own_server.bucket, held.key, held.upload_id)
    return own_server


def begun(server: LocalServer, key: str, *, hours_ago: int) -> AtOss:
    """A multipart upload that another program began so long ago."""
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    upload = AtOss(secrets.token_hex(16).upper(), "demo-bucket", key, int(at.timestamp() * 1000))
    store = Store(server.root)
    store.uploads.create(upload)
    store.close()
    return upload


def send_part(oss: OssClient, upload: AtOss) -> None:
    query = [("partNumber", "1"), ("uploadId", upload.id)]
    oss.call("UploadPart", OssRequest("PUT", upload.bucket, upload.key, query), b"x")


def left(server: LocalServer) -> set[str]:
    with client_for(server) as oss:
        return {held.upload_id for held in oss.all_uploads("demo-bucket")}


def test_a_busy_upload_is_alive_however_old_it_is(server: LocalServer) -> None:
    busy = begun(server, "uploads/busy", hours_ago=30 * 24)
    begun(server, "uploads/quiet", hours_ago=30 * 24)
    young = begun(server, "uploads/young", hours_ago=23)
    with client_for(server) as oss:
        send_part(oss, busy)
    assert run("--orphans") == "1 orphan"
    assert left(server) == {busy.id, young.id}
    later = datetime.now(UTC) + timedelta(hours=25)
    assert {swept.key for swept in services.sweep_orphans(now=later)} == {"uploads/busy", "uploads/young"}
    assert left(server) == set()


def test_a_dry_run_names_them_and_leaves_them(server: LocalServer) -> None:
    quiet = begun(server, "uploads/quiet", hours_ago=25)
    assert "would be orphan: uploads/quiet" in run("--orphans", "--dry-run")
    assert left(server) == {quiet.id}


@pytest.mark.parametrize("key", ["{user_id}/{uuid}/{filename}", "{uuid}", "b{uuid}", "backups/b{uuid}"])
def test_a_destination_whose_keys_may_be_anybodys_is_refused(server: LocalServer, settings: Any, key: str) -> None:
    destinations = {"default": {"key": key}, "films": {"key": "films/{uuid}"}}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": destinations}
    theirs = begun(server, "backups/base.tar", hours_ago=1000)
    begun(server, "films/old", hours_ago=1000)
    told = run("--orphans")
    assert "refused: destination default" in told
    assert "Begin the key template with a directory" in told
    assert "1 orphan, 1 refused" in told
    assert left(server) == {theirs.id}


def test_the_parts_of_a_deleted_user_are_swept(begin: Begin, user: Any, oss: OssClient, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "ON_OWNER_DELETE": "delete"}
    upload = begin(20_000_000)
    send(upload, 1)
    user.delete()
    later = datetime.now(UTC) + timedelta(hours=25)
    assert upload.upload_id in {swept.detail for swept in services.sweep_orphans(now=later)}
    assert upload.upload_id not in {held.upload_id for held in oss.all_uploads(upload.bucket)}


def test_ages_are_counted_in_a_project_without_time_zones(server: LocalServer, settings: Any) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Shanghai"
    orphan, busy = begun(server, "uploads/old", hours_ago=30), begun(server, "uploads/busy", hours_ago=30)
    with client_for(server) as oss:
        send_part(oss, busy)
    found = [each.detail for each in services.sweep_orphans(dry_run=True) if each.what == "would be orphan"]
    assert found == [orphan.id]
    with pytest.raises(Conflict):
        services.abort_if_orphan(services.orphan_of(busy.bucket, "default", busy.key, busy.id))
