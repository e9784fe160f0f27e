"""Retention policies: what they refuse to change, and how they are locked, extended and aborted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.localoss.support import Wire, refused, result
from uploads.localoss import lifecycle
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket, StoredObject
from uploads.localoss.store.settings import DAY, BucketSettings, Worm

WORM = [("worm", "")]


def initiate(wire: Wire, days: int = 1) -> str:
    body = (
        f"<InitiateWormConfiguration><RetentionPeriodInDays>{days}</RetentionPeriodInDays></InitiateWormConfiguration>"
    )
    answer = wire.call("POST", query=WORM, content=body.encode())
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-oss-worm-id"])


@pytest.fixture
def retained(wire: Wire) -> Iterator[Wire]:
    """A bucket with an object and a policy. The policy is aborted afterwards, so that the bucket can be deleted."""
    wire.put("a", b"first")
    initiate(wire)
    yield wire
    wire.call("DELETE", query=WORM)


def test_nothing_that_is_retained_is_replaced_or_deleted(retained: Wire) -> None:
    wire = retained
    refused(wire.call("PUT", "a", content=b"second"), 409, "FileImmutable")
    refused(wire.call("PUT", "a", headers={"x-oss-copy-source": f"/{wire.bucket}/a"}), 409, "FileImmutable")
    refused(wire.call("DELETE", "a"), 409, "FileImmutable")
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    refused(wire.call("POST", query=[("delete", "")], content=body), 409, "FileImmutable")
    upload = wire.initiate("a")
    wire.parts("a", upload, [b"second"])
    refused(wire.complete("a", upload, b"", {"x-oss-complete-all": "yes"}), 409, "FileImmutable")
    assert wire.call("GET", "a").content == b"first"
    assert wire.call("GET", "a", [("uploadId", upload)]).status_code == 200, "the upload stays"
    assert wire.put("new", b"x").status_code == 200


def test_with_versioning_an_object_gets_versions_which_stay(wire: Wire) -> None:
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    wire.call("PUT", query=[("versioning", "")], content=body)
    initiate(wire)
    first = wire.put("a", b"1").headers["x-oss-version-id"]
    wire.put("a", b"2")
    marker = wire.call("DELETE", "a").headers["x-oss-version-id"]
    refused(wire.call("DELETE", "a", [("versionId", first)]), 409, "FileImmutable")
    assert wire.call("DELETE", "a", [("versionId", marker)]).status_code == 204
    body = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
    refused(wire.call("PUT", query=[("versioning", "")], content=body), 400, "InvalidRequest")


def test_a_policy_is_shown_locked_extended_and_not_aborted_any_more(wire: Wire) -> None:
    refused(wire.call("GET", query=WORM), 404, "NoSuchWORMConfiguration")
    refused(wire.call("DELETE", query=WORM), 404, "NoSuchWORMConfiguration")
    identifier = initiate(wire, 2)
    shown = result(wire.call("GET", query=WORM), "WormConfiguration")
    assert [shown.findtext(tag) for tag in ("WormId", "State", "RetentionPeriodInDays")] == [
        identifier,
        "InProgress",
        "2",
    ]
    longer = b"<ExtendWormConfiguration><RetentionPeriodInDays>3</RetentionPeriodInDays></ExtendWormConfiguration>"
    extend = [("wormExtend", ""), ("wormId", identifier)]
    refused(wire.call("POST", query=extend, content=longer), 400, "InvalidWORMConfiguration")
    refused(wire.call("POST", query=[("wormId", "other")]), 404, "NoSuchWORMConfiguration")
    assert wire.call("DELETE", query=WORM).status_code == 204
    identifier = initiate(wire, 2)
    assert wire.call("POST", query=[("wormId", identifier)]).status_code == 200
    refused(wire.call("DELETE", query=WORM), 403, "WORMConfigurationLocked")
    extend = [("wormExtend", ""), ("wormId", identifier)]
    assert wire.call("POST", query=extend, content=longer).status_code == 200
    shown = result(wire.call("GET", query=WORM), "WormConfiguration")
    assert [shown.findtext(tag) for tag in ("State", "RetentionPeriodInDays")] == ["Locked", "3"]
    shorter = longer.replace(b"3", b"1")
    refused(wire.call("POST", query=extend, content=shorter), 400, "InvalidWORMConfiguration")


@pytest.mark.parametrize("days", ["0", "25551", "-1", "x", ""])
def test_a_period_that_is_not_valid_is_refused(wire: Wire, days: str) -> None:
    body = (
        f"<InitiateWormConfiguration><RetentionPeriodInDays>{days}</RetentionPeriodInDays></InitiateWormConfiguration>"
    )
    refused(wire.call("POST", query=WORM, content=body.encode()), 400, "InvalidArgument")


def test_a_policy_that_nobody_locks_expires_after_a_day() -> None:
    worm = Worm("id", 7, 0)
    assert (worm.state(DAY - 1), worm.retained_since(DAY - 1)) == ("InProgress", -6 * DAY - 1)
    assert (worm.state(DAY), worm.retained_since(DAY)) == ("Expired", None)
    locked = Worm("id", 7, 0, locked=True)
    assert (locked.state(100 * DAY), locked.retained_since(100 * DAY)) == ("Locked", 93 * DAY)


def test_lifecycle_rules_leave_what_is_retained(tmp_path: Path) -> None:
    rule = b"<ID>r</ID><Prefix></Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>"
    rules = b"<LifecycleConfiguration><Rule>" + rule + b"</Rule></LifecycleConfiguration>"
    store = Store(tmp_path)
    store.prepare()
    now = datetime(2026, 11, 22, tzinfo=UTC)
    settings = BucketSettings(worm=Worm("id", 30, 0, locked=True))
    store.buckets.create(Bucket("some-bucket", 0, lifecycle=rules, settings=settings))
    for key, age in (("young", 10), ("old", 40)):
        modified = int((now - timedelta(days=age)).timestamp() * 1000)
        store.objects.put(StoredObject("some-bucket", key, key, 0, "", 0, "Normal", modified), [])
    assert lifecycle.run(store, now) == 1
    assert [stored.key for stored in store.objects.scan("some-bucket", b"", None)] == ["young"]
    store.close()
