"""What must hold after a race: what each racer was told, the row, its history, its signals, and what OSS has.

Rule: a violation is a sentence. `violations` finishes what the race has left open, so that nothing stays stuck.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.races.operations import sweep
from tests.races.rounds import BUCKET, CONTENT, LIMITS, SIZE, Round
from uploads import services
from uploads.domain.errors import UploadError
from uploads.domain.states import Event, State, destination, is_final, sources
from uploads.models import Upload

ENDS = {State.COMPLETED: "finish", State.ABORTED: "abort"}
"""Nothing fails here: the file is as it should be, and OSS answers."""
ALLOWED = {
    "complete": {200, 202, 409},
    "batch complete": {207},
    "abort": {204, 409},
    "sign": {200, 409},
    "checkpoint": {200},
    "callback": {200, 409},
    "create": {201, 403, 409},
    "quota": {201, 403},
}


@dataclass
class Told:
    """What one racer was told. `state`: of the upload, where the answer names one."""

    name: str
    answer: Any
    status: int = 0
    body: Any = None
    state: str = ""
    swept: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if isinstance(self.answer, Exception):
            return
        if self.name == "sweep":
            self.swept = [swept.what for swept in self.answer]
            return
        self.status = self.answer.status_code
        self.body = self.answer.json() if self.answer.content else {}
        result = self.body["uploads"][0] if self.name == "batch complete" else self.body
        (self.state,) = result.get("errors", {}).get("state") or [result.get("state", "")]

    @property
    def aborted(self) -> bool:
        return (self.name == "abort" and self.status == 204) or "aborted" in self.swept

    @property
    def completed(self) -> bool:
        return "adopted" in self.swept or "settled" in self.swept or self.state == State.COMPLETED

    @property
    def resumed(self) -> bool:
        """Whether the upload's expiry was moved, after which no sweep aborts it."""
        if self.name == "checkpoint":
            return self.status == 200 and self.body["parts_done"] > 0
        return self.name == "sign" and self.status == 200

    def __str__(self) -> str:
        return f"{self.name}: {self.swept or self.status or repr(self.answer)} {self.body or ''}"


def violations(round: Round, told: Sequence[Told], signals: Counter[tuple[UUID, str]]) -> list[str]:
    """Everything that is wrong after a race. The round's upload has ended when this returns."""
    found = [*_answers(told)]
    if any(isinstance(each.answer, Exception) for each in told):
        return found
    found += _quota(round, told)
    if round.upload is not None:
        round.upload.refresh_from_db()
        found += _outcome(round.upload, told)
        _end(round, round.upload)
        found += _ended(round, round.upload)
    found += _at_oss(round)
    for upload in Upload.objects.filter(owner=round.user):
        found += _history(upload, signals)
    return found


def _answers(told: Sequence[Told]) -> Iterator[str]:
    for each in told:
        if isinstance(each.answer, Exception):
            yield f"{each.name} raised {each.answer!r}"
        elif each.name == "sweep":
            wrong = set(each.swept) - {"adopted", "settled", "aborted", "released", "skipped", "failed"}
            details = [swept.detail for swept in each.answer if swept.what == "failed"]
            if wrong or any("OSS has not answered yet" not in detail for detail in details):
                yield f"the sweep did {each.swept} {details}"
        elif each.status not in ALLOWED[each.name]:
            yield f"unexpected answer: {each}"
        elif each.status == 409 and not each.state and each.name != "create":
            yield f"a refusal without the state: {each}"


def _outcome(upload: Upload, told: Sequence[Told]) -> Iterator[str]:
    """What the racers were told agrees with the row, and so with each other."""
    for each in told:
        if each.aborted and upload.state != State.ABORTED:
            yield f"said to be aborted, and is {upload.state}: {each}"
        if each.completed and upload.state != State.COMPLETED:
            yield f"said to be completed, and is {upload.state}: {each}"
        if each.state and is_final(State(each.state)) and each.state != upload.state:
            yield f"said to be {each.state}, and is {upload.state}: {each}"
        if each.status == 409 and each.state == State.UPLOADING:
            yield f"refused for a state in which it is allowed: {each}"
        if each.resumed and any("aborted" in other.swept for other in told):
            yield f"aborted by the sweep although it was resumed: {each}"
    if upload.state in ENDS and not any(each.aborted or each.completed or each.status == 202 for each in told):
        yield f"{upload.state}, and nobody was told"
    recorded = list(upload.parts.values_list("number", "size"))
    if upload.state not in (State.UPLOADING, State.COMPLETING) and recorded:
        yield f"parts recorded after the end: {recorded}"
    if upload.state == State.UPLOADING:
        sent = sum(each.name == "checkpoint" for each in told)
        distinct = min(sent, upload.part_count or 1)
        if (upload.parts_done, upload.bytes_done) != (len(recorded), sum(size for _, size in recorded)):
            yield f"counted {upload.parts_done} parts of {upload.bytes_done} bytes, and recorded {recorded}"
        if len(recorded) != distinct:
            yield f"{distinct} parts were reported, and {len(recorded)} are recorded"


def _quota(round: Round, told: Sequence[Told]) -> Iterator[str]:
    uploads = Upload.objects.filter(owner=round.user)
    if round.limit == "counted" and uploads.active().count() > LIMITS["counted"]["max_active_per_user"]:
        yield f"{uploads.active().count()} uploads are unfinished"
    held = sum(upload.size or 0 for upload in uploads.counted_against(round.user))
    if round.limit == "weighed" and held > LIMITS["weighed"]["max_bytes_per_user_per_day"]:
        yield f"{held} bytes count"
    begun = {each.body["id"] for each in told if each.name in ("create", "quota") and each.status == 201}
    if begun - {str(pk) for pk in uploads.values_list("pk", flat=True)}:
        yield "an upload that was said to be begun has no row"
    created = [each for each in told if each.name == "create"]
    if len({each.body.get("id") for each in created if each.status == 201}) > 1:
        yield "the same key began two uploads"
    if round.upload is not None:
        replayed = {each.body["id"] for each in created if each.status == 201}
        if replayed - {str(round.upload.pk)}:
            yield "the key's upload is another one"
        if any(each.status == 403 for each in created):
            yield "a repeated request was refused, although its upload was begun"
    elif len(begun) != 1:
        yield f"{len(begun)} uploads were begun where there is room for one"
    elif len(created) == 2 and any(each.status != 201 for each in created):
        yield "a repeated request was refused, although its upload was begun"


def _end(round: Round, upload: Upload) -> None:
    """As a browser or the sweep would. What the callers were told was compared before."""
    if upload.state in (State.UPLOADING, State.COMPLETING):
        with suppress(UploadError):
            services.complete(upload)
    upload.refresh_from_db()
    if upload.state != State.COMPLETED:
        sweep(round, 0)
        upload.refresh_from_db()


def _ended(round: Round, upload: Upload) -> Iterator[str]:
    if upload.state not in ENDS:
        yield f"ended as {upload.state}: {upload.error}"
    if upload.state == State.ABORTED and not (upload.error or {}).get("code"):
        yield "aborted, and the row does not say why"
    if upload.parts.exists():
        yield "recorded parts are left after the end"
    if upload.state == State.COMPLETED and upload.key in round.objects():
        head = round.oss.head(BUCKET, upload.key)
        if (head.etag, head.size, str(head.crc64)) != (upload.etag, SIZE, upload.crc64):
            yield f"the row has {upload.etag} {upload.crc64}, the object {head.etag} {head.crc64}"
        elif round.oss.get_range(BUCKET, upload.key, 0, SIZE, head.etag) != CONTENT:
            yield "the object has other bytes than the file"


def _at_oss(round: Round) -> Iterator[str]:
    rows = Upload.objects.filter(owner=round.user)
    objects = round.objects()
    expected = set(rows.filter(state=State.COMPLETED).values_list("key", flat=True))
    if objects != expected:
        yield f"objects {objects}, and the completed rows have {expected}"
    held = {each.upload_id for each in round.oss.all_uploads(BUCKET, round.prefix)}
    known = set(rows.active().exclude(upload_id="").values_list("upload_id", flat=True))
    if held != known:
        yield f"multipart uploads at OSS {held}, and unfinished rows have {known}"


def _history(upload: Upload, signals: Counter[tuple[UUID, str]]) -> Iterator[str]:
    """Each event once, in an order that the table of states allows, and a signal for each."""
    names = list(upload.events.values_list("name", flat=True))
    state = State.UPLOADING
    for name in names[1:]:
        if name not in list(Event) or state not in sources(Event(name)):
            yield f"{name} while {state}: {names}"
            return
        state = destination(Event(name))
    if names[:1] != ["begin"] or state != upload.state:
        yield f"the history {names} does not lead to {upload.state}"
    heard = Counter({name: count for (pk, name), count in signals.items() if pk == upload.pk})
    told = Counter(name for name in names if name in ("begin", "finish", "abort", "fail"))
    if heard != told:
        yield f"signals {dict(heard)}, history {names}"
