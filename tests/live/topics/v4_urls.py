"""Signature version 4 in presigned URLs, as browsers use them."""

import re

from tests.live.answers import Answer
from tests.live.expectations import ANY, accepted, refused
from tests.live.scene import SMALL, Scene, md5, stranger
from tests.live.statement import EC_PAGES, Topic

TOPIC = say = Topic("v4-url", "add-signatures-to-urls")

DIFFERS = refused(403, "SignatureDoesNotMatch")


def put(scene: Scene, **more: object) -> Answer:
    """A PUT of the small object by a presigned URL."""
    return scene.send("PUT", "a", content=SMALL, signature="url", public=True, **more)


def changed(pattern: str, text: str) -> object:
    """A rewriting of the query: each match of `pattern` becomes `text`."""
    return lambda query: re.sub(pattern, text, query)


def get(scene: Scene, **more: object) -> Answer:
    """A GET of the small object by a presigned URL."""
    scene.put("a")
    return scene.send("GET", "a", signature="url", public=True, **more)


def part(scene: Scene, **more: object) -> Answer:
    """A part, by a presigned URL."""
    return scene.part("a", scene.initiate("a"), 1, signature="url", public=True, **more)


say("a-put-is-accepted", put, accepted(headers={"etag": ANY}))
say("a-get-is-accepted", get, accepted(headers={"content-length": str(len(SMALL))}))
say("a-part-is-accepted", part, accepted(headers={"etag": ANY}))
say(
    "the-method-is-signed",
    lambda s: s.send("HEAD", "a", signature="url", public=True, rewrite=lambda query: s.presigned_query("GET", "a")),
    refused(403, "SignatureDoesNotMatch"),
)
say("another-part-number-is-refused", lambda s: part(s, rewrite=changed("partNumber=1", "partNumber=2")), DIFFERS)
say("a-further-parameter-is-refused", lambda s: put(s, rewrite=lambda query: query + "&acl"), DIFFERS)
say(
    "another-secret-is-refused",
    lambda s: put(s, credentials=stranger(s.target.credentials, access_key_secret="x" * 30)),
    DIFFERS,
)
say("an-unsigned-content-type-is-refused", lambda s: put(s, unsigned={"Content-Type": "text/plain"}), DIFFERS)
say("a-signed-content-type-is-accepted", lambda s: put(s, headers={"Content-Type": "text/plain"}), accepted())
say(
    "a-signed-content-type-must-be-sent",
    lambda s: put(s, headers={"Content-Type": "text/plain"}, unsigned={"Content-Type": None}),
    DIFFERS,
)
say(
    "a-signed-content-type-must-be-the-same",
    lambda s: put(s, headers={"Content-Type": "text/plain"}, unsigned={"Content-Type": "text/html"}),
    DIFFERS,
)
say("an-unsigned-content-md5-is-refused", lambda s: part(s, unsigned={"Content-MD5": md5(SMALL)}), DIFFERS)
say("a-signed-content-md5-is-accepted", lambda s: part(s, headers={"Content-MD5": md5(SMALL)}), accepted())
say(
    "a-signed-content-md5-binds-the-bytes",
    lambda s: put(s, headers={"Content-MD5": md5(b"other")}),
    refused(400, "InvalidDigest"),
)
say("an-unsigned-header-of-oss-is-refused", lambda s: put(s, unsigned={"x-oss-object-acl": "private"}), DIFFERS)
say("a-signed-header-of-oss-is-accepted", lambda s: put(s, headers={"x-oss-object-acl": "private"}), accepted())
say(
    "a-signed-length-is-accepted",
    lambda s: put(s, headers={"Content-Length": str(len(SMALL))}, additional=("content-length",)),
    accepted(),
)
say(
    "another-length-than-signed-is-refused",
    lambda s: s.send(
        "PUT",
        "a",
        content=SMALL + b"!",
        signature="url",
        headers={"Content-Length": str(len(SMALL))},
        unsigned={"Content-Length": str(len(SMALL) + 1)},
        additional=("content-length",),
        public=True,
    ),
    DIFFERS,
)
say(
    "a-range-need-not-be-signed",
    lambda s: get(s, unsigned={"Range": "bytes=0-4"}),
    accepted(206, headers={"content-range": f"bytes 0-4/{len(SMALL)}"}),
)
say(
    "an-expired-url-is-refused",
    lambda s: put(s, ago=7200, expires=60),
    refused(403, "AccessDenied", "0002-00000069", Expires=ANY, ServerTime=ANY),
    page=EC_PAGES + "0002-00000069",
)
say(
    "a-url-of-an-hour-ahead-is-refused",
    lambda s: put(s, ago=-3600),
    refused(403, "AccessDenied", "0002-00000235"),
    page=EC_PAGES + "0002-00000235",
)
say("seven-days-are-accepted", lambda s: put(s, expires=604_800), accepted())
say(
    "more-than-seven-days-are-refused",
    lambda s: put(s, expires=604_801),
    refused(400, "InvalidArgument", "0002-00000232"),
    page=EC_PAGES + "0002-00000232",
)
say(
    "no-seconds-are-refused",
    lambda s: put(s, expires=0),
    refused(400, "InvalidArgument", "0002-00000232"),
    page=EC_PAGES + "0002-00000232",
)
say(
    "a-url-without-expiry-is-refused",
    lambda s: put(s, rewrite=changed("&x-oss-expires=[0-9]+", "")),
    refused(400, "InvalidArgument", "0002-00000216"),
    page=EC_PAGES + "0002-00000216",
)
say(
    "a-url-without-signature-is-refused",
    lambda s: put(s, rewrite=changed("&x-oss-signature=.*", "")),
    refused(400, "InvalidArgument", "0002-00000219"),
    page=EC_PAGES + "0002-00000219",
)
say(
    "a-malformed-credential-is-refused",
    lambda s: put(s, rewrite=changed("x-oss-credential=[^&]*", "x-oss-credential=a")),
    refused(400, "InvalidArgument", "0002-00000220"),
    page=EC_PAGES + "0002-00000220",
)
say(
    "a-malformed-date-is-refused",
    lambda s: put(s, rewrite=changed("x-oss-date=[^&]*", "x-oss-date=yesterday")),
    refused(400, "InvalidArgument", "0002-00000222"),
    page=EC_PAGES + "0002-00000222",
)
say(
    "another-day-than-the-scope-is-refused",
    lambda s: put(s, rewrite=changed("x-oss-date=[^&]*", "x-oss-date=20200101T000000Z")),
    refused(400, "InvalidArgument", "0002-00000223"),
    page=EC_PAGES + "0002-00000223",
)
say(
    "another-region-is-refused",
    lambda s: put(s, region="xx-nowhere"),
    refused(400, "InvalidArgument", "0002-00000226"),
    page=EC_PAGES + "0002-00000226",
)
say(
    "a-token-in-a-header-is-refused",
    lambda s: put(s, unsigned={"x-oss-security-token": "CAISnobodysToken"}),
    refused(400, "InvalidArgument"),
)
say(
    "a-signed-disposition-is-answered",
    lambda s: get(s, query=(("response-content-disposition", "attachment"), ("response-content-type", "text/x-own"))),
    accepted(headers={"content-disposition": "attachment", "content-type": "text/x-own"}),
    page="getobject",
)
say(
    "a-changed-disposition-is-refused",
    lambda s: get(s, query=(("response-content-disposition", "attachment"),), rewrite=changed("attachment", "inline")),
    DIFFERS,
)
