"""CompleteMultipartUpload, and the object that it makes."""

import re

from tests.live.answers import Answer
from tests.live.expectations import DECIMAL, accepted, refused
from tests.live.scene import SMALL, UNKNOWN_UPLOAD, Scene, md5, piece
from tests.live.statement import EC_PAGES, Topic
from uploads.oss.limits import MIN_PART_SIZE
from uploads.oss.messages import Part, build_complete

TOPIC = say = Topic("complete", "completemultipartupload")

ROOT = "CompleteMultipartUploadResult"
TWO = (piece(1), SMALL)
ETAG_OF_TWO = re.compile(r'"[0-9A-F]{32}-2"')
NO_UPLOAD = refused(404, "NoSuchUpload", "0042-00000002")


def of_two(scene: Scene, body: object = None, **more: object) -> Answer:
    """The answer to completing an upload of two parts. `body` makes another body from the two."""
    upload = scene.initiate("a b")
    sent = scene.parts("a b", upload, TWO)
    return scene.complete("a b", upload, body(sent) if callable(body) else sent, **more)


def then(scene: Scene, method: str, headers: dict[str, str] | None = None, **more: object) -> Answer:
    """The answer to a request for an object made of two parts."""
    scene.uploaded("a", TWO, headers)
    return scene.send(method, "a", **more)


def again(scene: Scene) -> Answer:
    """A second request to complete."""
    upload = scene.initiate("a")
    sent = scene.parts("a", upload, TWO)
    scene.need(scene.complete("a", upload, sent))
    return scene.complete("a", upload, sent)


def small_part_first(scene: Scene) -> Answer:
    """Two parts of which the first is too small."""
    upload = scene.initiate("a")
    return scene.complete("a", upload, scene.parts("a", upload, [SMALL, SMALL]))


def numbered_from(scene: Scene, first: int) -> Answer:
    """An upload whose first part has another number than 1."""
    upload = scene.initiate("a")
    return scene.complete("a", upload, scene.parts("a", upload, TWO, first))


def empty(scene: Scene) -> Answer:
    """An object of one part of no bytes."""
    upload = scene.initiate("a")
    return scene.complete("a", upload, scene.parts("a", upload, [b""]))


def over_an_object(scene: Scene, headers: dict[str, str]) -> Answer:
    """Completing a key that has an object by now."""
    upload = scene.initiate("a")
    sent = scene.parts("a", upload, [SMALL])
    scene.put("a")
    return scene.complete("a", upload, sent, headers=headers)


def all_parts(scene: Scene, value: str = "yes", body: bytes = b"") -> Answer:
    """Completing with whatever parts OSS holds."""
    upload = scene.initiate("a")
    scene.parts("a", upload, TWO)
    return scene.complete("a", upload, body, headers={"x-oss-complete-all": value})


say(
    "the-answer-names-the-object",
    of_two,
    accepted(
        headers={"etag": ETAG_OF_TWO, "x-oss-hash-crc64ecma": DECIMAL, "content-type": "application/xml"},
        elements={
            f"{ROOT}/Bucket": "{bucket}",
            f"{ROOT}/Key": "{folder}a b",
            f"{ROOT}/ETag": ETAG_OF_TWO,
            f"{ROOT}/EncodingType": None,
        },
    ),
)
say(
    "the-key-is-encoded-when-asked",
    lambda s: of_two(s, query=(("encoding-type", "url"),)),
    accepted(elements={f"{ROOT}/EncodingType": "url", f"{ROOT}/Key": "{folder}a%20b"}),
)
say(
    "etags-need-no-quotes",
    lambda s: of_two(
        s,
        lambda sent: (
            build_complete(sent)
            .replace(b'"', b"")
            .replace(b"version=1.0 encoding=UTF-8", b'version="1.0" encoding="UTF-8"')
        ),
    ),
    accepted(headers={"etag": ETAG_OF_TWO}),
)
say("the-right-content-md5-is-accepted", lambda s: of_two(s, headers={}), accepted())
say(
    "a-wrong-content-md5-is-refused",
    lambda s: of_two(s, headers={"Content-MD5": md5(b"other")}),
    refused(400, "InvalidDigest"),
)
say(
    "head-names-a-multipart-object",
    lambda s: then(s, "HEAD"),
    accepted(
        headers={
            "x-oss-object-type": "Multipart",
            "etag": ETAG_OF_TWO,
            "content-length": str(MIN_PART_SIZE + len(SMALL)),
            "x-oss-hash-crc64ecma": DECIMAL,
            "content-md5": None,
        }
    ),
    page="headobject",
)
say(
    "headers-of-initiate-are-kept",
    lambda s: then(s, "HEAD", {"Content-Type": "video/mp4", "x-oss-meta-uid": "7", "Cache-Control": "no-cache"}),
    accepted(headers={"content-type": "video/mp4", "x-oss-meta-uid": "7", "cache-control": "no-cache"}),
    page="headobject",
)
say(
    "a-range-crosses-parts",
    lambda s: then(s, "GET", unsigned={"Range": f"bytes={MIN_PART_SIZE - 2}-{MIN_PART_SIZE + 2}"}),
    accepted(206, headers={"content-length": "5"}),
    page="getobject",
)
say(
    "parts-that-are-not-listed-are-dropped",
    lambda s: of_two(s, lambda sent: build_complete(sent[:1])),
    accepted(headers={"etag": re.compile(r'"[0-9A-F]{32}-1"')}),
)
say("numbers-need-not-begin-at-1", lambda s: numbered_from(s, 41), accepted(headers={"etag": ETAG_OF_TWO}))
say("an-empty-part-makes-an-empty-object", empty, accepted(headers={"x-oss-hash-crc64ecma": "0"}))
say("a-private-acl-is-accepted", lambda s: of_two(s, headers={"x-oss-object-acl": "private"}), accepted())
say(
    "an-unknown-acl-is-refused",
    lambda s: of_two(s, headers={"x-oss-object-acl": "everybody"}),
    refused(400, "InvalidArgument"),
)
say(
    "parts-out-of-order-are-refused",
    lambda s: of_two(s, lambda sent: build_complete(sent[::-1])),
    refused(400, "InvalidPartOrder"),
)
say(
    "a-part-listed-twice-is-refused",
    lambda s: of_two(s, lambda sent: build_complete([sent[0], sent[0]])),
    refused(400, "InvalidPartOrder"),
)
say(
    "a-part-that-is-missing-is-refused",
    lambda s: of_two(s, lambda sent: build_complete([*sent, Part(3, sent[0].etag)])),
    refused(400, "InvalidPart"),
)
say(
    "another-etag-is-refused",
    lambda s: of_two(s, lambda sent: build_complete([sent[0], Part(2, sent[0].etag)])),
    refused(400, "InvalidPart"),
)
say(
    "a-small-part-before-the-last-is-refused",
    small_part_first,
    refused(400, "EntityTooSmall", MinSizeAllowed=str(MIN_PART_SIZE), ProposedSize=str(len(SMALL)), PartNumber="1"),
)
say(
    "an-empty-list-is-refused",
    lambda s: of_two(s, lambda sent: b"<CompleteMultipartUpload/>"),
    refused(400, "MalformedXML", "0042-00000205"),
    page=EC_PAGES + "0042-00000205",
)
say(
    "an-empty-body-is-refused",
    lambda s: of_two(s, lambda sent: b""),
    refused(400, "MalformedXML", "0042-00000205"),
    page=EC_PAGES + "0042-00000205",
)
say(
    "a-body-that-is-no-xml-is-refused",
    lambda s: of_two(s, lambda sent: b"parts: 1, 2"),
    refused(400, "MalformedXML", "0042-00000205"),
    page=EC_PAGES + "0042-00000205",
)
say(
    "another-root-is-refused",
    lambda s: of_two(s, lambda sent: b"<Parts/>"),
    refused(400, "MalformedXML", "0042-00000205"),
    page=EC_PAGES + "0042-00000205",
)
say("an-unknown-upload-is-404", lambda s: s.complete("a", UNKNOWN_UPLOAD, [Part(1, "0" * 32)]), NO_UPLOAD)
say("a-second-request-is-404", again, NO_UPLOAD)
say("an-object-is-replaced", lambda s: over_an_object(s, {}), accepted())
say(
    "forbid-overwrite-keeps-an-object",
    lambda s: over_an_object(s, {"x-oss-forbid-overwrite": "true"}),
    refused(409, "FileAlreadyExists", "0042-00000214"),
    page=EC_PAGES + "0042-00000214",
)
say("complete-all-takes-the-parts-that-are-there", all_parts, accepted(headers={"etag": ETAG_OF_TWO}))
say(
    "complete-all-with-a-body-is-refused",
    lambda s: all_parts(s, body=b"<CompleteMultipartUpload/>"),
    refused(400, "InvalidArgument", "0042-00000216"),
    page=EC_PAGES + "0042-00000216",
)
say("complete-all-takes-only-yes", lambda s: all_parts(s, "no"), refused(400, "InvalidArgument"))
