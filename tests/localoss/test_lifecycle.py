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
