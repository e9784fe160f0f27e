"""Callback parameters that OSS refuses before it stores anything. No server is called."""

import base64

from tests.live.answers import Answer
from tests.live.expectations import Expected, refused
from tests.live.scene import SMALL, Scene
from tests.live.statement import EC_PAGES, Topic
from uploads.oss import callback

TOPIC = say = Topic("callback", "callback")

GOOD = {"callbackUrl": "http://app.example.com/", "callbackBody": "object=${object}"}


def put(scene: Scene, value: str, variables: str = "") -> Answer:
    """The answer to a PUT with callback parameters."""
    more = {"x-oss-callback-var": variables} if variables else {}
    return scene.send("PUT", "a", content=SMALL, headers={"x-oss-callback": value, **more})


def changed(**fields: str) -> str:
    """Parameters of which some differ."""
    return callback.encoded({**GOOD, **fields})


def without(name: str) -> str:
    """Parameters of which one is missing."""
    return callback.encoded({given: text for given, text in GOOD.items() if given != name})


def completing(scene: Scene) -> Answer:
    """A request to complete with parameters that are no base64."""
    upload = scene.initiate("a")
    sent = scene.parts("a", upload, [SMALL])
    return scene.complete("a", upload, sent, headers={"x-oss-callback": "no base64!"})


def then_head(scene: Scene) -> Answer:
    """The object of a PUT that was refused for its callback."""
    put(scene, "no base64!")
    return scene.send("HEAD", "a")


def invalid(ec: str = "", name: str = "callback") -> Expected:
    """The refusal of an argument."""
    return refused(400, "InvalidArgument", ec, ArgumentName=name)


say("parameters-that-are-no-base64-are-refused", lambda s: put(s, "no base64!"), invalid())
say("parameters-that-are-no-json-are-refused", lambda s: put(s, base64.b64encode(b"no json").decode()), invalid())
say("parameters-without-url-are-refused", lambda s: put(s, without("callbackUrl")), invalid())
say(
    "parameters-without-body-are-refused",
    lambda s: put(s, without("callbackBody")),
    invalid("0007-00000011"),
    page=EC_PAGES + "0007-00000011",
)
say(
    "a-port-that-is-no-number-is-refused",
    lambda s: put(s, changed(callbackUrl="http://app.example.com:port/")),
    invalid("0007-00000004"),
    page=EC_PAGES + "0007-00000004",
)
say(
    "six-urls-are-refused",
    lambda s: put(s, changed(callbackUrl=";".join(f"http://app{number}.example.com/" for number in range(6)))),
    invalid("0007-00000005"),
    page=EC_PAGES + "0007-00000005",
)
say("an-unknown-type-of-body-is-refused", lambda s: put(s, changed(callbackBodyType="text/plain")), invalid())
say("variables-that-are-no-base64-are-refused", lambda s: put(s, changed(), "no base64!"), invalid(name="callback-var"))
say(
    "variables-that-are-no-json-are-refused",
    lambda s: put(s, changed(), base64.b64encode(b"no json").decode()),
    invalid(name="callback-var"),
)
say(
    "both-ways-at-once-are-refused",
    lambda s: s.send(
        "PUT", "a", content=SMALL, headers={"x-oss-callback": changed()}, query=(("callback", changed()),)
    ),
    refused(400, "InvalidArgument"),
)
say(
    "parameters-in-a-url-are-refused-alike",
    lambda s: s.send("PUT", "a", content=SMALL, signature="url", query=(("callback", "no base64!"),)),
    invalid(),
)
say("complete-refuses-them-alike", completing, invalid(), page="completemultipartupload")
say("nothing-is-stored", then_head, refused(404, "NoSuchKey"))
