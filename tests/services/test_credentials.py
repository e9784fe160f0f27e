"""Credentials lent to browsers: what they can do, and that they can do nothing else."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from uploads import services
from uploads.conf import settings as app_settings
from uploads.connection import oss_clock
from uploads.domain.errors import Forbidden, NotOffered, StorageRefused, WrongState
from uploads.domain.keys import MAX_FILENAME_BYTES
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss import policy, sts
from uploads.oss.client import OssClient
from uploads.oss.clock import utcnow
from uploads.oss.errors import Denied
from uploads.oss.messages import CorsConfiguration, Part
from uploads.oss.signing import OssRequest
from uploads.services import ScopedCredentials, credentials

pytestmark = pytest.mark.django_db

SIZE = 20_000_000


@pytest.fixture(autouse=True)
def role(oss: OssClient, oss_server: LocalServer, settings: Any) -> None:
    cache.clear()
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": DEMO_ROLE.arn, "OSS_STS_ENDPOINT": oss_server.url}


_clients: list[OssClient] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while _clients:
        _clients.pop().close()


def client_with(lent: ScopedCredentials) -> OssClient:
    _clients.append(OssClient(app_settings.endpoint, app_settings.region, lent.credentials))
    return _clients[-1]


def put_part(client: OssClient, upload: Upload, number: int, content: bytes) -> Part:
    query = [("partNumber", str(number)), ("uploadId", upload.upload_id)]
    answer = client.call("UploadPart", OssRequest("PUT", upload.bucket, upload.key, query), content)
    return Part(number, answer.headers["ETag"].strip('"'), len(content))


def denied(call: Callable[[], Any]) -> None:
    with pytest.raises(Denied) as caught:
        call()
    assert caught.value.code == "AccessDenied"


def test_they_send_the_parts_of_one_upload(begin: Begin, user: Any) -> None:
    upload = begin(SIZE)
    lent = services.issue_credentials(upload, user)
    assert (lent.bucket, lent.key, lent.upload_id, lent.prefix) == (upload.bucket, upload.key, upload.upload_id, "")
    for number in upload.plan.numbers():
        put_part(client_with(lent), upload, number, bytes(upload.plan.size_of(number) or 0))
    assert services.complete(upload).state == "completed"


def test_they_do_nothing_else(begin: Begin, user: Any, oss: OssClient) -> None:
    upload, other = begin(SIZE), begin(SIZE)
    oss.put_object(upload.bucket, "secret.txt", b"secret")
    client = client_with(services.issue_credentials(upload, user))
    bucket, key = upload.bucket, upload.key
    public, copy = {"x-oss-object-acl": "public-read"}, {"x-oss-copy-source": f"/{bucket}/secret.txt"}
    for call in (
        lambda: put_part(client, other, 1, b"x"),
        lambda: client.put_object(bucket, f"{key}x", b"x"),
        lambda: client.put_object(bucket, key.rpartition("/")[0], b"x"),
        lambda: client.head(bucket, key),
        lambda: client.call("GetObject", OssRequest("GET", bucket, "secret.txt")),
        lambda: client.head(bucket, "secret.txt"),
        lambda: client.delete_object(bucket, "secret.txt"),
        lambda: client.delete_object(bucket, key),
        lambda: client.abort(bucket, key, upload.upload_id),
        lambda: client.list_parts(bucket, key, upload.upload_id),
        lambda: client.call("ListObjects", OssRequest("GET", bucket)),
        lambda: client.call("ListMultipartUploads", OssRequest("GET", bucket, query=[("uploads", "")])),
        lambda: client.call("ListBuckets", OssRequest("GET", "")),
        lambda: client.put_cors(bucket, CorsConfiguration()),
        lambda: client.call("PutObjectACL", OssRequest("PUT", bucket, key, [("acl", "")], public)),
        lambda: client.call("CopyObject", OssRequest("PUT", bucket, key, headers=copy)),
    ):
        denied(call)
    assert oss.head(bucket, "secret.txt").size == 6


def test_a_prefix_is_one_users_own(user: Any, other_user: Any, oss: OssClient) -> None:
    mine, theirs = (
        services.issue_prefix_credentials(user, "default"),
        services.issue_prefix_credentials(other_user, "default"),
    )
    assert mine.prefix == f"uploads/{user.pk}/"
    assert (mine.key, mine.upload_id) == ("", "")
    client, bucket = client_with(mine), mine.bucket
    client.put_object(bucket, f"{mine.prefix}a.bin", b"x")
    upload_id = client.initiate(bucket, f"{mine.prefix}b.bin")
    assert client.list_parts(bucket, f"{mine.prefix}b.bin", upload_id) == []
    client.abort(bucket, f"{mine.prefix}b.bin", upload_id)
    for call in (
        lambda: client.put_object(bucket, f"{theirs.prefix}a.bin", b"x"),
        lambda: client.put_object(bucket, f"uploads/{user.pk}", b"x"),
        lambda: client.put_object(bucket, "elsewhere", b"x"),
        lambda: client.head(bucket, f"{mine.prefix}a.bin"),
        lambda: client.delete_object(bucket, f"{mine.prefix}a.bin"),
        lambda: client.call("ListObjects", OssRequest("GET", bucket, query=[("prefix", mine.prefix)])),
    ):
        denied(call)


def test_they_are_kept_until_a_third_of_their_life_is_left(
    begin: Begin, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, other = begin(SIZE), begin(SIZE)
    first = services.issue_credentials(upload, user)
    assert services.issue_credentials(upload, user) == first
    assert services.issue_credentials(other, user).credentials != first.credentials
    monkeypatch.setattr(oss_clock(), "local", lambda: utcnow() + timedelta(seconds=2300))
    assert services.issue_credentials(upload, user) == first
    monkeypatch.setattr(oss_clock(), "local", lambda: utcnow() + timedelta(seconds=2410))
    fresh = services.issue_credentials(upload, user)
    assert fresh.credentials != first.credentials


def test_they_live_as_long_as_the_destination_says(begin: Begin, user: Any, place: Place) -> None:
    place(credentials_expires=900)
    life = services.issue_credentials(begin(SIZE), user).expires_at - timezone.now()
    assert timedelta(seconds=880) < life <= timedelta(seconds=900)


def test_the_session_is_named_after_the_user(user: Any) -> None:
    user.username = "Müller, Ann/" + "x" * 80
    name = credentials.session_name(user)
    assert name.startswith(f"{user.pk}-M_ller__Ann_x")
    assert len(name) == 64


@pytest.mark.parametrize("filename", ["a" * 2000, "名" * 500, "\U0001f3ac" * 400, '"\\' * 300])
def test_the_policy_fits_whatever_the_name(begin: Begin, user: Any, place: Place, filename: str) -> None:
    place(key="{user_id}/" + "ü" * 380 + "/{uuid}/{filename}")
    upload = begin(SIZE, filename=filename[:1024])
    assert len(upload.key.encode()) > 760 + 32
    assert len(upload.key.rpartition("/")[2].encode()) <= MAX_FILENAME_BYTES
    text = policy.document([policy.allow(credentials.ONE_UPLOAD, [policy.object_resource(upload.bucket, upload.key)])])
    assert len(text) <= sts.MAX_POLICY_CHARACTERS
    put_part(client_with(services.issue_credentials(upload, user)), upload, 1, b"x")


@pytest.mark.parametrize("key", ["{uuid}/{filename}", "{date:%Y}/{user_id}/{uuid}", "u{user_id}-{uuid}"])
def test_without_a_prefix_of_ones_own_none_is_lent(user: Any, place: Place, key: str) -> None:
    place(key=key)
    with pytest.raises(NotOffered, match="prefix"):
        services.issue_prefix_credentials(user, "default")


def test_without_a_role_none_are_lent(begin: Begin, user: Any, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": ""}
    with pytest.raises(NotOffered, match="not configured on this site"):
        services.issue_credentials(begin(SIZE), user)


def test_a_role_that_cannot_be_assumed_is_told_with_its_cure(begin: Begin, user: Any, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": "acs:ram::1000000000000001:role/nobody"}
    with pytest.raises(StorageRefused, match="OSS_STS_ROLE_ARN") as caught:
        services.issue_credentials(begin(SIZE), user)
    assert caught.value.oss["code"] == "EntityNotExist.Role"
    assert caught.value.oss["request_id"]


def test_past_the_end_and_past_the_permission_none_are_lent(begin: Begin, user: Any, place: Place) -> None:
    upload = begin(SIZE)
    services.abort(upload)
    with pytest.raises(WrongState):
        services.issue_credentials(upload, user)
    with pytest.raises(NotOffered, match="part 1"):
        services.issue_credentials(begin(5), user)
    place(permission="uploads.nobody_may")
    with pytest.raises(Forbidden):
        services.issue_prefix_credentials(user, "default")


FIELDS = "access_key_id access_key_secret security_token expires_at endpoint region bucket".split()


def test_the_api(api: APIClient, begin: Begin, user: Any, other_user: Any, oss_server: LocalServer) -> None:
    upload = begin(SIZE)
    answer = api.post(f"/api/uploads/{upload.pk}/credentials/")
    assert answer.status_code == 200
    assert list(answer.json()) == [*FIELDS, "key", "upload_id"]
    assert answer.json()["endpoint"] == oss_server.url
    assert answer.headers["Cache-Control"] == "no-store"
    answer = api.post("/api/credentials/", {"destination": "default"}, format="json")
    assert list(answer.json()) == [*FIELDS, "prefix", "addressing"]
    assert answer.json()["addressing"] == "path"
    api.force_authenticate(other_user)
    assert api.post(f"/api/uploads/{upload.pk}/credentials/").status_code == 404
    assert api.post("/api/credentials/", {"destination": "nowhere"}, format="json").status_code == 400
    api.force_authenticate(None)
    assert api.post("/api/credentials/", {}, format="json").status_code in (401, 403)


def test_no_secret_is_logged_or_shown(begin: Begin, user: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        lent = services.issue_credentials(begin(SIZE), user)
    shown = caplog.text + repr(lent)
    assert lent.credentials.access_key_secret not in shown
    assert (lent.credentials.security_token or "") not in shown
