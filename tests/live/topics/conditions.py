"""Ranges and conditions of GetObject and HeadObject."""

from functools import partial

from tests.live.answers import Answer
from tests.live.expectations import ANY, Wanted, accepted, refused
from tests.live.scene import SMALL, Scene
from tests.live.statement import Topic

TOPIC = say = Topic("range", "getobject")

SIZE = len(SMALL)
LONG_AGO, FAR_AHEAD = "Thu, 15 Jan 2015 08:30:00 GMT", "Wed, 15 Jan 2098 08:30:00 GMT"


def read(scene: Scene, headers: dict[str, str], method: str = "GET") -> Answer:
    """The small object, read with these headers. `{etag}` stands for its ETag."""
    etag = scene.put("a").headers["ETag"]
    return scene.send(method, "a", headers={name: text.replace("{etag}", etag) for name, text in headers.items()})


def part_of(first: int, last: int) -> dict[str, Wanted]:
    """The headers of a partial answer."""
    return {
        "content-range": f"bytes {first}-{last}/{SIZE}",
        "content-length": str(last - first + 1),
        "x-oss-hash-crc64ecma": ANY,
    }


WHOLE = {"content-length": str(SIZE), "content-range": None}
STANDARD = {"x-oss-range-behavior": "standard"}

for title, asked, first, last in (
    ("the-first-bytes", "bytes=0-3", 0, 3),
    ("bytes-in-the-middle", "bytes=3-5", 3, 5),
    ("bytes-to-the-end", "bytes=5-", 5, SIZE - 1),
    ("the-last-bytes", "bytes=-4", SIZE - 4, SIZE - 1),
):
    say(
        f"{title}-are-answered-206",
        partial(read, headers={"Range": asked}),
        accepted(206, headers=part_of(first, last)),
    )
say("beyond-the-object-the-whole-is-answered", lambda s: read(s, {"Range": "bytes=100-200"}), accepted(headers=WHOLE))
say("beyond-the-end-the-whole-is-answered", lambda s: read(s, {"Range": "bytes=5-200"}), accepted(headers=WHOLE))
say("an-unreadable-range-is-ignored", lambda s: read(s, {"Range": "characters=1-2"}), accepted(headers=WHOLE))
say(
    "beyond-the-object-it-is-416-by-the-standard",
    lambda s: read(s, {"Range": "bytes=100-200", **STANDARD}),
    refused(416, "InvalidRange"),
)
say(
    "beyond-the-end-it-is-cut-by-the-standard",
    lambda s: read(s, {"Range": "bytes=5-200", **STANDARD}),
    accepted(206, headers=part_of(5, SIZE - 1)),
)
say("if-match-of-the-etag-is-answered", lambda s: read(s, {"If-Match": "{etag}"}), accepted(headers=WHOLE))
say("if-match-of-another-etag-is-412", lambda s: read(s, {"If-Match": '"0"'}), refused(412, "PreconditionFailed"))
say("if-none-match-of-the-etag-is-304", lambda s: read(s, {"If-None-Match": "{etag}"}), accepted(304, body=""))
say("if-none-match-of-another-etag-is-answered", lambda s: read(s, {"If-None-Match": '"0"'}), accepted(headers=WHOLE))
say(
    "if-modified-since-a-future-day-is-answered-or-304",
    lambda s: read(s, {"If-Modified-Since": FAR_AHEAD}),
    accepted(304),
    accepted(headers=WHOLE),
    varies="RFC 9110 ignores days in the future; the manual is silent.",
)
say(
    "if-modified-since-a-past-day-is-answered",
    lambda s: read(s, {"If-Modified-Since": LONG_AGO}),
    accepted(headers=WHOLE),
)
say(
    "if-unmodified-since-a-past-day-is-412",
    lambda s: read(s, {"If-Unmodified-Since": LONG_AGO}),
    refused(412, "PreconditionFailed"),
)
say(
    "if-unmodified-since-a-future-day-is-answered",
    lambda s: read(s, {"If-Unmodified-Since": FAR_AHEAD}),
    accepted(headers=WHOLE),
)
say(
    "head-with-if-match-of-another-etag-is-412",
    lambda s: read(s, {"If-Match": '"0"'}, "HEAD"),
    refused(412, "PreconditionFailed"),
    page="headobject",
)
say(
    "head-with-if-none-match-of-the-etag-is-304",
    lambda s: read(s, {"If-None-Match": "{etag}"}, "HEAD"),
    accepted(304),
    page="headobject",
)
