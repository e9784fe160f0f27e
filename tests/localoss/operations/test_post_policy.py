"""PostObject: the signature and the policy of a form."""

import base64
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.localoss.assume_role import issue
from tests.localoss.forms import send, signed, v4_form
from tests.localoss.support import Wire, refused
from uploads.localoss import signing_v1
from uploads.oss import policy, post
from uploads.oss.signing import Credentials

# The policy


def message(answer: httpx.Response, code: str = "AccessDenied", status: int = 403) -> str:
    return refused(answer, status, code).findtext("Message") or ""


@pytest.mark.parametrize(
    "condition",
    [
        {"bucket": "other"},
        ["eq", "$key", "other"],
        ["starts-with", "$key", "other"],
        ["in", "$content-type", ["image/png"]],
        ["not-in", "$content-type", ["video/mp4"]],
        {"x-oss-object-acl": "private"},
        {"success_action_status": "201"},
    ],
)
@pytest.mark.parametrize("version", [1, 4])
def test_every_condition_is_enforced(fresh: Wire, condition: object, version: int) -> None:
    assert "Invalid according to Policy: Policy Condition failed: [" in message(
        send(fresh, signed(fresh, condition, version=version, key="never"))
    )


@pytest.mark.parametrize(("sizes", "code"), [((6, 9), "EntityTooSmall"), ((0, 4), "EntityTooLarge")])
@pytest.mark.parametrize("version", [1, 4])
def test_the_size_is_enforced(fresh: Wire, sizes: tuple[int, int], code: str, version: int) -> None:
    refused(send(fresh, signed(fresh, ["content-length-range", *sizes], version=version, key="never")), 400, code)


@pytest.mark.parametrize("version", [1, 4])
def test_a_policy_expires(fresh: Wire, version: int) -> None:
    answer = send(fresh, signed(fresh, version=version, expires=-2, key="never"))
    assert message(answer) == "Invalid according to Policy: Policy expired."
    assert answer.headers["x-oss-ec"] == "0006-00000213"


@pytest.mark.parametrize("version", [1, 4])
def test_changed_forms_are_refused(fresh: Wire, version: int) -> None:
    form = signed(fresh, version=version, key="never")
    signature = "x-oss-signature" if version == 4 else "Signature"
    for changed in ({signature: form[signature][:-2] + "00"}, {"policy": form["policy"].replace("e", "f", 1)}):
        document = refused(send(fresh, {**form, **changed}), 403, "SignatureDoesNotMatch")
        assert document.findtext("StringToSign") == {**form, **changed}["policy"]
    for name in {"OSSAccessKeyId", "policy", "x-oss-credential", "x-oss-date", signature} & form.keys():
        refused(send(fresh, {key: value for key, value in form.items() if key != name}), 400, "InvalidArgument")


def test_unknown_keys_are_refused(fresh: Wire) -> None:
    unknown = Credentials("nobody", "secret")
    refused(send(fresh, v4_form(fresh, {"key": "never"}, credentials=unknown)), 403, "InvalidAccessKeyId")
    refused(
        send(fresh, {**signed(fresh, version=1, key="never"), "OSSAccessKeyId": "nobody"}), 403, "InvalidAccessKeyId"
    )
    wrong = Credentials(fresh.credentials.access_key_id, "wrong")
    refused(send(fresh, v4_form(fresh, {"key": "never"}, credentials=wrong)), 403, "SignatureDoesNotMatch")


def test_v4_fields_are_checked(fresh: Wire) -> None:
    form = v4_form(fresh, {"key": "never"})
    for name, value, code in (
        ("x-oss-signature-version", "OSS2", "InvalidArgument"),
        ("x-oss-credential", form["x-oss-credential"].replace("hangzhou", "beijing"), "InvalidArgument"),
        ("x-oss-date", "yesterday", "InvalidArgument"),
    ):
        refused(send(fresh, {**form, name: value}), 400, code)
    now = datetime.now(UTC)
    assert "not valid yet" in message(send(fresh, v4_form(fresh, {"key": "never"}, now=now + timedelta(minutes=20))))
    old = v4_form(fresh, {"key": "never"}, now=now - timedelta(days=8), expires=700_000 + 86_400 * 8)
    assert "expired" in message(send(fresh, old))


def test_v4_fields_must_be_in_the_policy(fresh: Wire) -> None:
    form = v4_form(fresh, {"key": "never"})
    content = json.loads(base64.b64decode(form["policy"]))
    for name in ("x-oss-date", "x-oss-credential", "x-oss-signature-version"):
        kept = [condition for condition in content["conditions"] if f"${name}" not in condition]
        policy = post.encode(content["expiration"], kept)
        scope = fresh.context().scope
        signature = post.signature(fresh.credentials.access_key_secret, scope, policy)
        assert name in message(send(fresh, {**form, "policy": policy, "x-oss-signature": signature}))


def test_an_unreadable_policy(fresh: Wire) -> None:
    policy = base64.b64encode(b"{").decode()
    signature = signing_v1.signature(fresh.credentials.access_key_secret, policy)
    form = {"OSSAccessKeyId": fresh.credentials.access_key_id, "policy": policy, "Signature": signature, "key": "never"}
    refused(send(fresh, form), 400, "InvalidPolicyDocument")


def test_temporary_credentials_are_held_to_their_policy(wire: Wire) -> None:
    mine = policy.allow(["oss:PutObject"], [policy.object_resource(wire.bucket, "mine/") + "*"])
    credentials = issue(wire.server, policy.document([mine]))
    assert send(wire, v4_form(wire, {"key": "mine/a"}, credentials=credentials)).status_code == 204
    assert "policy" in message(send(wire, v4_form(wire, {"key": "other/a"}, credentials=credentials)))
    form = v4_form(wire, {"key": "mine/b"}, credentials=credentials)
    del form["x-oss-security-token"]
    refused(send(wire, form), 403, "InvalidAccessKeyId")


def test_anonymous_forms_need_a_public_bucket(wire: Wire) -> None:
    assert "bucket acl" in message(send(wire, {"key": "never"}))
    assert wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "public-read-write"}).status_code == 200
    try:
        assert send(wire, {"key": "a"}).status_code == 204
    finally:
        wire.call("PUT", "", [("acl", "")], {"x-oss-acl": "private"})
