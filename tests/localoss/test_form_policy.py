"""The policy of a PostObject form: what it allows, and which policies are refused."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors_reader import vectors
from uploads.localoss import form_policy, signing_v1
from uploads.localoss.form_policy import PolicyInvalid
from uploads.oss import post
from uploads.oss.signing import Credentials, SigningContext

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
FORMS = [case for case in vectors("post_object_forms")["vectors"] if case["input"]["signature_version"] == "v1"]


@pytest.mark.parametrize("case", FORMS, ids=lambda case: case["id"])
def test_a_version_1_form_has_the_vendors_signature(case: dict[str, Any]) -> None:
    policy = base64.b64encode(case["input"]["policy_json"].encode()).decode()
    assert signing_v1.signature(case["input"]["access_key_secret"], policy) == case["expected"]["signature"]


@pytest.mark.parametrize("case", vectors("post_object_forms")["vectors"], ids=lambda case: case["id"])
def test_a_policy_of_the_vendors_is_read(case: dict[str, Any]) -> None:
    read = form_policy.parse(case["expected"]["policy_base64"])
    assert read.expiration == datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
    assert read.conditions


def policy_of(*conditions: object, expiration: object = "2026-01-15T09:30:00.000Z") -> str:
    return base64.b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        ({"bucket": "b"}, {"bucket": "b"}, {"bucket": "B"}),
        (["eq", "$key", "a/b"], {"key": "a/b"}, {"key": "a/bc"}),
        (["eq", "$KEY", "a"], {"key": "a"}, {}),
        (["eq", "$x-oss-meta-a", ""], {"x-oss-meta-a": ""}, {"x-oss-meta-a": "1"}),
        (["eq", "$x-oss-meta-a", ""], None, {}),
        (["starts-with", "$key", "p/"], {"key": "p/x"}, {"key": "q/p/"}),
        (["starts-with", "$key", ""], {"key": ""}, {}),
        (["in", "$content-type", ["a/b", "c/d"]], {"content-type": "c/d"}, {"content-type": "a/"}),
        (["in", "$content-type", []], None, {"content-type": ""}),
        (["not-in", "$cache-control", ["no-cache"]], {"cache-control": "x"}, {"cache-control": "no-cache"}),
        (["not-in", "$cache-control", ["no-cache"]], None, {}),
    ],
)
def test_conditions(condition: object, holds: dict[str, str] | None, fails: dict[str, str] | None) -> None:
    policy = form_policy.parse(policy_of(condition))
    if holds is not None:
        assert policy.failed(holds) is None
    if fails is not None:
        failed = policy.failed(fails)
        assert failed is not None
        assert str(failed).startswith("[")


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "no base64!",
        base64.b64encode(b"{").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"\xff").decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        base64.b64encode(b'{"expiration":"2026-01-15T09:30:00Z"}').decode(),
        policy_of(expiration=None),
        policy_of(expiration="tomorrow"),
        policy_of(expiration="2026-13-15T09:30:00Z"),
        policy_of("eq"),
        policy_of({}),
        policy_of({"a": "1", "b": "2"}),
        policy_of({"a": 1}),
        policy_of(["eq", "key", "a"]),
        policy_of(["eq", "$key"]),
        policy_of(["like", "$key", "a"]),
        policy_of(["in", "$key", "a"]),
        policy_of(["eq", "$key", ["a"]]),
        policy_of([["eq"], "$key", "a"]),
        policy_of(["content-length-range", 1]),
        policy_of(["content-length-range", 2, 1]),
        policy_of(["content-length-range", -1, 1]),
        policy_of(["content-length-range", True, 1]),
        policy_of(["content-length-range", "1", "2"]),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused(policy: str) -> None:
    with pytest.raises(PolicyInvalid):
        form_policy.parse(policy)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_taken_or_refused(content: object) -> None:
    for document in (content, {"expiration": "2026-01-15T09:30:00Z", "conditions": [content]}):
        try:
            form_policy.parse(base64.b64encode(json.dumps(document).encode()).decode())
        except PolicyInvalid:
            continue


def test_a_form_that_we_build_binds_every_field_and_the_size() -> None:
    context = SigningContext(Credentials("STS.id", "secret", "token"), "cn-hangzhou", NOW)
    fields = {"key": "a/ü $b", "x-oss-content-type": "video/mp4", "x-oss-meta-uid": "7", "success_action_status": "200"}
    form = post.signed_fields(context, "b", fields, (5, 5), 600)
    policy = form_policy.parse(form["policy"])
    assert policy.expiration == datetime(2026, 1, 15, 8, 40, tzinfo=UTC)
    assert policy.sizes == (5, 5)
    given_fields = {**form, "bucket": "b"}
    assert policy.failed(given_fields) is None
    for name in [
        *fields,
        "bucket",
        "x-oss-date",
        "x-oss-credential",
        "x-oss-signature-version",
        "x-oss-security-token",
    ]:
        assert policy.failed({**given_fields, name: "other"}) is not None
