"""Signature version 4 in the Authorization header."""

from tests.live.answers import Answer
from tests.live.expectations import ANY, DECIMAL, HEX_MD5, accepted, refused
from tests.live.scene import SMALL, Scene, md5, stranger
from tests.live.statement import EC_PAGES, Topic
from uploads.oss import signing
from uploads.oss.signing import OssRequest

TOPIC = say = Topic("v4-header", "recommend-to-use-signature-version-4")

DIFFERS = refused(403, "SignatureDoesNotMatch", SignatureProvided=ANY, StringToSign=ANY)


def authorized(scene: Scene, form: str, **headers: str) -> Answer:
    """A PUT whose Authorization header is `form`, with the right values for its names in braces."""
    context, key = scene.context_now(), scene.key("a")
    sent = signing.authorization(context, OssRequest("PUT", scene.target.bucket, key, (), headers))
    credential, _, signature = sent["Authorization"].partition("Credential=")[2].partition(",Signature=")
    given = form.format(credential=credential, signature=signature)
    return scene.send("PUT", "a", content=SMALL, signature="none", headers={**sent, "Authorization": given})


say(
    "a-put-is-accepted",
    lambda s: s.send("PUT", "a", content=SMALL, headers={"Content-Type": "text/plain"}),
    accepted(headers={"etag": HEX_MD5, "x-oss-hash-crc64ecma": DECIMAL, "x-oss-server-time": ANY, "date": ANY}),
)
say(
    "additional-headers-are-accepted",
    lambda s: s.send(
        "PUT", "a", content=SMALL, additional=("content-length",), headers={"Content-Length": str(len(SMALL))}
    ),
    accepted(),
)
say(
    "fields-in-another-order-with-spaces-are-accepted",
    lambda s: authorized(s, "OSS4-HMAC-SHA256 Signature={signature}, Credential={credential}"),
    accepted(),
)
say(
    "an-unsigned-header-of-http-is-accepted",
    lambda s: s.send("PUT", "a", content=SMALL, unsigned={"Cache-Control": "no-cache"}),
    accepted(),
)
say("a-date-ten-minutes-old-is-accepted", lambda s: s.send("PUT", "a", content=SMALL, ago=600), accepted())
say(
    "a-date-twenty-minutes-old-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, ago=1200),
    refused(403, "RequestTimeTooSkewed", "0002-00000504", ServerTime=ANY, RequestTime=ANY),
    page=EC_PAGES + "0002-00000504",
)
say(
    "a-date-twenty-minutes-ahead-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, ago=-1200),
    refused(403, "RequestTimeTooSkewed", "0002-00000504"),
    page=EC_PAGES + "0002-00000504",
)
say(
    "another-content-type-than-signed-is-refused",
    lambda s: s.send(
        "PUT", "a", content=SMALL, headers={"Content-Type": "text/plain"}, unsigned={"Content-Type": "text/html"}
    ),
    DIFFERS,
)
say(
    "an-unsigned-content-type-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, unsigned={"Content-Type": "text/html"}),
    DIFFERS,
)
say(
    "an-unsigned-content-md5-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, unsigned={"Content-MD5": md5(SMALL)}),
    DIFFERS,
)
say(
    "an-unsigned-header-of-oss-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, unsigned={"x-oss-meta-a": "b"}),
    DIFFERS,
)
say(
    "an-unsigned-parameter-is-refused",
    lambda s: s.send("GET", "a", query=(("acl", ""),), rewrite=lambda query: query + "&more=1"),
    DIFFERS,
)
say(
    "another-secret-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, credentials=stranger(s.target.credentials, access_key_secret="x" * 30)),
    DIFFERS,
)
say(
    "an-unknown-key-is-refused",
    lambda s: s.send(
        "PUT",
        "a",
        content=SMALL,
        credentials=stranger(s.target.credentials, access_key_id="LTAI5tNobodyHasThisKeyId", security_token=None),
    ),
    refused(403, "InvalidAccessKeyId", "0002-00000902", OSSAccessKeyId=ANY),
    page=EC_PAGES + "0002-00000902",
)
say(
    "another-region-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, region="xx-nowhere"),
    refused(400, "InvalidArgument", "0002-00000226"),
    page=EC_PAGES + "0002-00000226",
)
say(
    "another-product-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, product="ecs"),
    refused(400, "InvalidArgument"),
)
say(
    "a-missing-payload-hash-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, unsigned={"x-oss-content-sha256": None}),
    refused(400, "InvalidArgument", "0002-00000214"),
    page=EC_PAGES + "0002-00000214",
)
say(
    "another-payload-hash-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, unsigned={"x-oss-content-sha256": "0" * 64}),
    refused(400, "InvalidArgument", "0002-00000214"),
    page=EC_PAGES + "0002-00000214",
)
say(
    "a-missing-signature-is-refused",
    lambda s: authorized(s, "OSS4-HMAC-SHA256 Credential={credential}"),
    refused(400, "InvalidArgument", "0002-00000210"),
    page=EC_PAGES + "0002-00000210",
)
say(
    "a-missing-credential-is-refused",
    lambda s: authorized(s, "OSS4-HMAC-SHA256 Signature={signature}"),
    refused(400, "InvalidArgument", "0002-00000210"),
    page=EC_PAGES + "0002-00000210",
)
say(
    "an-empty-list-of-additional-headers-is-refused",
    lambda s: authorized(s, "OSS4-HMAC-SHA256 Credential={credential},AdditionalHeaders=,Signature={signature}"),
    refused(400, "InvalidArgument", "0002-00000209"),
    page=EC_PAGES + "0002-00000209",
)
say(
    "a-malformed-credential-is-refused",
    lambda s: authorized(s, "OSS4-HMAC-SHA256 Credential=somebody,Signature={signature}"),
    refused(400, "InvalidArgument", "0002-00000213"),
    page=EC_PAGES + "0002-00000213",
)
say(
    "a-malformed-date-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, unsigned={"x-oss-date": "yesterday"}),
    refused(400, "InvalidArgument", "0002-00000211"),
    page=EC_PAGES + "0002-00000211",
)
