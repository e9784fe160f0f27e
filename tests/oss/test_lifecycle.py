"""Lifecycle rules: reading them, and merging ours into those of others."""

from datetime import UTC, datetime

import pytest

from uploads.oss.errors import Malformed
from uploads.oss.lifecycle import Age, Contradiction, Rule, merged, read

ABORT = "<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload>"
BEFORE = "<Expiration><CreatedBeforeDate>2026-01-15T00:00:00.000Z</CreatedBeforeDate></Expiration>"
THEIRS = "<Transition><Days>9</Days><StorageClass>IA</StorageClass></Transition>"


def rule(inner: str, identifier: str = "one", status: str = "Enabled") -> str:
    return f"<Rule><ID>{identifier}</ID><Prefix>raw/</Prefix><Status>{status}</Status>{inner}</Rule>"


def document(*rules: str) -> bytes:
    return f"<LifecycleConfiguration>{''.join(rules)}</LifecycleConfiguration>".encode()


def test_rules_are_read() -> None:
    first, second = read(document(rule(ABORT), rule(BEFORE + THEIRS, "two", "Disabled")))
    assert first == Rule("one", "raw/", True, abort=Age(days=3), actions=("AbortMultipartUpload",))
    assert second.expiration == Age(before=datetime(2026, 1, 15, tzinfo=UTC))
    assert second.actions == ("Expiration", "Transition")
    assert not second.enabled


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Malformed),
        (document(), Malformed),
        (document(rule("")), Malformed),
        (document(rule(ABORT, "x" * 256)), Malformed),
        (document(rule(ABORT.replace("3", "0"))), Malformed),
        (document(rule(BEFORE.replace("T00", "T01"))), Malformed),
        (document(rule(BEFORE.replace("01-15", "02-30"))), Malformed),
        (document(rule(ABORT + "<Tag><Key>k</Key><Value>v</Value></Tag>")), Contradiction),
        (document(rule(BEFORE.replace("<Expiration>", "<Expiration><Days>1</Days>"))), Contradiction),
    ],
)
def test_rules_that_oss_refuses(body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read(body)


def test_merging_replaces_our_rules_and_keeps_those_of_others() -> None:
    before = document(rule(THEIRS, "theirs"), rule(ABORT, "ours-0"), rule(ABORT, "ours-1"))
    after = merged(before, "ours-", {"a/": 8, "b/": 2}, {}, {"ours-0", "ours-1"}) or b""
    theirs, first, second = read(after)
    assert rule(THEIRS, "theirs").encode() in after
    assert theirs.id == "theirs"
    assert first == Rule("ours-0", "a/", True, abort=Age(days=8), actions=("AbortMultipartUpload",))
    assert second == Rule("ours-1", "b/", True, abort=Age(days=2), actions=("AbortMultipartUpload",))
    assert merged(after, "ours-", {"a/": 8, "b/": 2}, {}, {"ours-0", "ours-1"}) == after


def test_a_rule_that_is_not_replaced_keeps_its_id() -> None:
    after = merged(document(rule(ABORT, "ours-0")), "ours-", {"a/": 8}, {}) or b""
    assert [(found.id, found.prefix) for found in read(after)] == [("ours-0", "raw/"), ("ours-1", "a/")]
    assert merged(after, "ours-", {}, {}, {"ours-0", "ours-1"}) is None


def test_merging_into_a_bucket_without_rules() -> None:
    assert [found.id for found in read(merged(None, "ours-", {"": 1}, {}) or b"")] == ["ours-0"]
