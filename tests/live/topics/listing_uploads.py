"""ListMultipartUploads, by which orphans are found."""

from tests.live.answers import Answer
from tests.live.expectations import ANY, accepted, refused
from tests.live.scene import Scene
from tests.live.statement import Topic

TOPIC = say = Topic("list-uploads", "listmultipartuploads")

ROOT = "ListMultipartUploadsResult"


def uploads(scene: Scene, keys: tuple[str, ...] = ("b", "a", "c"), **query: str) -> Answer:
    """The list of the uploads below the statement's folder, which were started in this order."""
    for key in keys:
        scene.initiate(key)
    given = {"prefix": scene.folder, **{name.replace("_", "-"): text for name, text in query.items()}}
    if "key-marker" in given:
        given["key-marker"] = scene.key(given["key-marker"])
    return scene.send("GET", query=(("uploads", ""), *given.items()))


say(
    "uploads-are-listed-by-key",
    uploads,
    accepted(
        elements={
            f"{ROOT}/Bucket": "{bucket}",
            f"{ROOT}/Prefix": "{folder}",
            f"{ROOT}/IsTruncated": "false",
            f"{ROOT}/MaxUploads": "1000",
            f"{ROOT}/Upload[1]/Key": "{folder}a",
            f"{ROOT}/Upload[2]/Key": "{folder}b",
            f"{ROOT}/Upload[3]/Key": "{folder}c",
            f"{ROOT}/Upload[1]/UploadId": ANY,
            f"{ROOT}/Upload[1]/Initiated": ANY,
        }
    ),
)
say(
    "a-page-ends-where-max-uploads-says",
    lambda s: uploads(s, max_uploads="1"),
    accepted(
        elements={
            f"{ROOT}/IsTruncated": "true",
            f"{ROOT}/NextKeyMarker": "{folder}a",
            f"{ROOT}/NextUploadIdMarker": ANY,
            f"{ROOT}/Upload/Key": "{folder}a",
        }
    ),
)
say(
    "a-page-begins-after-the-key-marker",
    lambda s: uploads(s, key_marker="a"),
    accepted(
        elements={
            f"{ROOT}/KeyMarker": "{folder}a",
            f"{ROOT}/Upload[1]/Key": "{folder}b",
            f"{ROOT}/Upload[2]/Key": "{folder}c",
        }
    ),
)
say(
    "a-delimiter-makes-common-prefixes",
    lambda s: uploads(s, ("x/1", "x/2", "y"), delimiter="/"),
    accepted(
        elements={
            f"{ROOT}/CommonPrefixes/Prefix": "{folder}x/",
            f"{ROOT}/Upload/Key": "{folder}y",
            f"{ROOT}/Delimiter": "/",
        }
    ),
)
say(
    "keys-are-encoded-when-asked",
    lambda s: uploads(s, ("a b",), encoding_type="url"),
    accepted(elements={f"{ROOT}/EncodingType": "url", f"{ROOT}/Upload/Key": "{folder}a%20b"}),
)
say(
    "no-upload-makes-empty-markers",
    lambda s: uploads(s, ()),
    accepted(
        elements={
            f"{ROOT}/IsTruncated": "false",
            f"{ROOT}/NextKeyMarker": "",
            f"{ROOT}/NextUploadIdMarker": "",
            f"{ROOT}/Upload/Key": None,
        }
    ),
)
say("more-than-1000-a-page-are-refused", lambda s: uploads(s, (), max_uploads="1001"), refused(400, "InvalidArgument"))
say("another-encoding-is-refused", lambda s: uploads(s, (), encoding_type="hex"), refused(400, "InvalidArgument"))
