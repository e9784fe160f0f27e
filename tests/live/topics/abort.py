"""AbortMultipartUpload."""

from collections.abc import Callable

from tests.live.answers import Answer
from tests.live.expectations import accepted, refused
from tests.live.scene import SMALL, UNKNOWN_UPLOAD, Scene
from tests.live.statement import Topic

TOPIC = say = Topic("abort", "abortmultipartupload")

NO_UPLOAD = refused(404, "NoSuchUpload", "0042-00000002")


def abort(scene: Scene, upload: str) -> Answer:
    """The answer to aborting an upload."""
    return scene.send("DELETE", "a", query=(("uploadId", upload),))


def aborted(scene: Scene, then: Callable[[str], Answer]) -> Answer:
    """The answer to what follows an abort; it gets the id of the upload."""
    upload = scene.initiate("a")
    sent = scene.part("a", upload, 1)
    scene.need(sent)
    scene.need(abort(scene, upload))
    return then(upload)


def completed(scene: Scene) -> Answer:
    """Aborting an upload that is complete."""
    upload = scene.initiate("a")
    scene.need(scene.complete("a", upload, scene.parts("a", upload, [SMALL])))
    return abort(scene, upload)


say("it-answers-204", lambda s: abort(s, s.initiate("a")), accepted(204, body=""))
say("a-second-abort-is-404", lambda s: aborted(s, lambda upload: abort(s, upload)), NO_UPLOAD)
say("an-unknown-upload-is-404", lambda s: abort(s, UNKNOWN_UPLOAD), NO_UPLOAD)
say("a-completed-upload-is-404", completed, NO_UPLOAD)
say(
    "a-later-part-is-404",
    lambda s: aborted(s, lambda upload: s.part("a", upload, 2)),
    refused(404, "NoSuchUpload", "0042-00000104"),
    page="uploadpart",
)
say(
    "its-parts-cannot-be-listed",
    lambda s: aborted(s, lambda upload: s.send("GET", "a", query=(("uploadId", upload),))),
    NO_UPLOAD,
    page="listparts",
)
