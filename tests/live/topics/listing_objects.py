"""ListObjectsV2, ListObjects and DeleteMultipleObjects."""

from tests.live.answers import Answer
from tests.live.expectations import ANY, HEX_MD5, accepted, refused
from tests.live.scene import SMALL, Scene, md5
from tests.live.statement import Topic

TOPIC = say = Topic("list", "listobjectsv2")

ROOT = "ListBucketResult"
DELETE = "deletemultipleobjects"


def objects(scene: Scene, keys: tuple[str, ...] = ("b", "a", "c"), **query: str) -> Answer:
    """The list of the objects below the statement's folder, by ListObjectsV2."""
    return listed(scene, keys, {"list-type": "2"}, query)


def old_list(scene: Scene, **query: str) -> Answer:
    """The same by ListObjects."""
    return listed(scene, ("b", "a", "c"), {}, query)


def listed(scene: Scene, keys: tuple[str, ...], first: dict[str, str], query: dict[str, str]) -> Answer:
    """The answer to a list of objects, which are stored in this order."""
    for key in keys:
        scene.put(key)
    given = {**first, "prefix": scene.folder, **{name.replace("_", "-"): text for name, text in query.items()}}
    for name in ("start-after", "marker"):
        if name in given:
            given[name] = scene.key(given[name])
    return scene.send("GET", query=tuple(given.items()))


def second_page(scene: Scene) -> Answer:
    """The page after the first, by its token."""
    token = objects(scene, max_keys="2").text("NextContinuationToken")
    return objects(scene, (), max_keys="2", continuation_token=token)


def delete(scene: Scene, body: bytes, **query: str) -> Answer:
    """The answer to DeleteMultipleObjects after the objects a and b were stored. `{folder}` is filled in."""
    scene.put("a")
    scene.put("b")
    content = body.replace(b"{folder}", scene.folder.encode())
    asked = (("delete", ""), *((name.replace("_", "-"), text) for name, text in query.items()))
    return scene.send("POST", query=asked, content=content, headers={"Content-MD5": md5(content)})


def gone(scene: Scene) -> Answer:
    """An object after it was deleted with others."""
    scene.need(delete(scene, BOTH))
    return scene.send("HEAD", "a")


BOTH = b"<Delete><Object><Key>{folder}a</Key></Object><Object><Key>{folder}b</Key></Object></Delete>"
QUIET = BOTH.replace(b"<Delete>", b"<Delete><Quiet>true</Quiet>")
MISSING = b"<Delete><Object><Key>{folder}nothing</Key></Object></Delete>"

say(
    "objects-are-listed-by-key",
    objects,
    accepted(
        elements={
            f"{ROOT}/Name": "{bucket}",
            f"{ROOT}/Prefix": "{folder}",
            f"{ROOT}/KeyCount": "3",
            f"{ROOT}/IsTruncated": "false",
            f"{ROOT}/Contents[1]/Key": "{folder}a",
            f"{ROOT}/Contents[2]/Key": "{folder}b",
            f"{ROOT}/Contents[1]/ETag": HEX_MD5,
            f"{ROOT}/Contents[1]/Size": str(len(SMALL)),
            f"{ROOT}/Contents[1]/Type": "Normal",
            f"{ROOT}/Contents[1]/StorageClass": ANY,
            f"{ROOT}/Contents[1]/LastModified": ANY,
            f"{ROOT}/Contents[1]/Owner/ID": None,
        }
    ),
)
say(
    "a-page-ends-where-max-keys-says",
    lambda s: objects(s, max_keys="2"),
    accepted(
        elements={
            f"{ROOT}/IsTruncated": "true",
            f"{ROOT}/KeyCount": "2",
            f"{ROOT}/MaxKeys": "2",
            f"{ROOT}/NextContinuationToken": ANY,
        }
    ),
)
say(
    "a-token-gives-the-next-page",
    second_page,
    accepted(
        elements={
            f"{ROOT}/IsTruncated": "false",
            f"{ROOT}/Contents/Key": "{folder}c",
            f"{ROOT}/NextContinuationToken": None,
        }
    ),
)
say(
    "start-after-skips-keys",
    lambda s: objects(s, start_after="a"),
    accepted(elements={f"{ROOT}/StartAfter": "{folder}a", f"{ROOT}/Contents[1]/Key": "{folder}b"}),
)
say(
    "a-delimiter-makes-common-prefixes",
    lambda s: objects(s, ("x/1", "x/2", "y"), delimiter="/"),
    accepted(
        elements={
            f"{ROOT}/CommonPrefixes/Prefix": "{folder}x/",
            f"{ROOT}/Contents/Key": "{folder}y",
            f"{ROOT}/KeyCount": "2",
        }
    ),
)
say(
    "keys-are-encoded-when-asked",
    lambda s: objects(s, ("a b",), encoding_type="url"),
    accepted(elements={f"{ROOT}/EncodingType": "url", f"{ROOT}/Contents/Key": "{folder}a%20b"}),
)
say(
    "owners-are-listed-when-asked",
    lambda s: objects(s, ("a",), fetch_owner="true"),
    accepted(elements={f"{ROOT}/Contents/Owner/ID": ANY}),
)
say(
    "nothing-is-an-empty-list",
    lambda s: objects(s, ()),
    accepted(elements={f"{ROOT}/KeyCount": "0", f"{ROOT}/IsTruncated": "false", f"{ROOT}/Contents/Key": None}),
)
say("more-than-1000-a-page-are-refused", lambda s: objects(s, (), max_keys="1001"), refused(400, "InvalidArgument"))
say("another-encoding-is-refused", lambda s: objects(s, (), encoding_type="hex"), refused(400, "InvalidArgument"))
say(
    "a-malformed-token-is-refused",
    lambda s: objects(s, (), continuation_token="no token"),
    refused(400, "InvalidArgument"),
)
say(
    "the-older-list-has-a-marker",
    lambda s: old_list(s, marker="a", max_keys="1"),
    accepted(
        elements={
            f"{ROOT}/Marker": "{folder}a",
            f"{ROOT}/NextMarker": "{folder}b",
            f"{ROOT}/Contents/Key": "{folder}b",
            f"{ROOT}/IsTruncated": "true",
            f"{ROOT}/Contents/Owner/ID": ANY,
        }
    ),
    page="listobjects",
)
say(
    "several-objects-are-deleted-and-named",
    lambda s: delete(s, BOTH),
    accepted(elements={"DeleteResult/Deleted[1]/Key": "{folder}a", "DeleteResult/Deleted[2]/Key": "{folder}b"}),
    page=DELETE,
)
say(
    "quietly-none-is-named",
    lambda s: delete(s, QUIET),
    accepted(elements={"DeleteResult/Deleted[1]/Key": None}),
    page=DELETE,
)
say("deleted-objects-are-gone", gone, refused(404, "NoSuchKey"), page=DELETE)
say(
    "a-missing-object-counts-as-deleted",
    lambda s: delete(s, MISSING),
    accepted(elements={"DeleteResult/Deleted/Key": "{folder}nothing"}),
    page=DELETE,
)
say(
    "deleted-keys-are-encoded-when-asked",
    lambda s: delete(s, MISSING.replace(b"nothing", b"a b"), encoding_type="url"),
    accepted(elements={"DeleteResult/EncodingType": "url", "DeleteResult/Deleted/Key": "{folder}a%20b"}),
    page=DELETE,
)
say(
    "an-empty-list-of-keys-is-refused",
    lambda s: delete(s, b"<Delete></Delete>"),
    refused(400, "MalformedXML"),
    page=DELETE,
)
say("a-list-that-is-no-xml-is-refused", lambda s: delete(s, b"everything"), refused(400, "MalformedXML"), page=DELETE)
