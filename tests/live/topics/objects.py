"""Single objects: put, read, delete, metadata."""

from tests.live.answers import Answer
from tests.live.expectations import ANY, DECIMAL, HEX_MD5, accepted, refused
from tests.live.scene import SMALL, Scene, md5
from tests.live.statement import EC_PAGES, Topic

TOPIC = say = Topic("object", "putobject")

HEADERS = {
    "Content-Type": "video/mp4",
    "Cache-Control": "no-cache",
    "Content-Disposition": 'attachment; filename="a b.mp4"',
    "Content-Encoding": "gzip",
    "Expires": "Thu, 15 Jan 2026 08:30:00 GMT",
    "x-oss-meta-uid": "7",
}
MD5_OF_SMALL = md5(SMALL)


def after(scene: Scene, method: str, headers: dict[str, str] | None = None, **more: object) -> Answer:
    """The answer to a request for an object that was stored with these headers."""
    scene.put("a", headers=headers)
    return scene.send(method, "a", **more)


def twice(scene: Scene, **headers: str) -> Answer:
    """A PUT of an object that exists."""
    scene.put("a")
    return scene.send(
        "PUT", "a", content=b"other", headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def refused_header(name: str, value: str) -> object:
    """A PUT with one header."""
    return lambda s: s.send("PUT", "a", content=SMALL, headers={name: value})


say(
    "the-answer-names-etag-md5-and-crc",
    lambda s: s.send("PUT", "a", content=SMALL),
    accepted(headers={"etag": HEX_MD5, "content-md5": MD5_OF_SMALL, "x-oss-hash-crc64ecma": DECIMAL}),
)
say(
    "an-empty-object-is-accepted",
    lambda s: s.send("PUT", "a"),
    accepted(headers={"etag": '"D41D8CD98F00B204E9800998ECF8427E"', "x-oss-hash-crc64ecma": "0"}),
)
say(
    "a-body-in-chunks-is-accepted",
    lambda s: s.send("PUT", "a", content=iter([SMALL, SMALL])),
    accepted(headers={"etag": HEX_MD5}),
)
say(
    "the-right-content-md5-is-accepted",
    lambda s: s.send("PUT", "a", content=SMALL, headers={"Content-MD5": MD5_OF_SMALL}),
    accepted(),
)
say(
    "a-wrong-content-md5-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, headers={"Content-MD5": md5(b"other")}),
    refused(400, "InvalidDigest"),
)
say("a-malformed-content-md5-is-refused", refused_header("Content-MD5", "nothing"), refused(400, "InvalidDigest"))
say(
    "headers-are-kept",
    lambda s: after(s, "GET", HEADERS),
    accepted(headers={name.lower(): value for name, value in HEADERS.items()}),
    page="getobject",
)
say(
    "without-a-type-it-is-octet-stream",
    lambda s: after(s, "HEAD"),
    accepted(headers={"content-type": "application/octet-stream"}),
)
say(
    "head-describes-it",
    lambda s: after(s, "HEAD"),
    accepted(
        headers={
            "content-length": str(len(SMALL)),
            "etag": HEX_MD5,
            "last-modified": ANY,
            "x-oss-object-type": "Normal",
            "x-oss-storage-class": ANY,
            "x-oss-hash-crc64ecma": DECIMAL,
            "content-md5": MD5_OF_SMALL,
            "accept-ranges": "bytes",
        }
    ),
    page="headobject",
)
say(
    "meta-describes-it-shortly",
    lambda s: after(s, "HEAD", query=(("objectMeta", ""),)),
    accepted(headers={"content-length": str(len(SMALL)), "etag": HEX_MD5, "last-modified": ANY, "content-type": None}),
    page="getobjectmeta",
    varies="Whether Content-Type is sent is unknown.",
)
say(
    "get-of-a-missing-object-is-404",
    lambda s: s.send("GET", "a"),
    refused(404, "NoSuchKey", "0026-00000001", Key=ANY),
    page=EC_PAGES + "0026-00000001",
)
say(
    "head-of-a-missing-object-is-404",
    lambda s: s.send("HEAD", "a"),
    refused(404, "NoSuchKey", "0026-00000001"),
    page="headobject",
)
say("delete-answers-204", lambda s: after(s, "DELETE"), accepted(204, body=""), page="deleteobject")
say("delete-of-a-missing-object-answers-204", lambda s: s.send("DELETE", "a"), accepted(204), page="deleteobject")
say("forbid-overwrite-is-accepted-for-a-new-key", refused_header("x-oss-forbid-overwrite", "true"), accepted())
say(
    "forbid-overwrite-is-refused-for-an-old-key",
    lambda s: twice(s, x_oss_forbid_overwrite="true"),
    refused(409, "FileAlreadyExists", "0026-00000002"),
    page=EC_PAGES + "0026-00000002",
)
say("without-it-an-object-is-replaced", lambda s: twice(s), accepted())
say(
    "an-unknown-storage-class-is-refused",
    refused_header("x-oss-storage-class", "Attic"),
    refused(400, "InvalidArgument", ArgumentName="x-oss-storage-class", ArgumentValue="Attic"),
)
say(
    "an-unknown-encryption-is-refused",
    refused_header("x-oss-server-side-encryption", "ROT13"),
    refused(400, "InvalidEncryptionAlgorithmError"),
)
say(
    "encryption-is-named-in-the-answer",
    refused_header("x-oss-server-side-encryption", "AES256"),
    accepted(headers={"x-oss-server-side-encryption": "AES256"}),
)
say("an-unknown-acl-is-refused", refused_header("x-oss-object-acl", "everybody"), refused(400, "InvalidArgument"))
say(
    "more-than-8-kib-of-metadata-is-refused",
    lambda s: s.send("PUT", "a", content=SMALL, headers={f"x-oss-meta-{number}": "x" * 2000 for number in range(5)}),
    refused(400, "InvalidArgument"),
    varies="The code is not documented.",
)
say(
    "a-method-that-oss-has-not-is-refused",
    lambda s: s.send("PATCH", "a", content=SMALL),
    refused(405, "MethodNotAllowed"),
)
