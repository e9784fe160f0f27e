"""Lifecycle rules: storing and running them."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.localoss.support import Wire, refused, result
from tests.stack import wait_until
from uploads.localoss import lifecycle
from uploads.localoss.lifecycle_rules import normalized
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Bucket, StoredObject, Upload
from uploads.localoss.testing import LocalServer

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


def rule(inner: str, *, prefix: str | None = "raw/", status: str = "Enabled", identifier: str = "one") -> str:
    named = f"<ID>{identifier}</ID>" if identifier else ""
    under = f"<Prefix>{prefix}</Prefix>" if prefix is not None else ""
    return f"<Rule>{named}{under}<Status>{status}</Status>{inner}</Rule>"


def document(*rules: str) -> bytes:
    return f"<LifecycleConfiguration>{''.join(rules)}</LifecycleConfiguration>".encode()


ABORT = "<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload>"
EXPIRE = "<Expiration><Days>30</Days></Expiration>"
BEFORE = "<AbortMultipartUpload><CreatedBeforeDate>{}T00:00:00.000Z</CreatedBeforeDate></AbortMultipartUpload>"


def put(wire: Wire, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return wire.call("PUT", "", [("lifecycle", "")], headers, body)


def test_rules_are_kept_read_replaced_and_deleted(wire: Wire) -> None:
    refused(wire.call("GET", "", [("lifecycle", "")]), 404, "NoSuchLifecycle")
    assert put(wire, document(rule(ABORT), rule(EXPIRE, prefix="tmp/", identifier="two"))).status_code == 200
    kept = result(wire.call("GET", "", [("lifecycle", "")]), "LifecycleConfiguration")
    assert [element.findtext("ID") for element in kept.iterfind("Rule")] == ["one", "two"]
    assert kept.findtext("Rule/AbortMultipartUpload/Days") == "3"
    assert put(wire, document(rule(ABORT, identifier="", prefix=None))).status_code == 200
    (only,) = result(wire.call("GET", "", [("lifecycle", "")]), "LifecycleConfiguration").iterfind("Rule")
    assert only.findtext("ID")
    assert only.findtext("Prefix") == ""
    assert wire.call("DELETE", "", [("lifecycle", "")]).status_code == 204
    refused(wire.call("GET", "", [("lifecycle", "")]), 404, "NoSuchLifecycle")


def test_what_this_server_does_not_carry_out_is_kept_word_for_word() -> None:
    transition = "<Transition><Days>9</Days><StorageClass>IA</StorageClass></Transition>"
    assert transition.encode() in normalized(document(rule(transition)))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (document(), "MalformedXML"),
        (document(rule("")), "MalformedXML"),
        (document(rule(ABORT, status="On")), "MalformedXML"),
        (document(rule(ABORT, identifier="x" * 256)), "MalformedXML"),
        (document(rule(ABORT.replace("3", "0"))), "MalformedXML"),
        (document(rule(ABORT.replace("3", "-1"))), "MalformedXML"),
        (document(rule(ABORT.replace("3", "9999999"))), "MalformedXML"),
        (document(rule(ABORT.replace("<Days>3</Days>", ""))), "MalformedXML"),
        (document(rule(BEFORE.format("2026-02-30"))), "MalformedXML"),
        (document(rule(BEFORE.format("2026-01-15").replace("T00", "T01"))), "MalformedXML"),
        (b"<LifecycleConfiguration><Rule>", "MalformedXML"),
        (b"", "MalformedXML"),
        (
            document(
                rule(ABORT.replace("</Days>", "</Days><CreatedBeforeDate>2026-01-15T00:00:00.000Z</CreatedBeforeDate>"))
            ),
            "InvalidRequest",
        ),
        (document(rule(ABORT), rule(ABORT, prefix="other/")), "InvalidRequest"),
        (document(rule(ABORT), rule(ABORT, prefix="raw/a/", identifier="two")), "InvalidRequest"),
        (document(rule(ABORT + "<Tag><Key>k</Key><Value>v</Value></Tag>")), "InvalidRequest"),
    ],
)
def test_rules_that_cannot_stand_change_nothing(wire: Wire, body: bytes, code: str) -> None:
    refused(put(wire, body), 400, code)
    refused(wire.call("GET", "", [("lifecycle", "")]), 404, "NoSuchLifecycle")


def transition(days: int, name: str = "IA") -> str:
    return f"<Transition><Days>{days}</Days><StorageClass>{name}</StorageClass></Transition>"


DELETE_MARKER = "<Expiration><Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
BOTH = "<Expiration><Days>1</Days><CreatedBeforeDate>2026-01-15T00:00:00.000Z</CreatedBeforeDate></Expiration>"


@pytest.mark.parametrize(
    ("rules", "code", "ec", "message"),
    [
        (
            [rule(EXPIRE), rule(EXPIRE, prefix="raw/a/", identifier="two")],
            "InvalidRequest", "0014-00000084", "Overlap for same action type Expiration",
        ),
        (
            [rule(ABORT, prefix=""), rule(EXPIRE, identifier="two"), rule(ABORT, prefix="a", identifier="three")],
            "InvalidRequest", "0014-00000084", "Overlap for same action type AbortMultipartUpload",
        ),
        (
            [rule(EXPIRE), rule(ABORT, identifier="two")],
            "InvalidRequest", "0014-00000085", "Found same prefix in different rules",
        ),
        (
            [rule(transition(60) + transition(30, "Archive"))],
            "InvalidArgument", None,
            "Days in the Transition action for StorageClass Archive must be more than the Transition action for "
            "StorageClass IA",
        ),
        ([rule(transition(30) + EXPIRE)], "InvalidArgument", None, None),
        ([rule(DELETE_MARKER)], "InvalidRequest", "0014-00000059", None),
        ([rule(BOTH)], "InvalidRequest", "0014-00000061", None),
    ],
    ids=["overlap", "overlap of the whole", "same prefix", "order", "expires first", "delete marker", "two dates"],
)  # fmt: skip
def test_rules_that_contradict_each_other_are_refused(
    wire: Wire, rules: list[str], code: str, ec: str | None, message: str | None
) -> None:
    error = refused(put(wire, document(*rules)), 400, code)
    assert error.findtext("EC") == ec
    assert message in (None, error.findtext("Message"))


def test_rules_that_do_not_meet_are_kept(wire: Wire) -> None:
    """The same prefix with other tags, an overlap of other actions, and an order that holds."""
    tag = "<Tag><Key>k</Key><Value>v</Value></Tag>"
    rules = [
        rule(transition(10) + transition(20, "Archive") + EXPIRE),
        rule(EXPIRE + tag, identifier="two"),
        rule(ABORT, prefix="raw/a/", identifier="three"),
    ]
    assert put(wire, document(*rules)).status_code == 200


def test_objects_expire_from_a_date_on(tmp_path: Path) -> None:
    """`Date` in place of Days, as the Go SDK V1 and oss2 send it."""
    store = Store(tmp_path)
    store.prepare()
    dated = "<Expiration><Date>{}T00:00:00.000Z</Date></Expiration>"
    rules = [rule(dated.format("2026-01-15")), rule(dated.format("2026-01-16"), prefix="later/", identifier="two")]
    store.buckets.create(Bucket("some-bucket", 0, lifecycle=normalized(document(*rules))))
    for key in ("raw/a", "later/a"):
        now = int(NOW.timestamp() * 1000)
        store.objects.put(StoredObject("some-bucket", key, key, 0, "", 0, "Normal", now), [])
    assert lifecycle.run(store, NOW) == 1
    assert [stored.key for stored in store.objects.scan("some-bucket", b"", None)] == ["later/a"]
    store.close()


def test_overlapping_rules_are_allowed_when_asked_for(wire: Wire) -> None:
    body = document(rule(ABORT), rule(ABORT, prefix="raw/a/", identifier="two"))
    assert put(wire, body, {"x-oss-allow-same-action-overlap": "true"}).status_code == 200


def test_what_is_old_goes_and_the_rest_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    rules = normalized(document(rule(ABORT), rule(EXPIRE, prefix="tmp/", identifier="two")))
    store.buckets.create(Bucket("some-bucket", 0, lifecycle=rules))
    store.buckets.create(Bucket("other-bucket", 0))
    fresh, stale = [int((NOW - timedelta(days=days)).timestamp() * 1000) for days in (2, 4)]
    for bucket, key, initiated in [
        ("some-bucket", "raw/fresh", fresh),
        ("some-bucket", "raw/stale", stale),
        ("some-bucket", "elsewhere", stale),
        ("other-bucket", "raw/stale", stale),
    ]:
        store.uploads.create(Upload(secrets.token_hex(4), bucket, key, initiated))
    old = int((NOW - timedelta(days=31)).timestamp() * 1000)
    for key, modified in [("tmp/old", old), ("tmp/new", fresh), ("kept/old", old)]:
        store.objects.put(StoredObject("some-bucket", key, key, 0, "", 0, "Normal", modified), [])
    assert lifecycle.run(store, NOW) == 2
    assert [key for key, *_ in store.uploads.scan("some-bucket", b"", None)] == [b"elsewhere", b"raw/fresh"]
    assert len(list(store.uploads.scan("other-bucket", b"", None))) == 1
    assert [stored.key for stored in store.objects.scan("some-bucket", b"", None)] == ["kept/old", "tmp/new"]
    store.close()


def test_the_server_goes_round_by_itself(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "oss", ["--lifecycle-interval", "0.05"]) as server, Wire(server, server.bucket) as wire:
        wire.initiate("elsewhere")
        wire.initiate("raw/stale")
        tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
        assert put(wire, document(rule(BEFORE.format(tomorrow)))).status_code == 200

        def left() -> list[str | None]:
            found = result(wire.call("GET", "", [("uploads", "")]), "ListMultipartUploadsResult")
            return [element.text for element in found.iterfind("Upload/Key")]

        wait_until(lambda: left() == ["elsewhere"], "the stale upload to be aborted")
