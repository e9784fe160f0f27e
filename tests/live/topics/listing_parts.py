"""ListParts, which the checkpoint of a resumed upload is compared with."""

from tests.live.answers import Answer
from tests.live.expectations import DECIMAL, HEX_MD5, accepted, refused
from tests.live.scene import SMALL, UNKNOWN_UPLOAD, Scene
from tests.live.statement import Topic

TOPIC = say = Topic("list-parts", "listparts")

ROOT = "ListPartsResult"


def parts(scene: Scene, numbers: tuple[int, ...] = (1, 2, 3), **query: str) -> Answer:
    """The list of an upload with these parts, which were sent in this order."""
    upload = scene.initiate("a b")
    for number in numbers:
        scene.parts("a b", upload, [SMALL], number)
    asked = tuple((name.replace("_", "-"), text) for name, text in query.items())
    return scene.send("GET", "a b", query=(("uploadId", upload), *asked))


say(
    "all-parts-are-listed-with-their-sums",
    parts,
    accepted(
        headers={"content-type": "application/xml"},
        elements={
            f"{ROOT}/Bucket": "{bucket}",
            f"{ROOT}/Key": "{folder}a b",
            f"{ROOT}/IsTruncated": "false",
            f"{ROOT}/MaxParts": "1000",
            f"{ROOT}/PartNumberMarker": "0",
            f"{ROOT}/NextPartNumberMarker": "3",
            f"{ROOT}/Part[1]/PartNumber": "1",
            f"{ROOT}/Part[1]/ETag": HEX_MD5,
            f"{ROOT}/Part[1]/Size": str(len(SMALL)),
            f"{ROOT}/Part[1]/HashCrc64ecma": DECIMAL,
            f"{ROOT}/Part[3]/PartNumber": "3",
        },
    ),
)
say(
    "parts-are-in-the-order-of-their-numbers",
    lambda s: parts(s, (7, 2, 10)),
    accepted(
        elements={
            f"{ROOT}/Part[1]/PartNumber": "2",
            f"{ROOT}/Part[2]/PartNumber": "7",
            f"{ROOT}/Part[3]/PartNumber": "10",
        }
    ),
)
say(
    "without-parts-the-next-marker-is-empty",
    lambda s: parts(s, ()),
    accepted(
        elements={f"{ROOT}/NextPartNumberMarker": "", f"{ROOT}/IsTruncated": "false", f"{ROOT}/Part/PartNumber": None}
    ),
)
say(
    "a-page-ends-where-max-parts-says",
    lambda s: parts(s, max_parts="2"),
    accepted(
        elements={
            f"{ROOT}/IsTruncated": "true",
            f"{ROOT}/NextPartNumberMarker": "2",
            f"{ROOT}/MaxParts": "2",
            f"{ROOT}/Part[2]/PartNumber": "2",
            f"{ROOT}/Part[3]/PartNumber": None,
        }
    ),
)
say(
    "a-page-begins-after-the-marker",
    lambda s: parts(s, part_number_marker="2"),
    accepted(
        elements={f"{ROOT}/PartNumberMarker": "2", f"{ROOT}/Part/PartNumber": "3", f"{ROOT}/IsTruncated": "false"}
    ),
)
say(
    "a-page-after-the-last-part-is-empty",
    lambda s: parts(s, part_number_marker="3"),
    accepted(elements={f"{ROOT}/IsTruncated": "false", f"{ROOT}/Part/PartNumber": None}),
)
say(
    "the-key-is-encoded-when-asked",
    lambda s: parts(s, (), encoding_type="url"),
    accepted(elements={f"{ROOT}/EncodingType": "url", f"{ROOT}/Key": "{folder}a%20b"}),
)
say(
    "more-than-1000-parts-a-page-are-refused",
    lambda s: parts(s, (), max_parts="1001"),
    refused(400, "InvalidArgument", ArgumentName="max-parts", ArgumentValue="1001"),
)
say(
    "a-page-of-no-number-is-refused",
    lambda s: parts(s, (), max_parts="some"),
    refused(400, "InvalidArgument", ArgumentName="max-parts"),
)
say(
    "a-marker-that-is-no-number-is-refused",
    lambda s: parts(s, (), part_number_marker="some"),
    refused(400, "InvalidArgument", ArgumentName="part-number-marker"),
)
say(
    "an-unknown-upload-is-404",
    lambda s: s.send("GET", "a", query=(("uploadId", UNKNOWN_UPLOAD),)),
    refused(404, "NoSuchUpload", "0042-00000002"),
)
