"""Names of objects."""

from dataclasses import replace
from functools import partial

from tests.live.answers import Answer
from tests.live.expectations import accepted, refused
from tests.live.scene import SMALL, Ask, Scene
from tests.live.statement import OTHER_BUCKETS, Topic

TOPIC = say = Topic("key", "object-naming-conventions")
say.page = "https://www.alibabacloud.com/help/en/oss/user-guide/object-naming-conventions"

NAMES = {
    "a-space-and-a-plus": "a b+c.txt",
    "percent-signs": "100%25%2F.txt",
    "chinese-characters": "视频/第一集.mp4",
    "an-emoji": "film-🎬.mp4",
    "a-question-mark-and-a-hash": "a?b#c.txt",
    "punctuation": "a!b'c(d)e*f~g&h=i;j,k@l$m.txt",
    "two-slashes": "a//b.txt",
    "a-slash-at-the-end": "folder/",
    "a-dot-in-front": ".hidden",
}


def stored(scene: Scene, name: str) -> Answer:
    """The object of this name, which was stored and is read."""
    scene.put(name)
    return scene.send("GET", name)


def refused_in_front(scene: Scene, character: str) -> Answer:
    """The answer to a PUT of a key that begins with a character. It lies outside of what the clean-up removes."""
    ask = Ask("PUT", character + scene.key("a"), content=SMALL)
    answer = scene.ask(ask)
    if answer.status < 300:
        scene.need(scene.ask(replace(ask, method="DELETE", content=b"")))
    return answer


for title, name in NAMES.items():
    say(
        f"{title}-is-kept" if title.startswith("a") else f"{title}-are-kept",
        partial(stored, name=name),
        accepted(headers={"content-length": str(len(SMALL))}),
    )

say("1023-bytes-are-accepted", lambda s: s.send("PUT", "a" * (1023 - len(s.folder)), content=SMALL), accepted())
say(
    "1024-bytes-are-refused",
    lambda s: s.send("PUT", "a" * (1024 - len(s.folder)), content=SMALL),
    refused(400, "InvalidObjectName"),
)
say(
    "a-slash-in-front-is-refused",
    partial(refused_in_front, character="/"),
    refused(400, "InvalidObjectName"),
)
say(
    "a-backslash-in-front-is-refused",
    partial(refused_in_front, character="\\"),
    refused(400, "InvalidObjectName"),
)
say(
    "a-bucket-that-does-not-exist-is-answered-404",
    lambda s: s.send("GET", "a", bucket="oss-uploads-nobody-has-this-4b1f"),
    refused(404, "NoSuchBucket", "0015-00000101", BucketName="oss-uploads-nobody-has-this-4b1f"),
    needs=OTHER_BUCKETS,
)
