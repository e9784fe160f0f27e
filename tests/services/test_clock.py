"""A server whose clock is wrong by hours: every kind of signature is made with OSS's time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests import http
from tests.services.test_services import content_of
from tests.stack import deliver
from uploads.connection import oss_clock
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss.clock import ServerClock, utcnow
from uploads.oss.endpoint import Endpoint
from uploads.oss.signing import Credentials, OssRequest, SigningContext, presign

pytestmark = pytest.mark.django_db
HOURS = (23, -23)


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


def test_oss_away_does_not_hold_up_signatures(api: APIClient, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_ENDPOINT": "http://127.0.0.1:1"}
    assert create(api, 5)["parts"]
    assert isinstance(oss_clock(), ServerClock)
    assert oss_clock().known, "it is not asked again for each signature"
