"""An object of its bucket's storage class is what the server asked for, although its request named none."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.django_fixtures import Begin, Place
from tests.services.test_services import send
from tests.services.test_sweep import past, run
from tests.stack import deliver
from uploads import services
from uploads.domain.errors import ObjectMismatch, StorageBusy
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import Denied, NotFound, StorageError, Unreachable
from uploads.oss.messages import Completed
from uploads.oss.signing import OssRequest, PartRequest
from uploads.services import object_checks

pytestmark = pytest.mark.django_db

BUCKET = "films-ia"
CONFIGURATION = b"<CreateBucketConfiguration><StorageClass>IA</StorageClass></CreateBucketConfiguration>"


@pytest.fixture(autouse=True)
def asked(oss: OssClient, place: Place, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The buckets whose class OSS was asked for. The one of the default destination has the class IA."""
    oss.call("PutBucket", OssRequest("PUT", BUCKET), CONFIGURATION)
    place(bucket=BUCKET)
    monkeypatch.setattr(object_checks, "_classes", {})
    asked, real = [], OssClient.bucket_storage_class

    def bucket_storage_class(self: OssClient, bucket: str) -> str:
        asked.append(bucket)
        return real(self, bucket)

    monkeypatch.setattr(OssClient, "bucket_storage_class", bucket_storage_class)
    return asked


def completed(begin: Begin) -> str:
    """The state of a new upload once it was sent and completed."""
    upload = begin(5)
    send(upload)
    return services.complete(upload).state


def test_an_object_has_the_class_of_its_bucket_or_of_its_destination(
    begin: Begin, place: Place, asked: list[str]
) -> None:
    assert completed(begin) == State.COMPLETED
    assert asked == [BUCKET]
    for values in ({"storage_class": "IA"}, {"storage_class": "Standard"}, {"bucket": ""}):
        place(**{"bucket": BUCKET, **values})
        assert completed(begin) == State.COMPLETED
    assert asked == [BUCKET], "of objects that are Standard, or of the class that was asked for, it does not matter"


def test_another_class_than_the_buckets_fails_the_upload(begin: Begin) -> None:
    upload = begin(5)
    (part,) = services.sign_parts(upload, [PartRequest(1)])
    deliver(replace(part, fields={**part.fields, "x-oss-storage-class": "Archive"}), b"12345")
    with pytest.raises(ObjectMismatch, match="x-oss-storage-class: Standard expected, Archive at OSS"):
        services.complete(upload)


def tell(monkeypatch: pytest.MonkeyPatch, told: str, days: int = 0) -> None:
    """HeadObject tells this class, or none, of objects that are so old."""
    real = OssClient.head

    def head(*given: Any, **more: Any) -> Completed:
        found = real(*given, **more)
        headers = {name: value for name, value in found.headers.items() if name != "x-oss-storage-class"}
        headers |= {"x-oss-storage-class": told} if told else {}
        return replace(found, modified=timezone.now() - timedelta(days=days), headers=headers)

    monkeypatch.setattr(OssClient, "head", head)


def test_where_a_destination_names_a_class_that_of_the_bucket_is_wrong(
    begin: Begin, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(bucket=BUCKET, storage_class="Standard")
    tell(monkeypatch, "IA")
    with pytest.raises(ObjectMismatch, match="x-oss-storage-class: Standard expected, IA at OSS"):
        completed(begin)


def test_a_class_that_oss_does_not_tell_is_not_compared(
    begin: Begin, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch, "")
    assert completed(begin) == State.COMPLETED
    assert asked == []


def test_the_class_of_a_bucket_is_asked_for_every_ten_minutes(
    begin: Begin, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for now, count in ((1000.0, 1), (1600.0, 1), (1601.0, 2), (2201.0, 2), (2202.0, 3)):
        monkeypatch.setattr(object_checks, "monotonic", lambda now=now: now)
        assert completed(begin) == State.COMPLETED
        assert asked == [BUCKET] * count


def test_no_upload_fails_because_the_class_cannot_be_learned_now(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failing would remove the object."""
    upload = begin(5)
    send(upload)
    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "bucket_storage_class", raising(Unreachable("OSS did not answer.", sent=True)))
        with pytest.raises(StorageBusy):
            services.complete(upload)
    assert upload.state == State.UPLOADING
    assert services.complete(upload).state == State.COMPLETED


def test_without_the_permission_to_learn_the_class_it_is_not_believed(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = Denied("You have no right to access this object.", status=403, code="AccessDenied")
    monkeypatch.setattr(OssClient, "bucket_storage_class", raising(denied))
    with pytest.raises(ObjectMismatch, match="x-oss-storage-class: Standard expected, IA at OSS"):
        completed(begin)


# What a lifecycle rule moved before the upload was completed

BY_DATE = "<CreatedBeforeDate>{date}T00:00:00.000Z</CreatedBeforeDate><StorageClass>IA</StorageClass>"
RULE = "<Rule><ID>a</ID><Prefix>{prefix}</Prefix><Status>{status}</Status>{tag}<Transition>{when}</Transition></Rule>"
MOVES = {"prefix": "uploads/", "status": "Enabled", "tag": "", "when": "<Days>2</Days><StorageClass>IA</StorageClass>"}


@pytest.fixture
def moved(begin: Begin, oss: OssClient, place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Upload]:
    """An upload whose tab was closed after its form was sent, and whose object has got another class since.

    `told`: its class as HeadObject tells it. `given`: the settings of the destination.
    """

    def moved(*, days: int = 7, told: str = "IA", given: Mapping[str, Any] = {}, **rule: str) -> Upload:
        bucket = f"moving-{secrets.token_hex(4)}"
        oss.call("PutBucket", OssRequest("PUT", bucket))
        body = f"<LifecycleConfiguration>{RULE.format(**MOVES | rule)}</LifecycleConfiguration>"
        oss.put_lifecycle(bucket, body.encode())
        place(bucket=bucket, **given)
        upload = begin(5)
        (part,) = services.sign_parts(upload, [PartRequest(1)])
        deliver(replace(part, fields={**part.fields, "x-oss-storage-class": "IA"}), b"12345")
        tell(monkeypatch, told, days)
        return past(upload, updated_at=timedelta(days=days), expires_at=timedelta(seconds=1))

    return moved


@pytest.mark.parametrize("when", [MOVES["when"], BY_DATE.format(date="2099-01-01")], ids=["days", "date"])
def test_a_file_that_nobody_reported_before_a_lifecycle_rule_moved_it_is_adopted(
    moved: Callable[..., Upload], oss: OssClient, when: str
) -> None:
    upload = moved(when=when)
    assert run() == "1 adopted"
    upload.refresh_from_db()
    assert upload.state == State.COMPLETED
    assert oss.get_range(upload.bucket, upload.key, 0, 5, upload.etag) == b"12345"


@pytest.mark.parametrize(
    "otherwise",
    [
        {"days": 1},
        {"prefix": "films/"},
        {"status": "Disabled"},
        {"tag": "<Tag><Key>a</Key><Value>b</Value></Tag>"},
        {"when": "<Days>2</Days><StorageClass>Archive</StorageClass>"},
        {"when": BY_DATE.format(date="2020-01-01")},
        {"days": 0, "when": BY_DATE.format(date="2099-01-01")},
    ],
    ids=str,
)
def test_a_class_that_no_rule_can_have_given_fails_the_upload_at_any_age(
    moved: Callable[..., Upload], oss: OssClient, otherwise: dict[str, Any]
) -> None:
    """A user adds the class to the form, and waits."""
    upload = moved(**otherwise)
    assert run().endswith("1 ended")
    upload.refresh_from_db()
    assert "x-oss-storage-class: Standard expected, IA at OSS" in upload.error["detail"]
    with pytest.raises(NotFound):
        oss.head(upload.bucket, upload.key)


def test_a_rule_for_a_tag_moves_what_has_it(moved: Callable[..., Upload]) -> None:
    moved(tag="<Tag><Key>a</Key><Value>b</Value></Tag>", given={"tagging": {"a": "b", "c": "d"}})
    assert run() == "1 adopted"


@pytest.mark.parametrize(("told", "given"), [("Standard", {}), ("", {}), ("IA", {"storage_class": "IA"})])
def test_the_rules_are_not_asked_for_about_an_object_with_its_own_class(
    moved: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch, told: str, given: dict[str, Any]
) -> None:
    moved(told=told, given=given)
    denied = Denied("You have no right to access this bucket.", status=403, code="AccessDenied")
    monkeypatch.setattr(OssClient, "get_lifecycle", raising(denied))
    assert run() == "1 adopted"


def test_a_bucket_without_rules_moves_nothing(moved: Callable[..., Upload], oss: OssClient) -> None:
    upload = moved()
    oss.call("DeleteBucketLifecycle", OssRequest("DELETE", upload.bucket, query=[("lifecycle", "")]))
    with pytest.raises(ObjectMismatch, match="x-oss-storage-class"):
        services.complete(upload)


def test_without_the_permission_to_read_the_rules_the_file_is_kept(
    moved: Callable[..., Upload], oss: OssClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = moved()
    denied = Denied("You have no right to access this bucket.", status=403, code="AccessDenied")
    with monkeypatch.context() as patch:
        patch.setattr(OssClient, "get_lifecycle", raising(denied))
        assert run().endswith("1 failed")
    assert Upload.objects.get(pk=upload.pk).state == State.UPLOADING
    past(upload, claimed_until=timedelta(seconds=1))
    assert run() == "1 adopted"


def raising(error: StorageError) -> Callable[..., str]:
    def raises(*_: Any) -> str:
        raise error

    return raises
