"""InitiateMultipartUpload and UploadPart."""

import re

from tests.live.answers import Answer
from tests.live.expectations import ANY, DECIMAL, HEX_MD5, accepted, refused
from tests.live.scene import SMALL, UNKNOWN_UPLOAD, Scene, md5, piece
from tests.live.statement import EC_PAGES, Topic

TOPIC = say = Topic("part", "uploadpart")

NO_UPLOAD = refused(404, "NoSuchUpload", "0042-00000104", UploadId=ANY)
# Sources differ about the capital.
NUMBER = refused(400, "InvalidArgument", ArgumentName=re.compile("[pP]artNumber"))


def start(scene: Scene, headers: dict[str, str] | None = None, query: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The answer to InitiateMultipartUpload."""
    return scene.send("POST", "a b", query=(("uploads", ""), *query), headers=headers or {})


def part(scene: Scene, number: int | str = 1, content: bytes = SMALL, **more: object) -> Answer:
    """The answer to one part of a new upload."""
    return scene.part("a", scene.initiate("a"), number, content, **more)


def listed(scene: Scene, key: str, upload: str) -> Answer:
    """The parts of an upload."""
    return scene.send("GET", key, query=(("uploadId", upload),))


def replaced(scene: Scene) -> Answer:
    """The parts of an upload whose only part was sent twice."""
    upload = scene.initiate("a")
    scene.parts("a", upload, [SMALL])
    scene.parts("a", upload, [b"second"])
    return listed(scene, "a", upload)


def of_another_key(scene: Scene) -> Answer:
    """A part for an upload of another key."""
    return scene.part("b", scene.initiate("a"), 1)


def out_of_order(scene: Scene) -> Answer:
    """Part 3 of a sequential upload that has part 1."""
    upload = scene.initiate("a", query=("sequential",))
    scene.parts("a", upload, [piece(1)])
    return scene.part("a", upload, 3)


RESULT = "InitiateMultipartUploadResult"
INITIATE = "initiatemultipartupload"
say(
    "initiate-names-bucket-key-and-upload",
    start,
    accepted(
        headers={"content-type": "application/xml"},
        elements={
            f"{RESULT}/Bucket": "{bucket}",
            f"{RESULT}/Key": "{folder}a b",
            f"{RESULT}/UploadId": ANY,
            f"{RESULT}/EncodingType": None,
        },
    ),
    page=INITIATE,
)
say(
    "initiate-encodes-the-key-when-asked",
    lambda s: start(s, query=(("encoding-type", "url"),)),
    accepted(elements={f"{RESULT}/EncodingType": "url", f"{RESULT}/Key": "{folder}a%20b"}),
    page=INITIATE,
)
say(
    "initiate-refuses-another-encoding",
    lambda s: start(s, query=(("encoding-type", "hex"),)),
    refused(400, "InvalidArgument"),
    page=INITIATE,
)
say(
    "initiate-names-the-encryption",
    lambda s: start(s, {"x-oss-server-side-encryption": "AES256"}),
    accepted(headers={"x-oss-server-side-encryption": "AES256"}),
    page=INITIATE,
)
say(
    "initiate-refuses-an-unknown-storage-class",
    lambda s: start(s, {"x-oss-storage-class": "Attic"}),
    refused(400, "InvalidArgument"),
    page=INITIATE,
)
say(
    "initiate-refuses-an-unknown-encryption",
    lambda s: start(s, {"x-oss-server-side-encryption": "ROT13"}),
    refused(400, "InvalidEncryptionAlgorithmError"),
    page=INITIATE,
)
say(
    "a-part-is-answered-with-etag-md5-and-crc",
    part,
    accepted(headers={"etag": HEX_MD5, "content-md5": md5(SMALL), "x-oss-hash-crc64ecma": DECIMAL}, body=""),
)
say("an-empty-part-is-accepted", lambda s: part(s, content=b""), accepted(headers={"x-oss-hash-crc64ecma": "0"}))
say("part-10000-is-accepted", lambda s: part(s, 10_000), accepted())
say("part-0-is-refused", lambda s: part(s, 0), NUMBER)
say("part-10001-is-refused", lambda s: part(s, 10_001), NUMBER)
say("a-negative-part-is-refused", lambda s: part(s, -1), NUMBER)
say("a-part-number-that-is-no-number-is-refused", lambda s: part(s, "one"), NUMBER)
say("the-right-content-md5-is-accepted", lambda s: part(s, headers={"Content-MD5": md5(SMALL)}), accepted())
say(
    "a-wrong-content-md5-is-refused",
    lambda s: part(s, headers={"Content-MD5": md5(b"other")}),
    refused(400, "InvalidDigest"),
)
say("a-signed-content-type-is-accepted", lambda s: part(s, headers={"Content-Type": "video/mp4"}), accepted())
say(
    "encryption-is-refused",
    lambda s: part(s, headers={"x-oss-server-side-encryption": "AES256"}),
    refused(400, "InvalidArgument"),
)
say(
    "a-part-in-chunks-is-accepted", lambda s: part(s, content=iter([SMALL, SMALL])), accepted(headers={"etag": HEX_MD5})
)
say("an-unknown-upload-is-404", lambda s: s.part("a", UNKNOWN_UPLOAD, 1), NO_UPLOAD, page=EC_PAGES + "0042-00000104")
say("an-upload-of-another-key-is-404", of_another_key, NO_UPLOAD, page=EC_PAGES + "0042-00000104")
say(
    "a-part-sent-again-replaces-the-first",
    replaced,
    accepted(elements={"ListPartsResult/Part/Size": "6", "ListPartsResult/Part/PartNumber": "1"}),
)
say("a-sequential-upload-refuses-a-gap", out_of_order, refused(400, "PartNotSequential"), page=INITIATE)
say(
    "a-traffic-limit-is-accepted",
    lambda s: part(s, headers={"x-oss-traffic-limit": "8192000"}),
    accepted(),
    page="https://www.alibabacloud.com/help/en/oss/user-guide/single-connection-bandwidth-throttling-6",
)
say(
    "a-traffic-limit-below-100-kib-a-second-is-refused",
    lambda s: part(s, headers={"x-oss-traffic-limit": "1"}),
    refused(400, "InvalidArgument"),
    page="https://www.alibabacloud.com/help/en/oss/user-guide/single-connection-bandwidth-throttling-6",
)
