"""Temporary credentials for browsers: to whom they are issued, what they allow, and that they allow nothing else."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient

from tests.django_fixtures import Begin, Place
from uploads import services
from uploads.conf import settings as app_settings
from uploads.connection import oss_clock
from uploads.domain.errors import Forbidden, NotOffered, ObjectMismatch, StorageBusy, StorageRefused, WrongState
from uploads.domain.keys import MAX_FILENAME_BYTES
from uploads.domain.states import Event
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.oss import sts
from uploads.oss.client import OssClient
from uploads.oss.clock import utcnow
from uploads.oss.cors import CorsConfiguration
from uploads.oss.errors import Denied, NotFound
from uploads.oss.messages import Completed, Part
from uploads.oss.providers import FixedCredentials
from uploads.oss.signing import Credentials, OssRequest, PartRequest
from uploads.services import ClientReport, ScopedCredentials, sealed_cache, session_policies
from uploads.services.assumed_role import session_name
from uploads.services.credentials import renew_refused

pytestmark = pytest.mark.django_db

SIZE = 20_000_000
PUBLIC = {"x-oss-object-acl": "public-read"}


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


def client_with(issued: ScopedCredentials) -> OssClient:
    _clients.append(OssClient(app_settings.endpoint, app_settings.region, issued.credentials))
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
    issued = services.issue_credentials(upload, user)
    assert (issued.bucket, issued.key, issued.upload_id, issued.prefix) == (
        upload.bucket,
        upload.key,
        upload.upload_id,
        "",
    )
    for number in upload.plan.numbers():
        put_part(client_with(issued), upload, number, bytes(upload.plan.size_of(number) or 0))
    assert services.complete(upload).state == "completed"


def test_they_do_nothing_else(begin: Begin, user: Any, oss: OssClient, place: Place) -> None:
    place(credentials="upload")
    upload, other = begin(SIZE), begin(SIZE)
    oss.put_object(upload.bucket, "secret.txt", b"secret")
    client = client_with(services.issue_credentials(upload, user))
    bucket, key = upload.bucket, upload.key
    copy = {"x-oss-copy-source": f"/{bucket}/secret.txt"}
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
        lambda: client.call("PutObjectACL", OssRequest("PUT", bucket, key, [("acl", "")], PUBLIC)),
        lambda: client.call("CopyObject", OssRequest("PUT", bucket, key, headers=copy)),
    ):
        denied(call)
    assert oss.head(bucket, "secret.txt").size == 6


def test_a_symbolic_link_is_no_upload(
    begin: Begin, user: Any, oss: OssClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their holder may make one to a file of another user, which a download with the server's rights would give."""
    place(credentials="upload")
    upload = begin(None)
    client = client_with(services.issue_credentials(upload, user))
    client.put_object(upload.bucket, upload.key, b"bytes", {"Content-Type": upload.content_type})
    real = OssClient.head

    def head(self: OssClient, *given: Any, **named: Any) -> Completed:
        found = real(self, *given, **named)  # Size, ETag and checksum are those of the target, as at OSS.
        return replace(found, headers={**found.headers, "x-oss-object-type": "Symlink"})

    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "head", head)
        with pytest.raises(ObjectMismatch, match="x-oss-object-type: Normal expected, Symlink at OSS"):
            services.complete(upload, ClientReport(size=5), object_confirmed=True)
    assert upload.state == "failed"
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)


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
        lambda: client.head(bucket, f"{theirs.prefix}a.bin"),
        lambda: client.delete_object(bucket, f"{mine.prefix}a.bin"),
        lambda: client.put_object(bucket, f"{mine.prefix}t.bin", b"x", {"x-oss-tagging": "a=b"}),
        lambda: client.call("PutObjectACL", OssRequest("PUT", bucket, f"{mine.prefix}a.bin", [("acl", "")], PUBLIC)),
    ):
        denied(call)


@pytest.mark.parametrize("version", [[], [("list-type", "2")]], ids=["ListObjects", "ListObjectsV2"])
def test_a_user_lists_and_heads_objects_under_the_own_prefix_only(
    user: Any, other_user: Any, version: list[tuple[str, str]]
) -> None:
    mine, theirs = (services.issue_prefix_credentials(each, "default") for each in (user, other_user))
    client, bucket = client_with(mine), mine.bucket
    client.put_object(bucket, f"{mine.prefix}folder/a.bin", b"x")
    client_with(theirs).put_object(bucket, f"{theirs.prefix}a.bin", b"x")

    def listed(*query: tuple[str, str]) -> bytes:
        return client.call("ListObjects", OssRequest("GET", bucket, query=[*version, *query])).content

    for prefix in (mine.prefix, f"{mine.prefix}folder/"):
        answer = listed(("prefix", prefix), ("max-keys", "1000"))
        assert f"{mine.prefix}folder/a.bin".encode() in answer
        assert theirs.prefix.encode() not in answer
    assert client.head(bucket, f"{mine.prefix}folder/a.bin").size == 1
    denied(lambda: listed())
    for prefix in ("", "uploads/", mine.prefix.rstrip("/"), theirs.prefix):
        denied(lambda prefix=prefix: listed(("prefix", prefix)))
        denied(lambda prefix=prefix: listed(("prefix", prefix), ("delimiter", "/"), ("start-after", mine.prefix)))


def test_a_prefix_is_in_the_bucket_of_its_destination(begin: Begin, user: Any, place: Place, oss: OssClient) -> None:
    oss.call("PutBucket", OssRequest("PUT", "photos-bucket"))
    place(credentials="prefix", bucket="photos-bucket")
    mine = services.issue_prefix_credentials(user, "default")
    assert mine.bucket == "photos-bucket"
    client_with(mine).put_object("photos-bucket", f"{mine.prefix}a.bin", b"x")
    denied(lambda: client_with(mine).put_object("demo-bucket", f"{mine.prefix}a.bin", b"x"))
    assert services.issue_credentials(begin(SIZE), user).credentials == mine.credentials


def test_tags_are_allowed_where_the_destination_allows_them(user: Any, place: Place) -> None:
    place(credentials="prefix", client_options=["tagging"])
    mine = services.issue_prefix_credentials(user, "default")
    client_with(mine).put_object(mine.bucket, f"{mine.prefix}tagged.bin", b"x", {"x-oss-tagging": "a=b"})


@pytest.mark.parametrize("given", ["", "upload"])
def test_they_are_issued_only_where_the_destination_says_so(begin: Begin, user: Any, place: Place, given: str) -> None:
    place(credentials=given)
    with pytest.raises(NotOffered, match="'default' does not issue"):
        services.issue_prefix_credentials(user, "default")
    upload = begin(SIZE)
    if given:
        assert services.issue_credentials(upload, user).key == upload.key
    else:
        with pytest.raises(NotOffered, match="'default' does not issue"):
            services.issue_credentials(upload, user)


def test_a_traffic_limit_is_told_because_no_policy_can_demand_it(begin: Begin, user: Any, place: Place) -> None:
    place(credentials="prefix", traffic_limit=819_200)
    assert services.issue_credentials(begin(SIZE), user).traffic_limit == 819_200
    assert services.issue_prefix_credentials(user, "default").traffic_limit == 819_200
    place(credentials="prefix")
    assert services.issue_prefix_credentials(user, "default").traffic_limit is None


def test_they_are_kept_until_a_third_of_their_life_is_left(
    begin: Begin, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(credentials="upload")
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
    place(credentials="upload", credentials_expires=900)
    life = services.issue_credentials(begin(SIZE), user).expires_at - timezone.now()
    assert timedelta(seconds=600) < life <= timedelta(seconds=900)


@pytest.mark.parametrize("given", ["upload", "prefix"])
def test_the_keys_of_kms_are_those_of_the_region(
    begin: Begin, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    place(credentials=given, encryption="KMS")
    policies, module = [], import_module("uploads.services.assumed_role")
    real = module.assume_role

    def assume_role(endpoint: str, provider: Any, request: sts.AssumeRole, **more: Any) -> Any:
        policies.append(request.policy)
        return real(endpoint, provider, request, **more)

    monkeypatch.setattr(module, "assume_role", assume_role)
    services.issue_credentials(begin(SIZE), user)
    assert f'"acs:kms:{app_settings.region}:*:key/*"' in policies[0]


def test_uploads_of_one_owner_share_what_is_for_the_prefix(begin: Begin, user: Any) -> None:
    """Where the owner may have credentials for the prefix anyway, STS is asked once for all uploads."""
    one, two, prefix = begin(SIZE), begin(SIZE), services.issue_prefix_credentials(user, "default")
    issued = [services.issue_credentials(upload, user) for upload in (one, two)]
    assert {each.credentials for each in issued} == {prefix.credentials}
    assert [(each.key, each.upload_id) for each in issued] == [(each.key, each.upload_id) for each in (one, two)]
    for upload in (one, two):
        upload.refresh_from_db()
        assert upload.credentials_until > prefix.expires_at, "the sweep looks for what they write later"
    for number in one.plan.numbers():
        put_part(client_with(issued[0]), one, number, bytes(one.plan.size_of(number) or 0))
    assert services.complete(one).state == "completed"


def test_nobody_else_shares_them(begin: Begin, user: Any, other_user: Any) -> None:
    upload, theirs = begin(SIZE), services.issue_prefix_credentials(other_user, "default")
    for_staff = services.issue_credentials(upload, other_user)
    assert for_staff.credentials not in (theirs.credentials, services.issue_credentials(upload, user).credentials)
    denied(lambda: client_with(for_staff).list_parts(upload.bucket, upload.key, upload.upload_id))


def test_an_upload_outside_the_prefix_has_its_own(begin: Begin, user: Any, place: Place) -> None:
    place(key="other/{user_id}/{uuid}", credentials="prefix")
    upload = begin(SIZE)
    place(credentials="prefix")
    prefix = services.issue_prefix_credentials(user, "default")
    own = services.issue_credentials(upload, user)
    assert own.credentials != prefix.credentials
    put_part(client_with(own), upload, 1, bytes(upload.plan.size_of(1) or 0))


@pytest.mark.parametrize("pk", [7, UUID(int=7), "ann@example.com", "Müller, Ann/" + "x" * 80])
def test_the_session_name_holds_no_personal_data(user: Any, pk: Any) -> None:
    user.pk, user.username = pk, "ann@example.com"
    name = session_name(user)
    assert name == session_name(user)
    assert re.fullmatch(r"[A-Za-z0-9.@_-]{2,64}", name)
    assert "ann" not in name
    assert name == f"user-{pk}" or isinstance(pk, str)


def test_the_session_name_stays_the_same(user: Any, settings: Any) -> None:
    """Whoever reads the access logs of years knows who it was."""
    settings.SECRET_KEY, user.pk = "secret", "ann@example.com"
    assert session_name(user) == "user-d0a1270c09afde7765150012619c2068e7468b54"


def test_the_cache_forgets_them_when_a_third_of_their_life_is_left(
    begin: Begin, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    real = cache.set
    monkeypatch.setattr(cache, "set", lambda name, value, seconds: given.append(seconds) or real(name, value, seconds))
    for seconds in (900, 3600):
        place(credentials="upload", credentials_expires=seconds)
        services.issue_credentials(begin(SIZE), user)
    assert 480 <= given[0] <= 600
    assert 2280 <= given[1] <= 2400


def test_the_cache_holds_no_readable_secret(begin: Begin, user: Any, settings: Any) -> None:
    issued = services.issue_credentials(begin(SIZE), user)
    kept = str(cache._cache) + str([cache.get(key.partition(":1:")[2]) for key in cache._cache])
    assert "uploads:sts:" in kept
    for secret in (
        issued.credentials.access_key_secret,
        issued.credentials.security_token,
        user.get_session_auth_hash(),
    ):
        assert secret not in kept
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"
    assert sealed_cache.get(name := kept.split("'")[1].partition(":1:")[2]), "after a change of the key"
    settings.SECRET_KEY_FALLBACKS = []
    assert sealed_cache.get(name) is None
    assert services.issue_prefix_credentials(user, "default").credentials != issued.credentials


def test_an_entry_of_the_cache_expires_and_can_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    real = cache.set
    monkeypatch.setattr(cache, "set", lambda *values: given.append(values[2]) or real(*values))
    sealed_cache.put("one", {"a": [1, "ü"]}, 60)
    sealed_cache.put("two", {"b": 2}, 70)
    assert given == [60, 70]
    assert (sealed_cache.get("one"), sealed_cache.get("two")) == ({"a": [1, "ü"]}, {"b": 2})
    before = cache.get("one")
    sealed_cache.put("one", {"a": [1, "ü"]}, 60)
    assert cache.get("one") != before, "each entry has a nonce of its own"
    sealed_cache.delete("one")
    assert (sealed_cache.get("one"), sealed_cache.get("two")) == (None, {"b": 2})


def test_an_entry_of_the_cache_is_not_moved_to_another_user(user: Any) -> None:
    sealed_cache.put("one", {"a": 1}, 60)
    cache.set("two", cache.get("one"))
    assert (sealed_cache.get("one"), sealed_cache.get("two")) == ({"a": 1}, None)
    cache.set("one", {"credentials": "as an older release cached them"})
    assert sealed_cache.get("one") is None
    for damaged in ("x", "x" * 8):
        cache.set("one", damaged)
        assert sealed_cache.get("one") is None


@pytest.mark.parametrize("filename", ["a" * 2000, "名" * 500, "\U0001f3ac" * 400, '"\\' * 300])
def test_the_policy_fits_whatever_the_name(begin: Begin, user: Any, place: Place, filename: str) -> None:
    place(key="{user_id}/" + "ü" * 380 + "/{uuid}/{filename}", credentials="upload")
    upload = begin(SIZE, filename=filename[:1024])
    assert len(upload.key.encode()) > 760 + 32
    assert len(upload.key.rpartition("/")[2].encode()) <= MAX_FILENAME_BYTES
    text = session_policies.upload_policy(upload.bucket, upload.key, {}, "cn-hangzhou")
    assert len(text) <= sts.MAX_POLICY_CHARACTERS
    put_part(client_with(services.issue_credentials(upload, user)), upload, 1, b"x")


def test_a_policy_for_a_prefix_fits_or_none_are_issued(user: Any, place: Place) -> None:
    place(key="ü" * 200 + "/{user_id}/{uuid}/{filename}", credentials="prefix", client_options=["tagging"])
    mine = services.issue_prefix_credentials(user, "default")
    client_with(mine).put_object(mine.bucket, f"{mine.prefix}a.bin", b"x")
    place(key="u" * 960 + "/{user_id}/{uuid}", credentials="prefix")
    with pytest.raises(NotOffered, match="too long"):
        services.issue_prefix_credentials(user, "default")


@pytest.mark.parametrize("key", ["{uuid}/{filename}", "{date:%Y}/{user_id}/{uuid}", "u{user_id}-{uuid}"])
def test_without_a_prefix_of_ones_own_none_are_issued(user: Any, place: Place, key: str) -> None:
    place(key=key, credentials="prefix")
    with pytest.raises(NotOffered, match="prefix"):
        services.issue_prefix_credentials(user, "default")


def test_without_a_role_none_are_issued(begin: Begin, user: Any, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": ""}
    with pytest.raises(NotOffered, match="not configured on this site"):
        services.issue_credentials(begin(SIZE), user)


def test_a_role_that_cannot_be_assumed_is_told_with_its_cure(begin: Begin, user: Any, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ROLE_ARN": "acs:ram::1000000000000001:role/nobody"}
    with pytest.raises(StorageRefused, match="OSS_STS_ROLE_ARN") as caught:
        services.issue_credentials(begin(SIZE), user)
    assert caught.value.oss["code"] == "EntityNotExist.Role"
    assert caught.value.oss["request_id"]


def test_none_are_issued_for_one_request(begin: Begin, user: Any) -> None:
    with pytest.raises(NotOffered, match="part 1"):
        services.issue_credentials(begin(5), user)


def ask(upload: Upload, user: Any) -> list[Callable[[], Any]]:
    """Every way to a new right for this upload."""
    return [
        lambda: services.issue_credentials(upload, user),
        lambda: services.issue_prefix_credentials(user, "default"),
        lambda: services.sign_parts(upload, [PartRequest(1)], user=user),
        lambda: services.sign_parts(upload, [PartRequest(1)]),
    ]


def test_after_an_abort_nothing_is_issued_or_signed(begin: Begin, user: Any) -> None:
    upload = begin(SIZE)
    stale = Upload.objects.get(pk=upload.pk)
    services.issue_credentials(upload, user)
    services.abort(upload)
    for one in (ask(upload, user)[0], ask(upload, user)[2]):
        with pytest.raises(WrongState):
            one()
    cache.clear()
    with pytest.raises(WrongState):  # The row was read before the abort.
        services.issue_credentials(stale, user)


def test_an_upload_that_is_reopened_meanwhile_gets_none_without_a_record(
    begin: Begin, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep looks for late writes until the expiry in the row."""
    place(credentials="upload")
    stale = begin(SIZE)
    other, real = Upload.objects.get(pk=stale.pk), Upload.refresh_from_db
    assert Upload.objects.advance(other, Event.COMPLETE)

    def reopened(self: Upload) -> None:
        if self is stale:
            Upload.objects.advance(other, Event.REOPEN)
        real(self)

    monkeypatch.setattr(Upload, "refresh_from_db", reopened)
    with pytest.raises(WrongState):
        services.issue_credentials(stale, user)
    assert (stale.state, stale.credentials_until) == ("uploading", None)


def test_cached_credentials_of_an_upload_end_with_it(begin: Begin, user: Any, place: Place) -> None:
    place(credentials="upload")
    aborted, completed = begin(SIZE), begin(SIZE)
    for upload in (aborted, completed):
        client = client_with(services.issue_credentials(upload, user))
    assert [key for key in cache._cache if "uploads:sts:" in key]
    for number in completed.plan.numbers():
        put_part(client, completed, number, bytes(completed.plan.size_of(number) or 0))
    services.abort(aborted)
    services.complete(completed)
    assert not [key for key in cache._cache if "uploads:sts:" in key]


def test_without_the_permission_nothing_is_issued_or_signed(begin: Begin, user: Any, place: Place) -> None:
    upload = begin(SIZE)
    for one in ask(upload, user):
        one()
    place(credentials="prefix", permission="uploads.nobody_may")
    for one in ask(upload, user):
        with pytest.raises(Forbidden):
            one()


def test_an_inactive_user_gets_nothing(begin: Begin, user: Any) -> None:
    upload = begin(SIZE)
    for one in ask(upload, user):
        one()
    user.is_active = False
    user.save()
    upload.refresh_from_db()
    for one in ask(upload, user):
        with pytest.raises(Forbidden):
            one()


def test_for_a_destination_that_is_gone_none_are_issued(begin: Begin, user: Any, settings: Any) -> None:
    upload = begin(SIZE)
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"other": {"credentials": "prefix"}}}
    with pytest.raises(NotOffered, match="no longer exists"):
        services.issue_credentials(upload, user)


def test_what_oss_refused_is_dropped_unless_it_is_new(
    begin: Begin, user: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that reports refusals again and again must not make the server call STS for each report."""
    start = utcnow()
    for given in ("upload", "prefix"):
        place(credentials=given)
        upload = begin(SIZE)
        monkeypatch.setattr(oss_clock(), "local", lambda: start)
        first = services.issue_credentials(upload, user).credentials
        for seconds, is_kept in ((0, True), (59, True), (60, False)):
            monkeypatch.setattr(oss_clock(), "local", lambda seconds=seconds: start + timedelta(seconds=seconds))
            renew_refused(upload, user)
            assert (services.issue_credentials(upload, user).credentials == first) is is_kept


def test_credentials_of_the_server_are_renewed_at_the_time_of_the_place_that_refused_them(
    user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of this server may be wrong. By its time, credentials might seem to have expired, or not to."""
    temporary = {"type": "sts", "access_key_id": "id", "access_key_secret": "secret", "security_token": "token"}
    films = {"bucket": "films-bj", "endpoint": "https://oss-cn-beijing.aliyuncs.com", "credentials": temporary}
    settings.UPLOADS = {
        **settings.UPLOADS,
        "BUCKETS": {"films": {**films, "region": "cn-beijing"}},
        "DESTINATIONS": {"films": {"bucket": "films"}},
    }
    there, asked = utcnow() + timedelta(hours=2), []
    monkeypatch.setattr(oss_clock(app_settings.place("films")), "local", lambda: there)

    def credentials(self: FixedCredentials, now: datetime | None = None) -> Credentials:
        asked.append(now)
        return self.held

    def renew(self: FixedCredentials, refused: Credentials, now: datetime | None = None) -> bool:
        asked.append(now)
        return False

    monkeypatch.setattr(FixedCredentials, "credentials", credentials)
    monkeypatch.setattr(FixedCredentials, "renew", renew)
    renew_refused(Upload(destination="films", bucket="films-bj"), user)
    assert asked == [there, there]


def test_cached_credentials_end_with_the_password(begin: Begin, user: Any) -> None:
    """A new password ends all sessions, and so what was issued in them."""
    upload = begin(SIZE)
    one, prefix = services.issue_credentials(upload, user), services.issue_prefix_credentials(user, "default")
    assert services.issue_credentials(upload, user) == one
    assert services.issue_prefix_credentials(user, "default") == prefix
    user.set_password("new")
    user.save()
    assert services.issue_credentials(upload, user).credentials != one.credentials
    assert services.issue_prefix_credentials(user, "default").credentials != prefix.credentials


def test_the_row_knows_the_expiry_before_the_credentials_exist(begin: Begin, user: Any, settings: Any) -> None:
    upload, other = begin(SIZE), begin(SIZE)
    settings.UPLOADS = {**settings.UPLOADS, "OSS_STS_ENDPOINT": "http://127.0.0.1:1"}
    with pytest.raises(StorageBusy):
        services.issue_credentials(upload, user)
    upload.refresh_from_db()
    assert timedelta(seconds=3600) < upload.credentials_until - timezone.now() <= timedelta(seconds=3900)
    other.refresh_from_db()
    assert other.credentials_until is None


FIELDS = "access_key_id access_key_secret security_token expires_at endpoint region bucket".split()


def test_the_api(api: APIClient, begin: Begin, user: Any, other_user: Any, oss_server: LocalServer) -> None:
    upload = begin(SIZE)
    answer = api.post(f"/api/uploads/{upload.pk}/credentials/")
    assert answer.status_code == 200
    assert list(answer.json()) == [*FIELDS, "traffic_limit", "key", "upload_id"]
    assert answer.json()["endpoint"] == oss_server.url
    assert answer.headers["Cache-Control"] == "no-store"
    answer = api.post("/api/credentials/", {"destination": "default"}, format="json")
    assert list(answer.json()) == [*FIELDS, "traffic_limit", "prefix", "addressing"]
    assert answer.json()["addressing"] == "path"
    api.force_authenticate(other_user)
    assert api.post(f"/api/uploads/{upload.pk}/credentials/").status_code == 404
    assert api.post("/api/credentials/", {"destination": "nowhere"}, format="json").status_code == 400
    api.force_authenticate(None)
    assert api.post("/api/credentials/", {}, format="json").status_code in (401, 403)


def test_no_secret_is_logged_or_shown(begin: Begin, user: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        issued = services.issue_credentials(begin(SIZE), user)
    shown = caplog.text + repr(issued)
    assert issued.credentials.access_key_secret not in shown
    assert (issued.credentials.security_token or "") not in shown
