"""`ram_policy`: with exactly these policies everything works, and without any one of their actions something does not.

The local OSS holds the site's key, a RAM user's, and the role to the printed policies.
"""

import ast
import copy
import json
import shlex
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests import http
from tests.imports import modules
from tests.services.test_services import content_of, send
from tests.stack import client_for
from uploads import services
from uploads.conf import settings as app_settings
from uploads.domain import staging
from uploads.domain.errors import ObjectMismatch, UploadError
from uploads.localoss.routes import ROUTES
from uploads.localoss.testing import LocalServer
from uploads.models import CREDENTIALS_GRACE, Upload
from uploads.operations import doctor
from uploads.operations.ram import policies
from uploads.oss import permissions, signing
from uploads.oss.client import OssClient
from uploads.oss.errors import Denied
from uploads.oss.messages import Part
from uploads.oss.signing import OssRequest
from uploads.services.sweep import sweep_prefixes
from uploads.storage import OssStorage

pytestmark = pytest.mark.django_db
SIZE = 250_000
ROLE = "acs:ram::1000000000000001:role/browsers"
KMS = {"encryption": "KMS", "encryption_key_id": "k-1"}
DESTINATIONS: dict[str, dict[str, Any]] = {
    "plain": {"key": "plain/{uuid}/{filename}", "allow_delete": True},
    "tagged": {"key": "tagged/{uuid}/{filename}", "tagging": {"team": "films"}, "acl": "public-read"},
    "kms": {"key": "kms/{uuid}/{filename}", **KMS},
    "staged": {"key": "final/{uuid}/{filename}", "stage": True, "tagging": {"team": "films"}, **KMS},
    "issued": {"key": "issued/{uuid}/{filename}", "credentials": "upload", **KMS},
    "own": {"key": "own/{user_id}/{uuid}/{filename}", "credentials": "prefix", "client_options": ["tagging"], **KMS},
}
for values in DESTINATIONS.values():
    values["part_size"] = 102_400
STORAGES = {"films": {"BACKEND": "uploads.storage.OssStorage", "OPTIONS": {"prefix": "stored/"}}}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(arguments=["--allow-faults"]) as server:
        yield server


@pytest.fixture
def site(server: LocalServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """A site whose key is a RAM user's."""
    cache.clear()
    settings.STORAGES = {**settings.STORAGES, **STORAGES}
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OSS_ENDPOINT": server.url, "OSS_STS_ENDPOINT": server.url, "OSS_STS_ROLE_ARN": ROLE,
        "OSS_ACCESS_KEY_ID": "site-key", "OSS_ACCESS_KEY_SECRET": "site-secret",
        "UPLOADS_ORIGINS": ["https://app.example"], "DESTINATIONS": DESTINATIONS,
    }  # fmt: skip
    # Copies in parts, of objects that are not large.
    monkeypatch.setattr(staging, "MAX_WHOLE_COPY", SIZE - 1)
    monkeypatch.setattr(staging, "COPY_PART", 102_400)
    yield server
    http.delete(f"{server.url}/-/ram")


def printed(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("ram_policy", "--identity", "user/site", *arguments, stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def enforce(server: LocalServer, documents: dict[str, Any]) -> None:
    user = {"name": "site", "access_key_id": "site-key", "access_key_secret": "site-secret"}
    role = {"arn": ROLE, "policies": [documents["role"]], "trust": documents["trust"]}
    ram = {"users": [{**user, "policies": [documents["site"]]}], "roles": [role]}
    answer = http.put(f"{server.url}/-/ram", json=ram)
    assert answer.status_code == 200, answer.text
    cache.clear()


# The journey. Each step fails in a way of its own if something is not permitted.


class Journey:
    def __init__(self, server: LocalServer, user: Any) -> None:
        self.server, self.user = server, user

    def begin(self, destination: str, size: int = SIZE) -> Upload:
        return services.begin(self.user, services.UploadRequest(destination, "film.mp4", size, "video/mp4"))

    def finished(self, destination: str, size: int = SIZE) -> Upload:
        upload = self.begin(destination, size)
        send(upload)
        services.complete(upload)
        assert upload.state == "completed"
        return upload

    def holder(self, issued: services.ScopedCredentials) -> OssClient:
        return OssClient(app_settings.endpoint, app_settings.region, issued.credentials)

    def configure(self) -> None:
        """On a bucket without any rules."""
        with client_for(self.server) as oss:
            for rules in ("cors", "lifecycle", "overwriteConfig"):
                oss.call("Delete", OssRequest("DELETE", "demo-bucket", query=[(rules, "")]))
        out = StringIO()
        call_command("configure_bucket", stdout=out)
        assert "not available" not in out.getvalue()

    def diagnose(self) -> None:
        self.configure()
        assert [finding for finding in doctor.examine() if finding.level != "ok"] == []

    def upload(self) -> None:
        self.finished("plain")
        self.finished("plain", 5)

    def tag(self) -> None:
        self.finished("tagged", 5)
        self.finished("tagged")

    def encrypt(self) -> None:
        for size in (5, SIZE):
            upload = self.finished("kms", size)
            with upload.open() as file:
                assert file.read() == content_of(upload)

    def resume(self) -> None:
        upload = self.begin("plain")
        send(upload, 1)
        services.synchronize_parts(upload)
        assert upload.parts.count() == 1

    def check_acl(self) -> None:
        upload = self.begin("plain")
        send(upload)
        with client_for(self.server) as oss:
            parts = oss.list_parts(upload.bucket, upload.key, upload.upload_id)
            public = {"x-oss-object-acl": "public-read"}
            oss.complete(upload.bucket, upload.key, upload.upload_id, parts, public)
        with suppress(ObjectMismatch):
            services.complete(upload)
        assert upload.state == "failed", "a public object was taken for a private one"

    def stage(self) -> None:
        self.finished("staged", 5)
        self.finished("staged")

    def abort(self) -> None:
        for destination, size in (("plain", SIZE), ("staged", SIZE), ("plain", 5)):
            upload = self.begin(destination, size)
            send(upload)
            services.abort(upload)
            assert upload.released_at

    def remove(self) -> None:
        upload = services.delete_object(self.finished("plain", 5))
        list(services.sweep())
        with client_for(self.server) as oss:
            assert upload.key not in next(oss.list_objects(upload.bucket, upload.key)).keys

    def sweep(self) -> None:
        stale = self.begin("plain")
        Upload.objects.filter(pk=stale.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        with client_for(self.server) as oss:
            oss.initiate("demo-bucket", "plain/orphan")
        assert {swept.what for swept in services.sweep()} == {"aborted"}
        later = timezone.now() + timedelta(hours=25)
        assert [swept.what for swept in services.sweep_orphans(now=later) if swept.key == "plain/orphan"] == ["orphan"]

    def look(self) -> None:
        assert services.list_open_uploads(services.OpenUploadsQuery()).bucket == "demo-bucket"

    def issue(self) -> None:
        upload = self.begin("issued")
        with self.holder(services.issue_credentials(upload, self.user)) as client:
            for number in upload.plan.numbers():
                client.upload_part(
                    upload.bucket, upload.key, upload.upload_id, number, bytes(upload.plan.size_of(number) or 0)
                )
        services.complete(upload)
        Upload.objects.filter(pk=upload.pk).update(credentials_until=timezone.now() - timedelta(hours=1))
        assert [swept.what for swept in services.sweep() if swept.what == "failed"] == []

    def own_prefix(self) -> None:
        """As ali-oss does: begin, resume, complete, read, list and abort, by the holder's own decisions."""
        issued = services.issue_prefix_credentials(self.user, "own")
        bucket, key = issued.bucket, f"{issued.prefix}{uuid.uuid4().hex}/film.mp4"
        headers = {
            "x-oss-server-side-encryption": "KMS", "x-oss-server-side-encryption-key-id": "k-1",
            "x-oss-tagging": "team=films",
        }  # fmt: skip
        with self.holder(issued) as client:
            given_up = client.initiate(bucket, key, headers)
            client.abort(bucket, key, given_up)
            upload_id = client.initiate(bucket, key, headers)
            client.upload_part(bucket, key, upload_id, 1, b"film")
            parts: list[Part] = client.list_parts(bucket, key, upload_id)
            client.complete(bucket, key, upload_id, parts)
            assert client.get_range(bucket, key, 0, 4, client.head(bucket, key).etag) == b"film"
            assert next(client.list_objects(bucket, issued.prefix)).objects
        done = list(sweep_prefixes(now=timezone.now() + CREDENTIALS_GRACE))
        assert [swept.what for swept in done] == ["registered"], done
        with client_for(self.server) as oss:
            oss.delete_object(bucket, key)

    def store(self) -> None:
        storage = OssStorage(prefix="stored/")
        name = storage.save("a.txt", ContentFile(b"text"))
        assert storage.open(name).read() == b"text"
        assert name in storage.listdir("")[1]
        storage.delete(name)


STEPS: list[Callable[[Journey], None]] = [
    Journey.configure, Journey.diagnose, Journey.upload, Journey.tag, Journey.encrypt, Journey.resume,
    Journey.check_acl, Journey.stage,
    Journey.abort, Journey.remove, Journey.sweep, Journey.look, Journey.issue, Journey.own_prefix, Journey.store,
]  # fmt: skip


@pytest.fixture
def journey(site: LocalServer, user: Any) -> Journey:
    return Journey(site, user)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_everything_works_with_exactly_these_policies(site: LocalServer, journey: Journey, step: Any) -> None:
    enforce(site, printed())
    step(journey)


# Nothing can be left out

NEEDED_BY: dict[str, Callable[[Journey], None]] = {
    "oss:PutObject": Journey.upload,
    "oss:PutObjectTagging": Journey.tag,
    "kms:GenerateDataKey": Journey.encrypt,
    "kms:Decrypt": Journey.encrypt,
    "oss:GetObject": Journey.upload,
    "oss:ListParts": Journey.resume,
    "oss:AbortMultipartUpload": Journey.abort,
    "oss:GetObjectAcl": Journey.check_acl,
    "oss:DeleteObject": Journey.remove,
    "oss:ListMultipartUploads": Journey.look,
    "oss:ListObjects": Journey.own_prefix,
    "oss:GetObjectTagging": Journey.own_prefix,
    "oss:GetBucketInfo": Journey.diagnose,
    "oss:GetBucketLocation": Journey.diagnose,
    "oss:GetBucketWorm": Journey.diagnose,
    "oss:GetBucketRequestPayment": Journey.diagnose,
    "oss:GetBucketCors": Journey.configure,
    "oss:PutBucketCors": Journey.configure,
    "oss:GetBucketLifecycle": Journey.configure,
    "oss:PutBucketLifecycle": Journey.configure,
    "oss:GetBucketOverwriteConfig": Journey.configure,
    "oss:PutBucketOverwriteConfig": Journey.configure,
    "sts:AssumeRole": Journey.issue,
}
"""A step that fails without the action."""
NEEDED_BY_BROWSERS = {
    **{action: Journey.own_prefix for action in NEEDED_BY if action.startswith(("oss:", "kms:"))},
    "oss:PutObject": Journey.issue,
    "kms:GenerateDataKey": Journey.issue,
    "kms:Decrypt": Journey.issue,
}


def actions_of(document: dict[str, Any]) -> set[str]:
    return {action for statement in document["Statement"] for action in statement["Action"]}


def without(document: dict[str, Any], action: str) -> dict[str, Any]:
    left = copy.deepcopy(document)
    for statement in left["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != action]
    left["Statement"] = [statement for statement in left["Statement"] if statement["Action"]]
    return left


@pytest.mark.parametrize("action", NEEDED_BY)
def test_the_site_needs_each_action(site: LocalServer, journey: Journey, action: str) -> None:
    documents = printed()
    assert action in actions_of(documents["site"])
    enforce(site, {**documents, "site": without(documents["site"], action)})
    with pytest.raises(Exception, match=r"."):
        NEEDED_BY[action](journey)


def test_no_other_actions_are_granted(site: LocalServer) -> None:
    documents = printed()
    assert actions_of(documents["site"]) == set(NEEDED_BY)
    assert actions_of(documents["role"]) <= set(NEEDED_BY_BROWSERS)


def test_browsers_need_each_action_of_the_role(site: LocalServer, journey: Journey) -> None:
    documents = printed()
    for action in sorted(actions_of(documents["role"])):
        enforce(site, {**documents, "role": without(documents["role"], action)})
        with pytest.raises(Exception, match=r"."):
            NEEDED_BY_BROWSERS[action](journey)


def test_the_role_trusts_the_site_and_nobody_else(site: LocalServer, journey: Journey) -> None:
    documents = printed()
    for principal in ("acs:ram::1000000000000001:user/another", "acs:ram::2000000000000002:user/site"):
        trust = copy.deepcopy(documents["trust"])
        trust["Statement"][0]["Principal"]["RAM"] = [principal]
        enforce(site, {**documents, "trust": trust})
        with pytest.raises(UploadError):
            journey.issue()


def test_nothing_is_granted_outside_of_the_destinations(site: LocalServer) -> None:
    enforce(site, printed())
    key = signing.Credentials("site-key", "site-secret")
    with OssClient(app_settings.endpoint, app_settings.region, key) as client:
        for call in (
            lambda: client.put_object("demo-bucket", "others/a", b"x"),
            lambda: client.head("demo-bucket", "others/a"),
            lambda: next(client.list_objects("demo-bucket", "")),
            lambda: client.put_object("demo-bucket", "plain/a", b"x", {"x-oss-server-side-encryption": "KMS"}),
        ):
            with pytest.raises(Denied):
                call()


# What the policies depend on


def test_without_setup_the_bucket_cannot_be_configured(site: LocalServer, journey: Journey) -> None:
    with_setup, documents = printed(), printed("--without-setup")
    left_out = actions_of(with_setup["site"]) - actions_of(documents["site"])
    assert left_out == {action for action in NEEDED_BY if "Bucket" in action} - {
        "oss:GetBucketInfo",
        "oss:GetBucketLifecycle",
    }
    enforce(site, documents)
    journey.upload()
    with pytest.raises(CommandError):
        journey.configure()


def test_overwriting_rules_are_deleted_where_overwriting_is_allowed(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {"forbid_overwrite": False}}}
    granted = actions_of(printed()["site"])
    assert "oss:DeleteBucketOverwriteConfig" in granted
    assert "oss:PutBucketOverwriteConfig" not in granted


def test_plain_destinations_need_little(settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": {}}, "OSS_STS_ROLE_ARN": ROLE}
    documents = printed()
    assert set(documents) == {"site"}
    assert not {action for action in actions_of(documents["site"]) if "Tagging" in action or action[:3] != "oss"}
    listing = [each for each in documents["site"]["Statement"] if "oss:ListObjects" in each["Action"]]
    assert [each["Condition"] for each in listing] == [{"StringLike": {"oss:Prefix": ["uploads/*"]}}]
    with pytest.raises(CommandError, match="No role is needed"):
        printed("--document", "role")


def test_a_key_that_the_client_chooses_may_be_any_of_the_region(settings: Any) -> None:
    given = {"client_options": ["encryption", "encryption_key_id"]}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": {"default": given}}
    keys = {each for statement in printed()["site"]["Statement"] for each in statement["Resource"] if ":kms:" in each}
    assert keys == {"acs:kms:cn-hangzhou:*:key/*"}


# Places

FILMS_ROLE, DUBBED_ROLE = "acs:ram::2000000000000002:role/films", "acs:ram::1000000000000001:role/dubbed"
PLACES: dict[str, dict[str, Any]] = {
    "films": {
        "bucket": "films-bj", "endpoint": "https://oss-cn-beijing.aliyuncs.com", "region": "cn-beijing",
        "credentials": {"type": "access_key", "access_key_id": "films-key", "access_key_secret": "hidden"},
        "role": FILMS_ROLE,
    },
    "dubbed": {"bucket": "dubbed-hz", "role": DUBBED_ROLE},
}  # fmt: skip
"""One of another account, and one of the site's account with a role of its own."""


@pytest.fixture
def places(settings: Any) -> Any:
    settings.UPLOADS = {
        **settings.UPLOADS,
        "OSS_STS_ROLE_ARN": ROLE,
        "BUCKETS": PLACES,
        "DESTINATIONS": {
            "default": {"credentials": "upload"},
            "films": {"bucket": "films", "key": "films/{uuid}", "credentials": "upload", "credentials_expires": 7200},
            "dubbed": {"bucket": "dubbed", "key": "dubbed/{uuid}", "credentials": "upload"},
        },
    }
    return settings


def buckets_of(document: dict[str, Any]) -> set[str]:
    named = {
        each for statement in document["Statement"] for each in statement["Resource"] if each.startswith("acs:oss")
    }
    return {each.removeprefix("acs:oss:*:*:").partition("/")[0] for each in named}


def roles_of(document: dict[str, Any]) -> set[str]:
    return {each for statement in document["Statement"] for each in statement["Resource"] if ":role/" in each}


@pytest.mark.parametrize(
    ("arguments", "buckets", "roles", "own", "account"),
    [
        ((), {"demo-bucket", "dubbed-hz"}, {ROLE, DUBBED_ROLE}, {"demo-bucket"}, "1000000000000001"),
        (("--bucket", "films"), {"films-bj"}, {FILMS_ROLE}, {"films-bj"}, "2000000000000002"),
        (("--bucket", "dubbed"), {"demo-bucket", "dubbed-hz"}, {ROLE, DUBBED_ROLE}, {"dubbed-hz"}, "1000000000000001"),
    ],
    ids=["default", "films", "dubbed"],
)
def test_each_place_has_the_policies_of_its_key_and_of_its_role(
    places: Any, arguments: tuple[str, ...], buckets: set[str], roles: set[str], own: set[str], account: str
) -> None:
    """A key gets all that it reaches in one policy; another account's bucket is not in it."""
    documents = printed(*arguments)
    assert (buckets_of(documents["site"]), roles_of(documents["site"])) == (buckets, roles)
    assert buckets_of(documents["role"]) == own
    assert documents["trust"]["Statement"][0]["Principal"] == {"RAM": [f"acs:ram::{account}:user/site"]}


def test_policies_of_places_have_names_of_their_own(places: Any) -> None:
    out = StringIO()
    call_command("ram_policy", "--bucket", "films", "--format", "aliyun", stdout=out)
    for words in ("--PolicyName oss-uploads-site-films", "--PolicyName oss-uploads-browsers-films", "RoleName films",
                  "--MaxSessionDuration 7200"):  # fmt: skip
        assert words in out.getvalue()
    out = StringIO()
    call_command("ram_policy", "--bucket", "dubbed", "--format", "terraform", stdout=out)
    assert "= 3600" in out.getvalue(), "the longest session of films does not matter here"
    assert '"oss-uploads-site-dubbed"' in out.getvalue()


def test_a_place_that_is_not_there_or_has_no_role_is_told(places: Any) -> None:
    with pytest.raises(CommandError, match="a name in BUCKETS"):
        printed("--bucket", "films-bj")
    films = {name: value for name, value in PLACES["films"].items() if name != "role"}
    places.UPLOADS = {**places.UPLOADS, "BUCKETS": {**PLACES, "films": films}}
    for bucket, told in (("films", "Set BUCKETS['films']['role'] to get"), ("dubbed", "")):
        err = StringIO()
        call_command("ram_policy", "--bucket", bucket, stdout=StringIO(), stderr=err)
        assert told in err.getvalue()
        assert bool(err.getvalue()) == bool(told)


# The table of permissions


def test_every_operation_that_is_called_has_its_permissions_and_is_granted() -> None:
    source = {name: path.read_text() for name, path in modules().items() if name.startswith("uploads.oss.")}
    called = {
        node.args[0].value
        for text in source.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute | ast.Name)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("call", "call_once")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert "ListParts" in called
    # Forms and the role's request are signed, and sent by others.
    assert called | {"PostObject", "AssumeRole"} == set(permissions.OPERATIONS)


def test_the_local_oss_requires_the_same_actions() -> None:
    enforced: dict[str, set[str]] = {}
    for route in ROUTES.values():
        # An operation on one version of an object has an action of its own.
        enforced.setdefault(route.name, set()).add(route.action)
    for name, required in permissions.OPERATIONS.items():
        assert required[0].action in enforced.get(name, {required[0].action}) or name == "PostObject", name


# The formats


def test_the_commands_hold_the_same_policies(site: LocalServer) -> None:
    out = StringIO()
    call_command("ram_policy", "--identity", "user/site", "--format", "aliyun", stdout=out)
    words = [shlex.split(line) for line in out.getvalue().splitlines()]
    assert [line[:3] for line in words] == [
        ["aliyun", "ram", action]
        for action in ("CreatePolicy", "AttachPolicyToUser", "CreatePolicy", "CreateRole", "AttachPolicyToRole")
    ]
    given = [dict(zip(line[3::2], line[4::2], strict=True)) for line in words]
    documents = printed()
    assert json.loads(given[0]["--PolicyDocument"]) == documents["site"]
    assert json.loads(given[2]["--PolicyDocument"]) == documents["role"]
    assert json.loads(given[3]["--AssumeRolePolicyDocument"]) == documents["trust"]
    assert (given[1]["--UserName"], given[4]["--RoleName"]) == ("site", "browsers")


def test_terraform_holds_the_same_policies(site: LocalServer) -> None:
    out = StringIO()
    call_command("ram_policy", "--identity", "role/site", "--format", "terraform", stdout=out)
    text = out.getvalue()
    documents = policies("role/site").as_dict()
    heredocs = [json.loads(piece.partition("\nEOF")[0]) for piece in text.split("<<EOF\n")[1:]]
    assert heredocs == [documents["site"], documents["trust"], documents["role"]]
    assert 'resource "alicloud_ram_role_policy_attachment" "site"' in text
    assert 'role_name   = "site"' in text


def test_who_gets_the_policies_is_checked() -> None:
    with pytest.raises(CommandError, match="user/NAME"):
        call_command("ram_policy", "--identity", "group/site")


def test_a_role_that_is_missing_and_a_policy_that_is_too_long_are_told(settings: Any) -> None:
    many = {f"d{number}": {"key": f"{'x' * 60}{number}/{{uuid}}", "credentials": "upload"} for number in range(120)}
    settings.UPLOADS = {**settings.UPLOADS, "DESTINATIONS": many, "OSS_STS_ROLE_ARN": ""}
    err = StringIO()
    call_command("ram_policy", stdout=StringIO(), stderr=err)
    assert "OSS_STS_ROLE_ARN" in err.getvalue()
    assert "6144 characters" in err.getvalue()
