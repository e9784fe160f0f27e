"""Two calls at the same upload that are stopped at the dangerous steps: what random single steps seldom bring about."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.machine import CHECKSUMS, WHICH, Backend
from tests.model.reference import content_of, damaged, part_of
from tests.model.steps import Task

CALLS = st.sampled_from(["complete", "complete", "complete batch", "abort", "delete", "sweep", "callback", "resume"])
GAPS = st.sampled_from(
    [
        "oss CompleteMultipartUpload",
        "oss CompleteMultipartUpload",
        "transaction advance_many",
        "transaction _finish",
        "oss ListParts",
        "oss HeadObject",
        "oss AbortMultipartUpload",
        "oss DeleteObject",
        "database UPDATE",
    ]
)
"""Where a call may stop: before it asks OSS, or before it writes down what OSS said."""
BETWEEN = st.sampled_from(["", "", "part sent again", "answer lost", "refused", "lifecycle", "part late"])
MINUTES = st.sampled_from([0, 0, 0, 11, 400])
"""After 11 the sweep works on what was left alone, after 400 the upload has expired."""
ENDS = st.sampled_from(["first", "second", "first killed", "second killed"])


class Meetings(Backend):
    """The runs of `Backend`, and in between two calls that meet."""

    @rule(calls=st.tuples(CALLS, CALLS), gaps=st.tuples(GAPS, GAPS), which=WHICH, crc64=CHECKSUMS, between=BETWEEN,
          minutes=MINUTES, ends=ENDS)  # fmt: skip
    def two_meet(
        self,
        calls: tuple[str, str],
        gaps: tuple[str, str],
        which: int,
        crc64: str,
        between: str,
        minutes: int,
        ends: str,
    ) -> None:
        self.world.clock.ahead += timedelta(minutes=minutes)
        actors = [self.call(name, actor, which, crc64) for name, actor in zip(calls, ("one", "two"), strict=True)]
        for actor, gap in zip(actors, gaps, strict=True):
            if actor in self.tasks:
                self.run_on(actor, lambda task, gap=gap: task.run_to(gap))  # type: ignore[misc]
        self.happens(between, which)
        first, second = actors if ends.startswith("first") else actors[::-1]
        self.end(first, Task.crash if ends.endswith("killed") else Task.run)
        self.end(second, Task.run)

    def call(self, name: str, actor: str, which: int, crc64: str) -> str:
        """Begin a call; the name of its actor."""
        match name:
            case "complete":
                self.complete(actor, which, crc64)
            case "complete batch":
                self.complete_batch(actor, which, which)
            case "abort" | "delete":
                actor = "admin" if actor == "two" else actor
                (self.abort if name == "abort" else self.delete)(actor, which)
            case "sweep":
                actor = "sweep"
                self.sweep()
            case "callback" if self.world.callbacks.calls:
                actor = "oss"
                self.callback(which)
            case "resume":
                self.resume(actor, which)
        return actor

    def end(self, actor: str, how: object) -> None:
        if actor in self.tasks:
            self.run_on(actor, how)  # type: ignore[arg-type]

    def happens(self, what: str, which: int) -> None:
        upload = self.upload(which)
        if upload is None or not upload.upload_id:
            return
        match what:
            case "part sent again" if self.world.may_still_write(upload.pk) and self.world.parts_at_oss(upload):
                part = damaged(part_of(content_of(upload.filename, upload.size), 1))
                with self.world.behind() as oss:
                    oss.upload_part(upload.bucket, upload.key, upload.upload_id, 1, part)
            case "answer lost":
                self.oss_fails("CompleteMultipartUpload", {"lose_answer": True}, 1)
            case "refused":
                self.oss_fails("CompleteMultipartUpload", {"error": {"status": 503, "code": "ServiceUnavailable"}}, 4)
            case "lifecycle":
                self.lifecycle(which)
            case "part late":
                self.part_arrives_late(which)
