"""PostObject: a file sent by an HTML form, whose policy is signed."""

import re
from datetime import UTC, datetime, timedelta

from tests.live.answers import Answer
from tests.live.expectations import ANY, DECIMAL, HEX_MD5, accepted, refused
from tests.live.scene import SMALL, Scene
from tests.live.statement import EC_PAGES, Topic
from tests.localoss import forms
from uploads.localoss import signing_v1
from uploads.oss import callback, post

TOPIC = say = Topic("form", "postobject")

Fields = dict[str, str]


def send(scene: Scene, fields: Fields, content: bytes | None = SMALL, **more: object) -> Answer:
    """The answer to a form."""
    return scene.form(forms.TYPE, forms.body_of(fields, content, **more))


def signed(scene: Scene, sizes: tuple[int, int] = (0, 1000), expires: int = 600, **fields: str) -> Fields:
    """The fields of a form whose policy binds each of them, as the backend signs it."""
    given = {"key": scene.key("a"), **{name.replace("_", "-"): text for name, text in fields.items()}}
    return post.signed_fields(scene.context_now(), scene.target.bucket, given, sizes, expires)


def status(scene: Scene, value: str) -> Answer:
    """The answer to a form that asks for a status."""
    return send(scene, {**signed(scene), "success_action_status": value})


def with_policy(scene: Scene, policy: str) -> Answer:
    """The answer to a form with another policy, rightly signed."""
    fields, context = signed(scene), scene.context_now()
    signature = post.signature(context.credentials.access_key_secret, context.scope, policy)
    return send(scene, {**fields, "policy": policy, "x-oss-signature": signature})


def unbound(scene: Scene) -> Answer:
    """A form whose policy does not name the fields of the signature."""
    end = (datetime.now(UTC) + timedelta(seconds=600)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return with_policy(scene, post.encode(end, [{"bucket": scene.target.bucket}]))


def of_version_1(scene: Scene) -> Answer:
    """A form signed with version 1."""
    end = (datetime.now(UTC) + timedelta(seconds=600)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    policy = post.encode(end, [{"bucket": scene.target.bucket}])
    given = scene.target.credentials
    signature = signing_v1.signature(given.access_key_secret, policy)
    token = {"x-oss-security-token": given.security_token} if given.security_token else {}
    fields = {"OSSAccessKeyId": given.access_key_id, "policy": policy, "Signature": signature, **token}
    return send(scene, {**fields, "key": scene.key("a")})


def then_head(scene: Scene, fields: Fields, **more: object) -> Answer:
    """The object that a form made."""
    scene.need(send(scene, fields, **more))
    return scene.send("HEAD", "a")


def over_an_object(scene: Scene) -> Answer:
    """A form that may not replace, for a key that is taken."""
    scene.put("a")
    return send(scene, signed(scene, x_oss_forbid_overwrite="true"))


def named_by_file(scene: Scene) -> Answer:
    """The object of a form whose key takes the name of the file."""
    context = scene.context_now()
    end = (context.now + timedelta(seconds=600)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    bound = [["eq", f"${name}", text] for name, text in context.proof().items()]
    policy = post.encode(end, [{"bucket": scene.target.bucket}, *bound, ["starts-with", "$key", scene.folder]])
    signature = post.signature(context.credentials.access_key_secret, context.scope, policy)
    fields = {"key": scene.key("${filename}"), **context.proof(), "policy": policy, "x-oss-signature": signature}
    scene.need(send(scene, fields, filename="film.mp4"))
    return scene.send("HEAD", "film.mp4")


def without(fields: Fields, name: str) -> Fields:
    """The fields without one."""
    return {given: text for given, text in fields.items() if given != name}


BROKEN = callback.encoded({"callbackUrl": "http://app.example.com/", "callbackBody": ""})

say(
    "it-is-answered-204-with-the-etag",
    lambda s: send(s, signed(s)),
    accepted(204, headers={"etag": HEX_MD5, "x-oss-hash-crc64ecma": DECIMAL}, body=""),
)
say(
    "status-200-is-answered-without-a-body",
    lambda s: status(s, "200"),
    accepted(200, headers={"etag": HEX_MD5}, body=""),
)
say(
    "status-201-is-answered-with-a-document",
    lambda s: status(s, "201"),
    accepted(
        201,
        elements={
            "PostResponse/Bucket": "{bucket}",
            "PostResponse/Key": "{folder}a",
            "PostResponse/ETag": HEX_MD5,
            "PostResponse/Location": ANY,
        },
    ),
)
say("another-status-is-answered-204", lambda s: status(s, "500"), accepted(204))
say(
    "a-redirect-is-answered-303",
    lambda s: send(s, {**signed(s), "success_action_redirect": "https://app.example.com/x"}),
    accepted(303, headers={"location": re.compile(r"(https://)?app\.example\.com/x\?bucket=.*")}),
)
say("the-filename-is-filled-in", named_by_file, accepted())
say(
    "the-type-of-the-field-is-kept",
    lambda s: then_head(s, signed(s, x_oss_content_type="video/x-own")),
    accepted(headers={"content-type": "video/x-own"}),
)
say(
    "the-type-of-the-file-is-kept",
    lambda s: then_head(s, signed(s), mime="video/x-file"),
    accepted(headers={"content-type": "video/x-file"}),
)
say(
    "metadata-is-kept", lambda s: then_head(s, signed(s, x_oss_meta_uid="7")), accepted(headers={"x-oss-meta-uid": "7"})
)
say(
    "fields-after-the-file-are-ignored",
    lambda s: then_head(
        s,
        signed(s),
        after=(f'--{forms.BOUNDARY}\r\nContent-Disposition: form-data; name="x-oss-meta-late"\r\n\r\n1\r\n').encode(),
    ),
    accepted(headers={"x-oss-meta-late": None}),
)
say(
    "another-value-than-signed-is-refused",
    lambda s: send(s, {**signed(s), "key": s.key("b")}),
    refused(403, "AccessDenied", Message=re.compile("Invalid according to Policy: Policy Condition failed.*")),
)
say(
    "a-field-that-is-missing-is-refused",
    lambda s: send(s, without(signed(s, x_oss_meta_uid="7"), "x-oss-meta-uid")),
    refused(403, "AccessDenied", "0006-00000226"),
    page=EC_PAGES + "0006-00000226",
)
say(
    "an-expired-policy-is-refused",
    lambda s: send(s, signed(s, expires=-60)),
    refused(403, "AccessDenied", "0006-00000213", Message="Invalid according to Policy: Policy expired."),
    page=EC_PAGES + "0006-00000213",
)
say("a-file-that-is-too-large-is-refused", lambda s: send(s, signed(s, (0, 5))), refused(400, "EntityTooLarge"))
say("a-file-that-is-too-small-is-refused", lambda s: send(s, signed(s, (100, 200))), refused(400, "EntityTooSmall"))
say(
    "another-signature-is-refused",
    lambda s: send(s, {**signed(s), "x-oss-signature": "0" * 64}),
    refused(403, "SignatureDoesNotMatch"),
)
say(
    "a-form-without-signature-is-refused",
    lambda s: send(s, without(signed(s), "x-oss-signature")),
    refused(400, "InvalidArgument"),
)
say(
    "a-policy-that-is-no-base64-is-refused",
    lambda s: with_policy(s, "no policy"),
    refused(400, "InvalidPolicyDocument"),
)
say(
    "a-policy-that-is-no-json-is-refused",
    lambda s: with_policy(s, "bm8gcG9saWN5"),
    refused(400, "InvalidPolicyDocument"),
)
say(
    "a-policy-that-does-not-bind-the-signature-is-refused",
    unbound,
    refused(403, "AccessDenied"),
    refused(400, "InvalidPolicyDocument"),
    varies="The manual does not name the code.",
)
say(
    "a-form-without-file-is-refused",
    lambda s: send(s, signed(s), None),
    refused(400, "IncorrectNumberOfFilesInPOSTRequest"),
)
say(
    "a-body-that-is-no-form-is-refused",
    lambda s: s.form("application/json", b"{}"),
    refused(400, "MalformedPOSTRequest"),
    refused(412, "PreconditionFailed"),
    varies="Sources differ about the code.",
)
say("forbid-overwrite-keeps-an-object", over_an_object, refused(409, "FileAlreadyExists"))
say(
    "a-callback-without-body-is-refused",
    lambda s: send(s, {**signed(s), "callback": BROKEN}),
    refused(400, "InvalidArgument", "0007-00000011"),
    page=EC_PAGES + "0007-00000011",
)
say(
    "version-1-is-accepted-or-closed",
    of_version_1,
    accepted(204),
    refused(403, "AccessDenied"),
    refused(400, "InvalidArgument"),
    varies="Newer accounts and buckets refuse signature version 1.",
)
