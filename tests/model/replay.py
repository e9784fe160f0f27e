"""Replays a trace of the protocol's model in the real services, step by step, and compares after each step."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.model.reference import SIZES, checksum, content_of, damaged, part_of
from tests.model.steps import Task
from tests.model.traces import NOTHING, State, Step, steps
from tests.model.world import World
from uploads import services
from uploads.domain.errors import UploadError
from uploads.models import Upload
from uploads.services import ClientReport, UploadRequest

REQUESTS = {
    "parts": "oss ListParts",
    "head": "oss HeadObject",
    "claim": "transaction advance_many",
    "complete": "oss CompleteMultipartUpload",
    "finish": "transaction _finish",
    "fail": "transaction advance_many",
    "reopen": "transaction advance_many",
    "abort parts": "oss AbortMultipartUpload",
    "abort": "transaction advance_many",
    "drop": "oss AbortMultipartUpload",
    "dropped": "oss ListParts",
    "delete": "oss DeleteObject",
    "record": "database UPDATE released",
}
"""Where a call stands in the model → the step that the real one does next."""
PATIENCE = timedelta(minutes=11)
"""The sweep works on what was left alone for ten minutes."""
VISIBLE = frozenset(REQUESTS.values())


class Differs(AssertionError):
    """The services did not do what the model says."""


class Replay:
    def __init__(self, world: World) -> None:
        self.world = world
        self.tasks: dict[str, Task] = {}
        request = UploadRequest("model", "film.bin", SIZES[3], part_size=100 * 1024)
        self.upload = services.begin(world.owner, request)
        self.content = content_of("film.bin", SIZES[3])

    def run(self, trace: list[State]) -> int:
        """The number of steps. Raises Differs."""
        done: list[Step] = []
        for step, after in steps(trace):
            done.append(step)
            try:
                self.do(step)
                self.compare(after)
            except AssertionError as error:
                told = "\n".join(f"{each.name} {each.actor} {each.detail or ''}" for each in done)
                raise Differs(f"{error}\nafter\n{told}") from error
        for task in self.tasks.values():
            task.crash()
        return len(done)

    # The steps

    def do(self, step: Step) -> None:
        match step.name:
            case "begin":
                self.tasks[step.actor] = Task(step.actor, getattr(self, f"call_{step.actor}"))
                self.prepare(step.actor)
                self.skip(step.actor, first=True)
            case "crash":
                self.tasks[step.actor].crash()
            case "act":
                self.world.fail(*({"operation": "CompleteMultipartUpload", **fault} for fault in step.detail))
                self.skip(step.actor)
                self.world.fail()
            case "send":
                number, how = step.detail
                part = part_of(self.content, number)
                self.put(number, part if how == "good" else damaged(part))
            case "late":
                self.world.part_arrives_late(self.upload)
            case "lifecycle":
                self.world.drop(self.upload)
            case "signed":
                self.world.clock.ahead += timedelta(minutes=26)
            case "expired":
                self.change(expires_at=timezone.now() - timedelta(seconds=1))

    def skip(self, actor: str, *, first: bool = False) -> None:
        """One step that others see, unless it is the `first`, and all that they do not see."""
        task = self.tasks[actor]
        if not first:
            assert not task.ended, f"{actor} has ended already"
            task.step()
        while not task.ended and (first or visible(task.next_step) is None):
            first = False
            task.step()
        assert task.error is None or isinstance(task.error, UploadError), repr(task.error)

    def put(self, number: int, content: bytes) -> None:
        self.world.oss.upload_part(self.upload.bucket, self.upload.key, self.upload.upload_id, number, content)

    def prepare(self, actor: str) -> None:
        """The sweep looks again once all signatures have expired; here they have."""
        if actor == "sweep":
            row = Upload.objects.get()
            ago = timezone.now() - PATIENCE
            again = {"look_again_at": ago} if row.released_at and row.look_again_at else {}
            self.change(claimed_until=None, **again)

    def change(self, **values: Any) -> None:
        Upload.objects.update(**values)

    # The calls

    def row(self) -> Upload:
        return Upload.objects.get(pk=self.upload.pk)

    def call_one(self) -> Any:
        return services.complete(self.row(), ClientReport(crc64=checksum(self.content)))

    def call_two(self) -> Any:
        return services.complete(self.row())

    def call_callback(self) -> Any:
        call = self.world.callbacks.calls[-1]
        return services.receive(call.target, call.headers, call.body)

    def call_user(self) -> Any:
        return services.abort(self.row(), actor=self.world.owner)

    def call_sweep(self) -> Any:
        return list(services.sweep(now=timezone.now() + PATIENCE))

    # The comparison

    def compare(self, after: State) -> None:
        row = Upload.objects.get()
        assert row.state == after["row"], f"the row is {row.state}, in the model {after['row']}"
        assert bool(row.released_at) == after["released"], f"released: {row.released_at}"
        assert not after["again"] or row.look_again_at, "the sweep will not look again"
        parts = self.world.parts_at_oss(self.upload)
        assert (parts is not None) == after["open"], f"OSS has {parts}"
        held = {number: self.word(number, content) for number, content in (parts or {}).items()}
        assert tuple(held.get(number, "no") for number in (1, 2, 3)) == after["parts"], held
        found = self.world.object_at_oss(self.upload)
        assert (found is not None) == (after["object"] != NOTHING), "the object is there" if found else "no object"
        if found is not None:
            assert (found == self.content) == ("bad" not in after["object"])
        for actor, at in after["pc"].items():
            self.compare_call(actor, at)

    def compare_call(self, actor: str, at: str) -> None:
        task = self.tasks.get(actor)
        doing = None if task is None or task.ended else visible(task.next_step)
        must = None if at == "idle" else REQUESTS.get(at) or REQUESTS[at.partition(" ")[0]]
        if actor == "sweep" and must is None and task is not None and not task.ended:
            task.crash()  # It goes on with what is due besides, which the model begins anew.
        else:
            assert doing == must, f"{actor} does {doing}, in the model {at}"

    def word(self, number: int, content: bytes) -> str:
        return "good" if content == part_of(self.content, number) else "bad"


def visible(step: str) -> str | None:
    """The name of a step that others see; None for reads, claims of the sweep, and counters."""
    if step.startswith("database UPDATE") and "released_at" in step.partition("WHERE")[0]:
        return "database UPDATE released"
    return step if step in VISIBLE else None
