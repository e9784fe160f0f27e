"""PostObject forms: the vendor's signatures, and what a policy allows."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import vectors
from uploads.oss import post, v1
from uploads.oss.post import PolicyInvalid
from uploads.oss.signing import Credentials, Scope

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("case", vectors("post_object_forms")["vectors"], ids=lambda case: case["id"])
def test_signatures(case: dict[str, Any]) -> None:
    asked, expected = case["input"], case["expected"]
    policy = base64.b64encode(asked["policy_json"].encode()).decode()
    assert policy == expected["policy_base64"]
    content = asked["policy"]
    assert post.encode(content["expiration"], content["conditions"]) == policy
    if asked["signature_version"] == "v1":
        assert v1.signature(asked["access_key_secret"], policy) == expected["signature"]
    else:
        scope = Scope(asked["date"][:8], asked["region"])
        assert post.signature(asked["access_key_secret"], scope, policy) == expected["signature"]
    assert post.parse(policy).expiration == datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def policy_of(*conditions: object, expiration: object = "2026-01-15T09:30:00.000Z") -> str:
    return base64.b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        ({"bucket": "b"}, {"bucket": "b"}, {"bucket": "B"}),
        (["eq", "$key", "a/b"], {"key": "a/b"}, {"key": "a/bc"}),
        (["eq", "$KEY", "a"], {"key": "a"}, {}),
        (["eq", "$x-oss-meta-a", ""], {}, {"x-oss-meta-a": "1"}),
        (["starts-with", "$key", "p/"], {"key": "p/x"}, {"key": "q/p/"}),
        (["starts-with", "$key", ""], {}, None),
        (["in", "$content-type", ["a/b", "c/d"]], {"content-type": "c/d"}, {"content-type": "a/"}),
        (["in", "$content-type", []], None, {"content-type": ""}),
        (["not-in", "$cache-control", ["no-cache"]], {"cache-control": "x"}, {"cache-control": "no-cache"}),
    ],
)
def test_conditions(condition: object, holds: dict[str, str] | None, fails: dict[str, str] | None) -> None:
    policy = post.parse(policy_of(condition))
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
        post.parse(policy)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_taken_or_refused(content: object) -> None:
    for document in (content, {"expiration": "2026-01-15T09:30:00Z", "conditions": [content]}):
        try:
            post.parse(base64.b64encode(json.dumps(document).encode()).decode())
        except PolicyInvalid:
            continue


def test_a_form_binds_every_field_and_the_size() -> None:
    credentials = Credentials("STS.id", "secret", "token")
    fields = {"key": "a/ü $b", "x-oss-content-type": "video/mp4", "x-oss-meta-uid": "7", "success_action_status": "200"}
    form = post.signed_fields(credentials, "cn-hangzhou", NOW, 600, "b", fields, (5, 5))
    policy = post.parse(form["policy"])
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
    assert form["x-oss-signature"] == post.signature("secret", Scope.at(NOW, "cn-hangzhou"), form["policy"])
    assert "secret" not in form.values()
