"""Lifecycle rules, which abort stale uploads."""

from tests.live.answers import Answer
from tests.live.expectations import ANY, accepted, refused
from tests.live.scene import Scene
from tests.live.statement import SETTINGS, Topic

TOPIC = say = Topic("lifecycle", "putbucketlifecycle", SETTINGS)

QUERY = (("lifecycle", ""),)
ABORT = "<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload>"
EXPIRE = "<Expiration><Days>3</Days></Expiration>"
ROOT = "LifecycleConfiguration/Rule"


def rules(*contents: str) -> bytes:
    """A configuration of these rules, each under a name of its own. They are disabled: nothing is ever deleted."""
    inner = "".join(
        f"<Rule><ID>live-{number}</ID>{content}<Status>Disabled</Status></Rule>"
        for number, content in enumerate(contents)
    )
    return f"<LifecycleConfiguration>{inner}</LifecycleConfiguration>".encode()


def prefix(scene: Scene, name: str = "") -> str:
    """The element that limits a rule to the statement's folder."""
    return f"<Prefix>{scene.key(name)}</Prefix>"


def listed(scene: Scene, *contents: str) -> Answer:
    """The rules of the bucket, after these were put."""
    scene.settings.install(
        "lifecycle", rules(*(prefix(scene, str(number)) + text for number, text in enumerate(contents)))
    )
    return scene.send("GET", query=QUERY)


def put(scene: Scene, document: bytes) -> Answer:
    """The answer to PutBucketLifecycle of a document that OSS refuses."""
    return scene.settings.attempt("lifecycle", document)


say(
    "a-rule-is-kept",
    lambda s: listed(s, ABORT),
    accepted(
        elements={
            f"{ROOT}/ID": "live-0",
            f"{ROOT}/Prefix": "{folder}0",
            f"{ROOT}/Status": "Disabled",
            f"{ROOT}/AbortMultipartUpload/Days": "3",
        }
    ),
    page="getbucketlifecycle",
)
say(
    "several-rules-are-kept",
    lambda s: listed(s, ABORT, EXPIRE),
    accepted(elements={f"{ROOT}[1]/ID": ANY, f"{ROOT}[2]/ID": ANY}),
    page="getbucketlifecycle",
)
say(
    "days-that-are-no-number-are-refused",
    lambda s: put(s, rules(prefix(s) + ABORT.replace("3", "three"))),
    refused(400, "MalformedXML"),
)
say(
    "no-days-are-refused",
    lambda s: put(s, rules(prefix(s) + ABORT.replace("3", "0"))),
    refused(400, "MalformedXML"),
    refused(400, "InvalidArgument"),
    varies="The manual does not name the code.",
)
say(
    "days-and-a-date-are-refused",
    lambda s: put(
        s,
        rules(
            prefix(s)
            + ABORT.replace("</Days>", "</Days><CreatedBeforeDate>2020-01-01T00:00:00.000Z</CreatedBeforeDate>")
        ),
    ),
    refused(400, "InvalidRequest"),
    refused(400, "MalformedXML"),
    varies="Sources differ about the code.",
)
say(
    "two-rules-of-one-name-are-refused",
    lambda s: put(s, rules(prefix(s, "a") + ABORT, prefix(s, "b") + ABORT).replace(b"live-1", b"live-0")),
    refused(400, "InvalidRequest"),
    refused(400, "InvalidArgument"),
    varies="The manual does not name the code.",
)
say(
    "rules-of-one-action-may-not-overlap",
    lambda s: put(s, rules(prefix(s, "a") + ABORT, prefix(s, "a/b") + ABORT)),
    refused(400, "InvalidRequest"),
    refused(400, "InvalidArgument"),
    varies="The manual does not name the code.",
)
say(
    "a-configuration-without-rules-is-refused",
    lambda s: put(s, b"<LifecycleConfiguration/>"),
    refused(400, "MalformedXML"),
)
say("rules-that-are-no-xml-are-refused", lambda s: put(s, b"everything"), refused(400, "MalformedXML"))
say(
    "after-delete-there-are-none",
    lambda s: s.settings.deleted("lifecycle"),
    refused(404, "NoSuchLifecycle"),
    page="deletebucketlifecycle",
)
