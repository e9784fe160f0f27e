"""Random runs: calls of two clients, an administrator, OSS and the sweep, each stopped and crashed at any step."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model import oracle
from tests.model.reference import SIZES, answer_to_abort, answer_to_complete, checksum, content_of, damaged
from tests.model.steps import Task
from tests.model.world import World
from uploads import services
from uploads.domain.errors import UploadError
from uploads.models import Upload
from uploads.services import ClientReport, DonePart, IdempotencyKey, UploadRequest

CLIENTS = st.sampled_from(["one", "two"])
"""Two browsers of the same user."""
WHICH = st.integers(0, 3)
CHECKSUMS = st.sampled_from(["", "right", "wrong"])
OPERATIONS = ["InitiateMultipartUpload", "ListParts", "CompleteMultipartUpload", "AbortMultipartUpload", "HeadObject",
              "DeleteObject"]  # fmt: skip
FAULTS = [
    {"lose_answer": True},
    {"reset": "before"},
    {"error": {"status": 503, "code": "ServiceUnavailable"}},
    {"error": {"status": 403, "code": "AccessDenied"}},
]


class Backend(RuleBasedStateMachine):
    """At most one call of each actor is under way. `faulty`: OSS has been told to fail, and nothing is predicted."""

    world: ClassVar[World]
    runs: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).runs += 1
        self.tasks: dict[str, Task] = {}
        self.ends: dict[str, Callable[[Task], None]] = {}
        self.promised: dict[Any, str] = {}
        self.files, self.faulty, self.broken, self.alone = 0, False, True, False

    @initialize(
        sent=st.sampled_from([False, True, True]),
        parts=st.sampled_from([1, 3, 3]),
        crc64=CHECKSUMS,
        alone=st.booleans(),
    )
    def one_has_begun(self, sent: bool, parts: int, crc64: str, alone: bool) -> None:
        """Otherwise most short runs would not come far. `alone`: all calls are at this upload."""
        self.alone = False
        self.world.clock.ahead = timedelta()
        self.world.signatures.clear()
        self.begin("one", parts, crc64, "")
        self.run_on("one", Task.run)
        if sent:
            self.send_everything(0)
        self.alone = alone

    def upload(self, which: int) -> Upload | None:
        rows = list(Upload.objects.order_by("created_at", "filename"))
        return rows[which % len(rows)] if rows else None

    def start(self, actor: str, name: str, work: Callable[[], Any], end: Callable[[Task], None] | None = None) -> None:
        """Begin a call; the one that this actor had under way is finished first."""
        if actor in self.tasks:
            self.run_on(actor, Task.run)
        self.tasks[actor], self.ends[actor] = Task(name, work), end or (lambda task: None)

    def run_on(self, actor: str, how: Callable[[Task], None]) -> None:
        task = self.tasks[actor]
        how(task)
        if task.ended:
            del self.tasks[actor]
            assert task.error is None or isinstance(task.error, UploadError), repr(task.error)
            if not task.crashed:
                self.ends[actor](task)

    # Calls that begin

    @precondition(lambda self: not self.alone)
    @rule(client=CLIENTS, parts=st.sampled_from([1, 3, 3]), crc64=CHECKSUMS, key=st.sampled_from(["", "", "a", "b"]))
    def begin(self, client: str, parts: int, crc64: str, key: str) -> None:
        self.files += 1
        name = f"{key}-{parts}-{crc64}.bin" if key else f"{self.files}.bin"
        told = {"": "", "right": checksum(content_of(name, SIZES[parts])), "wrong": "7"}[crc64]
        request = UploadRequest("model", name, SIZES[parts], part_size=100 * 1024, crc64=told)
        given = IdempotencyKey(key, name) if key else None
        self.start(client, "begin", lambda: services.begin(self.world.owner, request, idempotency_key=given))

    @rule(client=CLIENTS, which=WHICH, crc64=CHECKSUMS)
    def complete(self, client: str, which: int, crc64: str) -> None:
        if upload := self.upload(which):
            report, pk = self.report(upload, crc64), upload.pk
            work = lambda: services.complete(Upload.objects.get(pk=pk), report)  # noqa: E731
            self.start(client, "complete", work, lambda task: self.told(pk, task.result, "completed"))

    @rule(client=CLIENTS, first=WHICH, second=WHICH)
    def complete_batch(self, client: str, first: int, second: int) -> None:
        pks = list(dict.fromkeys(upload.pk for which in (first, second) if (upload := self.upload(which))))

        def work() -> list[Any]:
            return services.complete_many([(upload, ClientReport()) for upload in Upload.objects.filter(pk__in=pks)])

        def end(task: Task) -> None:
            for each in task.result or ():
                if isinstance(each, Upload):
                    self.told(each.pk, each, "completed")

        if pks:
            self.start(client, "complete batch", work, end)

    @rule(actor=st.sampled_from(["one", "two", "admin"]), which=WHICH)
    def abort(self, actor: str, which: int) -> None:
        if upload := self.upload(which):
            pk, user = upload.pk, self.world.admin if actor == "admin" else self.world.owner
            work = lambda: services.abort(Upload.objects.get(pk=pk), actor=user)  # noqa: E731
            self.start(actor, "abort", work, lambda task: self.told(pk, task.result, "aborted"))

    @rule(actor=st.sampled_from(["one", "admin"]), which=WHICH)
    def delete(self, actor: str, which: int) -> None:
        if upload := self.upload(which):
            pk, user = upload.pk, self.world.admin if actor == "admin" else self.world.owner
            work = lambda: services.abort_or_delete(Upload.objects.get(pk=pk), actor=user)  # noqa: E731
            self.start(actor, "delete", work, lambda task: self.told(pk, task.result, "aborted", "deleted"))

    @rule(client=CLIENTS, which=WHICH)
    def resume(self, client: str, which: int) -> None:
        if upload := self.upload(which):
            pk = upload.pk
            self.start(client, "resume", lambda: services.synchronize_parts(Upload.objects.get(pk=pk)))

    @rule(client=CLIENTS, which=WHICH, numbers=st.sets(st.integers(1, 3), min_size=1))
    def checkpoint(self, client: str, which: int, numbers: set[int]) -> None:
        upload = self.upload(which)
        if upload and upload.upload_id:
            pk, content = upload.pk, content_of(upload.filename, upload.size)
            parts = [DonePart(n, upload.plan.size_of(n) or 0, "", checksum(self.part(content, n))) for n in numbers]
            self.start(client, "checkpoint", lambda: services.record_parts(Upload.objects.get(pk=pk), parts))

    @precondition(lambda self: self.world.callbacks.calls)
    @rule(which=WHICH)
    def callback(self, which: int) -> None:
        """A callback that OSS has made arrives, maybe again."""
        calls = self.world.callbacks.calls
        call = calls[which % len(calls)]
        self.start("oss", "callback", lambda: services.receive(call.target, call.headers, call.body))

    @rule()
    def sweep(self) -> None:
        self.start("sweep", "sweep", self.world.sweep)

    @rule()
    def sweep_orphans(self) -> None:
        self.start("sweep", "sweep of orphans", self.world.sweep_orphans)

    # Calls that continue

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH, steps=st.integers(1, 4))
    def step(self, which: int, steps: int) -> None:
        self.run_on(self.actor(which), lambda task: [task.ended or task.step() for _ in range(steps)] and None)

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH)
    def run_to_oss(self, which: int) -> None:
        self.run_on(self.actor(which), lambda task: task.run_to("oss"))

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH)
    def finish(self, which: int) -> None:
        self.run_on(self.actor(which), Task.run)

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH)
    def crash(self, which: int) -> None:
        self.run_on(self.actor(which), Task.crash)

    # The world

    @rule(which=WHICH, parts=st.sets(st.integers(1, 3), min_size=1), intact=st.integers(0, 5))
    def send(self, which: int, parts: set[int], intact: int) -> None:
        """Sign parts and send them. Some are signed only, and may be sent later."""
        upload = self.upload(which)
        if upload and upload.state == "uploading":
            for number in parts if upload.upload_id else [1]:
                self.world.sign(upload.pk, number, intact=intact > 0 or not upload.upload_id)
                if intact != 1:
                    self.world.send(-1)

    @rule(which=WHICH)
    def send_everything(self, which: int) -> None:
        upload = self.upload(which)
        if upload and upload.state == "uploading":
            for number in upload.plan.numbers():
                self.world.sign(upload.pk, number, intact=True)
                self.world.send(-1)

    @precondition(lambda self: self.world.signatures)
    @rule(which=st.integers(0, 9))
    def send_late(self, which: int) -> None:
        self.world.send(which)

    @rule(which=WHICH)
    def part_arrives_late(self, which: int) -> None:
        upload = self.upload(which)
        if upload and upload.upload_id and upload.state == "aborted" and self.world.may_still_write(upload.pk):
            self.world.part_arrives_late(upload)

    @rule(which=WHICH)
    def lifecycle(self, which: int) -> None:
        upload = self.upload(which)
        if upload and upload.upload_id:
            self.world.drop(upload)

    @rule(operation=st.sampled_from(OPERATIONS), fault=st.sampled_from(FAULTS), count=st.sampled_from([1, 1, 2, 4, 9]))
    def oss_fails(self, operation: str, fault: dict[str, Any], count: int) -> None:
        self.faulty = True
        self.world.fail({"operation": operation, "key": "model/*", "count": count, **fault})

    @precondition(lambda self: self.faulty)
    @rule()
    def oss_recovers(self) -> None:
        self.faulty = False
        self.world.fail()

    @rule(minutes=st.sampled_from([1, 11, 30, 400, 1500]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.ahead += timedelta(minutes=minutes)

    # Answers that the reference model knows

    @precondition(lambda self: not self.faulty and not self.tasks)
    @rule(which=WHICH, crc64=CHECKSUMS)
    def complete_alone(self, which: int, crc64: str) -> None:
        if upload := self.upload(which):
            report = self.report(upload, crc64)
            expected = answer_to_complete(self.world.known(upload), report.crc64)
            assert self.answer(lambda: services.complete(upload, report)) == expected

    @precondition(lambda self: not self.faulty and not self.tasks)
    @rule(which=WHICH)
    def abort_alone(self, which: int) -> None:
        if upload := self.upload(which):
            expected = answer_to_abort(upload.state)
            assert self.answer(lambda: services.abort(upload, actor=self.world.owner)) == expected

    # What must hold

    @invariant()
    def holds(self) -> None:
        self.broken = True
        oracle.check_always(self.world, self.promised)
        self.broken = False

    def teardown(self) -> None:
        try:
            for actor in list(self.tasks):
                self.tasks.pop(actor).crash()
            if not self.broken:
                self.sweep_to_the_end()
        finally:
            self.world.clean()

    def sweep_to_the_end(self) -> None:
        """OSS answers again, and the sweep runs each day."""
        self.world.sweep_to_the_end()
        oracle.check_always(self.world, self.promised)
        oracle.check_end(self.world)

    # Help

    def actor(self, which: int) -> str:
        return sorted(self.tasks)[which % len(self.tasks)]

    def answer(self, work: Callable[[], Upload]) -> str:
        try:
            return str(work().state)
        except UploadError as error:
            return error.code

    def told(self, pk: Any, result: Any, *final: str) -> None:
        """The client was told the state of this upload."""
        if isinstance(result, Upload) and result.state in final:
            self.promised[pk] = result.state

    def report(self, upload: Upload, crc64: str) -> ClientReport:
        content = content_of(upload.filename, upload.size)
        told = {"": "", "right": checksum(content), "wrong": checksum(damaged(content))}
        return ClientReport(crc64=told[crc64])

    def part(self, content: bytes, number: int) -> bytes:
        return content[(number - 1) * 100 * 1024 : number * 100 * 1024]
