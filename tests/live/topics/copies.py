"""CopyObject and UploadPartCopy, by which staged files get their final key."""

from urllib.parse import quote

from tests.live.answers import Answer
from tests.live.expectations import DECIMAL, HEX_MD5, accepted, refused
from tests.live.scene import SMALL, UNKNOWN_UPLOAD, Scene, piece
from tests.live.statement import EC_PAGES, Topic
from uploads.oss.limits import MIN_PART_SIZE

TOPIC = say = Topic("copy", "copyobject")

PART = "uploadpartcopy"


def source(scene: Scene, key: str = "source") -> str:
    """The value of x-oss-copy-source."""
    return f"/{scene.target.bucket}/{quote(scene.key(key))}"


def copy(scene: Scene, headers: dict[str, str] | None = None, *, kept: dict[str, str] | None = None) -> Answer:
    """The answer to copying a small object with the headers `kept`. `{etag}` stands for its ETag."""
    etag = scene.put("source", headers=kept).headers["ETag"]
    given = {name: text.replace("{etag}", etag) for name, text in (headers or {}).items()}
    return scene.send("PUT", "copy", headers={"x-oss-copy-source": source(scene), **given})


def copied(scene: Scene, headers: dict[str, str], method: str = "HEAD", **more: object) -> Answer:
    """The answer to a request for the copy of an object that has metadata and a tag."""
    scene.need(copy(scene, headers, kept={"Content-Type": "video/mp4", "x-oss-meta-uid": "7", "x-oss-tagging": "a=b"}))
    return scene.send(method, "copy", **more)


def onto_an_object(scene: Scene) -> Answer:
    """A copy onto a key that is taken."""
    scene.put("copy")
    return copy(scene, {"x-oss-forbid-overwrite": "true"})


def with_plus(scene: Scene) -> Answer:
    """A copy of an object that has a space in its key, which the source names by a plus."""
    scene.put("a b")
    return scene.send("PUT", "copy", headers={"x-oss-copy-source": source(scene, "a") + "+b"})


def part(scene: Scene, headers: dict[str, str] | None = None, upload: str = "") -> Answer:
    """The answer to copying an object of 100 KiB and 11 bytes as a part."""
    etag = scene.put("source", piece(1) + SMALL).headers["ETag"]
    given = {name: text.replace("{etag}", etag) for name, text in (headers or {}).items()}
    query = (("partNumber", "1"), ("uploadId", upload or scene.initiate("copy")))
    return scene.send("PUT", "copy", query=query, headers={"x-oss-copy-source": source(scene), **given})


def listed(scene: Scene) -> Answer:
    """The parts of an upload after a range was copied."""
    upload = scene.initiate("copy")
    scene.need(part(scene, {"x-oss-copy-source-range": "bytes=10-109"}, upload))
    return scene.send("GET", "copy", query=(("uploadId", upload),))


say(
    "the-answer-names-the-copy",
    copy,
    accepted(headers={"x-oss-hash-crc64ecma": DECIMAL, "etag": HEX_MD5}, elements={"CopyObjectResult/ETag": HEX_MD5}),
)
say(
    "metadata-is-copied",
    lambda s: copied(s, {}),
    accepted(headers={"content-type": "video/mp4", "x-oss-meta-uid": "7", "x-oss-tagging-count": "1"}),
)
say(
    "metadata-is-replaced-when-asked",
    lambda s: copied(
        s, {"x-oss-metadata-directive": "REPLACE", "Content-Type": "text/plain", "x-oss-meta-kind": "copy"}
    ),
    accepted(headers={"content-type": "text/plain", "x-oss-meta-kind": "copy", "x-oss-meta-uid": None}),
)
say(
    "tags-are-replaced-when-asked",
    lambda s: copied(
        s, {"x-oss-tagging-directive": "REPLACE", "x-oss-tagging": "c=d"}, "GET", query=(("tagging", ""),)
    ),
    accepted(elements={"Tagging/TagSet/Tag/Key": "c", "Tagging/TagSet/Tag/Value": "d"}),
)
say("the-etag-as-condition-is-accepted", lambda s: copy(s, {"x-oss-copy-source-if-match": "{etag}"}), accepted())
say(
    "another-etag-as-condition-is-412",
    lambda s: copy(s, {"x-oss-copy-source-if-match": '"0"'}),
    refused(412, "PreconditionFailed"),
)
say("if-none-match-of-the-etag-is-304", lambda s: copy(s, {"x-oss-copy-source-if-none-match": "{etag}"}), accepted(304))
say(
    "a-missing-source-is-404",
    lambda s: s.send("PUT", "copy", headers={"x-oss-copy-source": source(s, "nothing")}),
    refused(404, "NoSuchKey"),
)
say(
    "a-plus-in-the-source-is-a-plus-or-a-space",
    with_plus,
    accepted(),
    refused(404, "NoSuchKey"),
    varies="The manual is silent; the Go SDK V1 writes a space so.",
)
say(
    "a-source-without-slash-is-refused",
    lambda s: s.send("PUT", "copy", headers={"x-oss-copy-source": "nothing"}),
    refused(400, "InvalidArgument"),
)
say("forbid-overwrite-keeps-an-object", onto_an_object, refused(409, "FileAlreadyExists"))
say(
    "an-unknown-directive-is-refused",
    lambda s: copy(s, {"x-oss-metadata-directive": "MERGE"}),
    refused(400, "InvalidArgument"),
)
say("a-part-is-copied", part, accepted(headers={"etag": HEX_MD5}, elements={"CopyPartResult/ETag": HEX_MD5}), page=PART)
say(
    "a-range-is-copied-as-a-part",
    lambda s: part(s, {"x-oss-copy-source-range": f"bytes={MIN_PART_SIZE}-{MIN_PART_SIZE + 4}"}),
    accepted(headers={"content-range": f"bytes {MIN_PART_SIZE}-{MIN_PART_SIZE + 4}/{MIN_PART_SIZE + len(SMALL)}"}),
    page=PART,
)
say(
    "the-copied-part-has-the-size-of-the-range",
    listed,
    accepted(elements={"ListPartsResult/Part/Size": "100"}),
    page=PART,
)
say(
    "a-part-with-another-etag-as-condition-is-412",
    lambda s: part(s, {"x-oss-copy-source-if-match": '"0"'}),
    refused(412, "PreconditionFailed"),
    page=PART,
)
say(
    "a-part-for-an-unknown-upload-is-404",
    lambda s: part(s, upload=UNKNOWN_UPLOAD),
    refused(404, "NoSuchUpload", "0042-00000311"),
    page=EC_PAGES + "0042-00000311",
)
say(
    "a-part-from-a-source-without-slash-is-refused",
    lambda s: s.send(
        "PUT",
        "copy",
        query=(("partNumber", "1"), ("uploadId", s.initiate("copy"))),
        headers={"x-oss-copy-source": "nothing"},
    ),
    refused(400, "InvalidArgument", "0042-00000301"),
    page=EC_PAGES + "0042-00000301",
)
