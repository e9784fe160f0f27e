"""ACLs of objects, and requests without a signature."""

from tests.live.answers import Answer
from tests.live.expectations import ANY, accepted, refused
from tests.live.scene import SMALL, Scene
from tests.live.statement import PRIVATE, Topic

TOPIC = say = Topic("access", "putobjectacl")

QUERY = (("acl", ""),)
GRANT = "AccessControlPolicy/AccessControlList/Grant"
BLOCKED = "Buckets with Block Public Access refuse public ACLs."


def acl(scene: Scene, value: str | None = None) -> Answer:
    """The ACL of an object, after it was changed to `value`."""
    scene.put("a")
    if value:
        scene.need(put_acl(scene, value))
    return scene.send("GET", "a", query=QUERY)


def put_acl(scene: Scene, value: str) -> Answer:
    """The answer to PutObjectACL."""
    return scene.send("PUT", "a", query=QUERY, headers={"x-oss-object-acl": value})


def stored(scene: Scene, value: str) -> Answer:
    """The answer to PutObjectACL of an object that exists."""
    scene.put("a")
    return put_acl(scene, value)


def nobody(scene: Scene, method: str, key: str = "a", **more: object) -> Answer:
    """The answer to a request without a signature for an object that exists."""
    scene.put("a")
    return scene.send(method, key, signature="none", **more)


say(
    "the-acl-is-at-first-the-buckets",
    acl,
    accepted(
        elements={GRANT: "default", "AccessControlPolicy/Owner/ID": ANY, "AccessControlPolicy/Owner/DisplayName": ANY}
    ),
    page="getobjectacl",
)
say("a-private-acl-is-kept", lambda s: acl(s, "private"), accepted(elements={GRANT: "private"}))
say("default-is-accepted-again", lambda s: acl(s, "default"), accepted(elements={GRANT: "default"}))
say(
    "a-public-acl-is-accepted-or-blocked",
    lambda s: stored(s, "public-read"),
    accepted(),
    refused(403, "AccessDenied"),
    varies=BLOCKED,
)
say("an-unknown-acl-is-refused", lambda s: stored(s, "everybody"), refused(400, "InvalidArgument"))
say(
    "the-acl-of-a-missing-object-is-404",
    lambda s: s.send("GET", "a", query=QUERY),
    refused(404, "NoSuchKey"),
    page="getobjectacl",
)
say("changing-that-of-a-missing-object-is-404", lambda s: put_acl(s, "private"), refused(404, "NoSuchKey"))
say("nobody-reads", lambda s: nobody(s, "GET"), refused(403, "AccessDenied"), needs=PRIVATE, page="getobject")
say("nobody-looks", lambda s: nobody(s, "HEAD"), refused(403, "AccessDenied"), needs=PRIVATE, page="headobject")
say(
    "nobody-writes",
    lambda s: nobody(s, "PUT", content=SMALL),
    refused(403, "AccessDenied"),
    needs=PRIVATE,
    page="putobject",
)
say("nobody-deletes", lambda s: nobody(s, "DELETE"), refused(403, "AccessDenied"), needs=PRIVATE, page="deleteobject")
say(
    "nobody-lists",
    lambda s: nobody(s, "GET", "", query=(("list-type", "2"), ("prefix", s.folder))),
    refused(403, "AccessDenied"),
    needs=PRIVATE,
    page="listobjectsv2",
)
say(
    "nobody-starts-an-upload",
    lambda s: nobody(s, "POST", query=(("uploads", ""),)),
    refused(403, "AccessDenied"),
    needs=PRIVATE,
    page="initiatemultipartupload",
)
say(
    "nobody-reads-an-acl",
    lambda s: nobody(s, "GET", query=QUERY),
    refused(403, "AccessDenied"),
    needs=PRIVATE,
    page="getobjectacl",
)
