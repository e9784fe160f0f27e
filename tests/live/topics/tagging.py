"""Tags of objects."""

from tests.live.answers import Answer
from tests.live.expectations import accepted, refused
from tests.live.scene import SMALL, Scene
from tests.live.statement import Topic

TOPIC = say = Topic("tagging", "putobjecttagging")

QUERY = (("tagging", ""),)
TAG = "Tagging/TagSet/Tag"


def document(**tags: str) -> bytes:
    """The body of PutObjectTagging."""
    inner = "".join(f"<Tag><Key>{name}</Key><Value>{value}</Value></Tag>" for name, value in tags.items())
    return f"<Tagging><TagSet>{inner}</TagSet></Tagging>".encode()


def tagged(scene: Scene, tagging: str, method: str = "GET", query: tuple[tuple[str, str], ...] = QUERY) -> Answer:
    """The answer to a request for an object that was stored with tags."""
    scene.put("a", headers={"x-oss-tagging": tagging})
    return scene.send(method, "a", query=query)


def put(scene: Scene, body: bytes) -> Answer:
    """The answer to PutObjectTagging."""
    scene.put("a", headers={"x-oss-tagging": "old=1"})
    return scene.send("PUT", "a", query=QUERY, content=body)


def then_get(scene: Scene, method: str, body: bytes = b"") -> Answer:
    """The tags after they were replaced or deleted."""
    scene.put("a", headers={"x-oss-tagging": "old=1"})
    scene.need(scene.send(method, "a", query=QUERY, content=body))
    return scene.send("GET", "a", query=QUERY)


def stored(tagging: str) -> object:
    """A PUT of an object with tags."""
    return lambda s: s.send("PUT", "a", content=SMALL, headers={"x-oss-tagging": tagging})


say(
    "tags-of-a-put-are-answered",
    lambda s: tagged(s, "team=a%20b&year=2026"),
    accepted(
        elements={f"{TAG}[1]/Key": "team", f"{TAG}[1]/Value": "a b", f"{TAG}[2]/Key": "year", f"{TAG}[2]/Value": "2026"}
    ),
    page="getobjecttagging",
)
say(
    "head-counts-them",
    lambda s: tagged(s, "team=a&year=2026", "HEAD", ()),
    accepted(headers={"x-oss-tagging-count": "2"}),
    page="headobject",
)
say(
    "an-object-without-tags-has-an-empty-set",
    lambda s: (s.put("a"), s.send("GET", "a", query=QUERY))[1],
    accepted(elements={f"{TAG}/Key": None}),
    page="getobjecttagging",
)
say(
    "tags-are-replaced",
    lambda s: then_get(s, "PUT", document(new="2")),
    accepted(elements={f"{TAG}/Key": "new", f"{TAG}/Value": "2"}),
)
say(
    "tags-are-deleted",
    lambda s: then_get(s, "DELETE"),
    accepted(elements={f"{TAG}/Key": None}),
    page="deleteobjecttagging",
)
say("delete-answers-204", lambda s: tagged(s, "a=b", "DELETE"), accepted(204), page="deleteobjecttagging")
say(
    "eleven-tags-are-refused",
    lambda s: put(s, document(**{f"t{number}": "x" for number in range(11)})),
    refused(400, "InvalidTag"),
    refused(400, "InvalidArgument"),
    varies="The manual names InvalidTag and others.",
)
say("a-name-of-129-characters-is-refused", lambda s: put(s, document(**{"n" * 129: "x"})), refused(400, "InvalidTag"))
say("a-value-of-257-characters-is-refused", lambda s: put(s, document(n="x" * 257)), refused(400, "InvalidTag"))
say("other-characters-are-refused", lambda s: put(s, document(n="a*b")), refused(400, "InvalidTag"))
say("tags-that-are-no-xml-are-refused", lambda s: put(s, b"tags"), refused(400, "MalformedXML"))
say("a-tag-twice-in-a-header-is-refused", stored("a=b&a=c"), refused(400, "InvalidArgument"))
say(
    "tags-of-a-missing-object-are-404",
    lambda s: s.send("GET", "a", query=QUERY),
    refused(404, "NoSuchKey"),
    page="getobjecttagging",
)
