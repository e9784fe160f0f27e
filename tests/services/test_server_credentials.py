"""The server's own credentials, of 15 minutes, from the origins of production: no upload fails because of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests import http
from tests.credential_origins import PROVIDER_ARN, ROLE_NAME, SERVICE_ACCOUNT_ROLE, CredentialOrigin, certificate
from tests.localoss.assume_role import ROLE
from uploads import services
from uploads.conf import settings as app_settings
from uploads.connection import oss_clock
from uploads.domain.errors import StorageBusy, StorageRefused
from uploads.localoss.testing import LocalServer
from uploads.models import Upload
from uploads.objects import download_url
from uploads.oss import policy
from uploads.oss.client import OssClient
from uploads.oss.clock import utcnow
from uploads.oss.signing import PartRequest

pytestmark = pytest.mark.django_db

PART = 102_400
SLOW = timedelta(seconds=60)
"""The machine may take so long for one request: time passes at the local OSS too."""


wire = http.Client()
"""One client for all: making one takes longer than a request."""


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    wire.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A local OSS and STS. The site's role may assume the role for browsers, which is the same here."""
    rights = tmp_path_factory.mktemp("policy") / "policy.json"
    statements = [policy.allow(["oss:*"], ["*"]), policy.allow(["sts:AssumeRole"], [ROLE])]
    rights.write_text(policy.document(statements))
    with LocalServer(arguments=["--allow-faults", "--role-policy", str(rights)]) as server:
        yield server


class World:
    """The local OSS, an origin of credentials, and the site, all at the same time `now`, which `later` moves."""

    def __init__(self, server: LocalServer, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        self.server, self.monkeypatch, self.settings = server, monkeypatch, settings
        self.elapsed = timedelta()
        self.origin: CredentialOrigin
        self._rules: list[dict[str, Any]] = []

    def now(self) -> datetime:
        return utcnow() + self.elapsed

    def later(self, by: timedelta) -> None:
        self.elapsed += by
        self.faults(*self._rules)

    def faults(self, *rules: dict[str, Any]) -> None:
        """Fault injection rules, besides the time."""
        self._rules = list(rules)
        shift = self.elapsed.total_seconds()
        wire.put(f"{self.server.url}/-/faults", json=[*({**rule, "clock_shift": shift} for rule in rules),
                                                     {"clock_shift": shift or 1}])  # fmt: skip

    def use(self, origin: CredentialOrigin, value: object, **destination: Any) -> None:
        """Point the site at them."""
        self.origin = origin
        given = dict(self.settings.UPLOADS)
        for name in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"):
            given.pop(name, None)
        self.settings.UPLOADS = {
            **given,
            "OSS_ENDPOINT": self.server.url,
            "OSS_STS_ENDPOINT": self.server.url,
            "OSS_STS_ROLE_ARN": ROLE,
            "CREDENTIALS": value,
            "DESTINATIONS": {"default": {"part_size": PART, **destination}},
        }
        cache.clear()
        self.faults()
        self.monkeypatch.setattr(oss_clock(), "local", self.now)
        provider: Any = app_settings.credentials
        self.monkeypatch.setattr(provider, "_monotonic", lambda: time.monotonic() + self.elapsed.total_seconds())


@pytest.fixture
def world(server: LocalServer, monkeypatch: pytest.MonkeyPatch, settings: Any) -> World:
    return World(server, monkeypatch, settings)


Started = Callable[..., World]


@pytest.fixture
def started(world: World, tmp_path: Path) -> Iterator[Started]:
    """Start the origin of this name, and let the site use it."""
    with ExitStack() as stack:

        def start(name: str, **destination: Any) -> World:
            trusted = certificate(tmp_path) if name == "oidc_role_arn" else None
            origin = stack.enter_context(CredentialOrigin(world.server, world.now, trusted))
            value: Any = {"type": name}
            if name == "ecs_ram_role":
                # The vendor's package has a fixed address for metadata, and sends requests to it through the proxy.
                world.monkeypatch.setenv("HTTP_PROXY", f"http://{origin.host}")
                world.monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            elif name == "credentials_uri":
                value["uri"] = f"http://{origin.host}/credentials"
            else:
                world.monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
                (tmp_path / "token").write_text(origin.oidc_token)
                value |= {
                    "role_arn": SERVICE_ACCOUNT_ROLE,
                    "oidc_provider_arn": PROVIDER_ARN,
                    "oidc_token_file_path": str(tmp_path / "token"),
                    "sts_endpoint": origin.host,
                    "duration_seconds": 900,
                }
            world.use(origin, value, **destination)
            return world

        yield start


@pytest.mark.parametrize(("name", "hours"), [("ecs_ram_role", 24), ("oidc_role_arn", 24), ("credentials_uri", 2)])
def test_a_day_of_uploads(started: Started, user: Any, name: str, hours: int) -> None:
    """Each URL is used just before it expires. One upload lasts the whole time, and others come and go."""
    world, parts = started(name), 5 + 5 * hours
    long = services.begin(user, services.UploadRequest("default", "long.bin", parts * PART, "video/mp4"))
    began, lives, number = world.now(), [], 0
    while world.now() - began < timedelta(hours=hours):
        number += 1
        world.later(timedelta(seconds=137 * number % 550))  # The credentials are of any age.
        (signed,) = services.sign_parts(long, [PartRequest(number)])
        small = begin_small(user)
        (form,) = services.sign_parts(small, [PartRequest(1)])
        end = app_settings.credentials.credentials(oss_clock().now()).expires_at
        assert end is not None
        assert max(signed.expires_at, form.expires_at) <= end
        lives.append((signed.expires_at - oss_clock().now()).total_seconds())
        world.later(min(signed.expires_at, form.expires_at) - oss_clock().now() - SLOW)
        answer = wire.put(signed.url, content=bytes(PART))
        assert answer.status_code == 200, (world.elapsed, answer.text)
        answer = wire.post(form.url, data=form.fields, files={"file": b"12345"})
        assert answer.status_code == 200, (world.elapsed, answer.text)
        assert services.complete(small).state == "completed"
    assert min(lives) > 300 - SLOW.total_seconds()
    numbers = range(number + 1, parts + 1)
    for signed in services.sign_parts(long, [PartRequest(each) for each in numbers]):
        assert wire.put(signed.url, content=bytes(PART)).status_code == 200
    assert services.complete(long).state == "completed"
    assert world.origin.issued <= 1 + hours * 60 / 5, "no more than one renewal in five minutes"
    if name == "ecs_ram_role":
        assert {f"GET /latest/meta-data/ram/security-credentials/{ROLE_NAME}", "PUT /latest/api/token"} < {
            *world.origin.requests
        }


def test_a_download_url_ends_with_the_credentials(started: Started, user: Any) -> None:
    world = started("credentials_uri")
    upload = begin_small(user)
    send(upload)
    url = download_url(app_settings.place(), upload.key, 7 * 24 * 3600)
    seconds = int(url.partition("x-oss-expires=")[2].partition("&")[0])
    assert 800 < seconds <= 900
    world.later(timedelta(seconds=seconds) - SLOW)
    assert wire.get(url).content == b"12345"


@pytest.mark.parametrize("code", ["InvalidSecurityToken", "SecurityTokenExpired", "InvalidAccessKeyId"])
def test_a_refused_call_is_repeated_once_with_renewed_credentials(started: Started, user: Any, code: str) -> None:
    world = started("credentials_uri")
    begin_parts(user)
    world.later(timedelta(minutes=1))
    refusal = {"error": {"status": 403, "code": code}, "operation": "InitiateMultipartUpload"}
    world.faults({**refusal, "count": 1})
    assert begin_parts(user).upload_id
    assert world.origin.issued == 2
    world.faults(refusal)
    world.later(timedelta(minutes=1))
    with pytest.raises(StorageRefused) as caught:
        begin_parts(user)
    assert caught.value.oss["code"] == code
    assert world.origin.issued == 3, "once"


def test_a_browser_whose_url_is_refused_gets_one_of_other_credentials(
    started: Started, user: Any, api: APIClient
) -> None:
    world = started("credentials_uri", credentials="prefix")
    upload = begin_parts(user)
    path = f"/api/uploads/{upload.pk}/parts/sign/"

    def key_id(**body: Any) -> str:
        answer = api.post(path, {"parts": [{"number": 1}], **body}, format="json")
        assert answer.status_code == 200, answer.content
        return answer.json()["parts"][0]["url"].partition("x-oss-credential=")[2].partition("%2F")[0]

    first, issued = key_id(), services.issue_credentials(upload, user)
    world.later(timedelta(minutes=2))
    assert key_id() == first
    assert services.issue_credentials(upload, user) == issued
    second = key_id(refused=True)
    assert second != first
    assert services.issue_credentials(upload, user).credentials != issued.credentials
    asked = world.origin.issued
    for _ in range(5):
        assert key_id(refused=True) == second, "nobody makes the server renew its credentials with each request"
    assert world.origin.issued == asked


def test_an_origin_that_fails_is_survived_as_long_as_the_credentials_last(started: Started, user: Any) -> None:
    world = started("ecs_ram_role")
    send(begin_small(user))
    world.origin.failing = True
    for _ in range(13):
        world.later(timedelta(minutes=1))
        send(begin_small(user))
    world.later(timedelta(minutes=2))
    with pytest.raises(StorageBusy, match="could not obtain its OSS credentials") as caught:
        services.sign_parts(begin_small(user), [PartRequest(1)])
    assert caught.value.retry_after
    world.origin.failing = False
    world.later(timedelta(minutes=2))
    send(begin_small(user))


def test_metadata_is_not_asked_for_without_a_token(started: Started, user: Any) -> None:
    """The origin refuses requests without one, as instances in the security hardening mode do."""
    world = started("ecs_ram_role")
    send(begin_small(user))
    assert world.origin.requests[:2] == ["PUT /latest/api/token", "GET /latest/meta-data/ram/security-credentials/"]


def test_a_service_account_token_that_changes_is_read_again(started: Started, user: Any, tmp_path: Path) -> None:
    """Kubernetes replaces the token in the file before it expires."""
    world = started("oidc_role_arn")
    send(begin_small(user))
    world.origin.oidc_token = "token-2"
    (tmp_path / "token").write_text("token-2")
    world.later(timedelta(minutes=20))
    send(begin_small(user))
    assert world.origin.issued == 2


# AssumeRole for browsers


def test_throttling_of_sts_is_repeated(started: Started, user: Any) -> None:
    world = started("credentials_uri", credentials="upload")
    upload = begin_parts(user)
    world.faults({"operation": "AssumeRole", "count": 2, "error": {"status": 400, "code": "Throttling.User"}})
    assert services.issue_credentials(upload, user).credentials.security_token
    world.faults({"operation": "AssumeRole", "error": {"status": 400, "code": "Throttling"}})
    with pytest.raises(StorageBusy) as caught:
        services.issue_credentials(begin_parts(user), user)
    assert caught.value.oss["code"] == "Throttling"


@pytest.mark.parametrize(("scope", "calls"), [("prefix", 1), ("upload", 12)])
def test_what_uploads_cost_at_sts(started: Started, user: Any, scope: str, calls: int) -> None:
    world = started("credentials_uri", credentials=scope)
    uploads = [begin_parts(user) for _ in range(12)]
    world.faults({"operation": "AssumeRole", "delay": 0.001})
    for upload in uploads:
        services.issue_credentials(upload, user)
        services.issue_credentials(upload, user)
    assert wire.get(f"{world.server.url}/-/faults").json()["rules"][0]["matched"] == calls


def test_issued_credentials_do_not_outlive_those_of_the_server(started: Started, user: Any) -> None:
    """The role of the server assumes another one, as on ECS and Kubernetes."""
    world = started("ecs_ram_role", credentials="upload")
    upload = begin_parts(user)
    world.later(timedelta(minutes=4))
    issued = services.issue_credentials(upload, user)
    own = app_settings.credentials.credentials(oss_clock().now())
    assert own.expires_at is not None
    assert issued.expires_at <= own.expires_at
    client = OssClient(app_settings.endpoint, app_settings.region, issued.credentials, clock=oss_clock())
    try:
        client.upload_part(upload.bucket, upload.key, upload.upload_id, 1, bytes(PART))
    finally:
        client.close()


def begin_small(user: Any) -> Upload:
    return services.begin(user, services.UploadRequest("default", "small.bin", 5, "video/mp4"))


def begin_parts(user: Any) -> Upload:
    return services.begin(user, services.UploadRequest("default", "parts.bin", 40 * PART, "video/mp4"))


def send(upload: Upload) -> None:
    (form,) = services.sign_parts(upload, [PartRequest(1)])
    assert wire.post(form.url, data=form.fields, files={"file": b"12345"}).status_code == 200
    assert services.complete(upload).state == "completed"
