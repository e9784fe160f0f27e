"""Compares what every client was told with the end. Rule: pure; a test gives it a site that lies.

The object's bytes are the file's bytes and the row says completed, or there is no object and the row says why; never
both wrong, never stuck; nothing is left at OSS after the sweep.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.end import Facts, Row
from tests.chaos.files import HUGE, Spec, digest
from tests.chaos.ledger import Entry

EXPLAINED = {
    "object_mismatch": "a part was damaged on its way",
    "parts_refused": "a part was damaged on its way",
    "wrong_state": "the upload was ended by a request whose answer was lost",
    "upload_gone": "the upload was ended by a request whose answer was lost",
}
"""Codes with which an upload may fail, and which injected fault explains that."""
MAX_FAILED = 0.02
"""The share of the files of one kind of client that may fail with an explanation."""
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Work:
    """What a run must have done at least. `faults`: each of these once; `least`: completed files by client; `ways`: of
    each of these one file, by the names of `ways_of`."""

    least: Mapping[str, int]
    faults: Sequence[str] = ()
    ways: Sequence[str] = ()


def ways_of(spec: Spec) -> set[str]:
    """How a file is uploaded: its destination, file or folder or stream and so on, and whether it is huge."""
    return {spec.destination, spec.how, *(("huge",) if spec.size >= HUGE[0] else ())}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong`: one sentence for each violation. The run passes if there is none."""

    wrong: list[str]
    right: int
    """Completed rows whose object has the bytes of the file."""
    bytes_right: int
    told: dict[str, Counter[str]]
    """How files ended, by client."""
    codes: Counter[str]
    """Of files that failed, by client and code."""
    states: Counter[str]
    """Of rows."""

    @property
    def passed(self) -> bool:
        return not self.wrong


def reckon(entries: Sequence[Entry], facts: Facts, work: Work, injected: Mapping[str, int]) -> Verdict:
    """The verdict about a run."""
    specs = {entry.spec.name: entry.spec for entry in entries}
    wrong, right, bytes_right = [], 0, 0
    for row in facts.rows:
        found = _row_wrongs(row, specs.get(row.filename), facts)
        wrong += found
        if row.state == "completed" and not found:
            right, bytes_right = right + 1, bytes_right + (row.size or 0)
    wrong += _client_wrongs(entries, facts)
    wrong += _leftovers(facts)
    told: dict[str, Counter[str]] = {}
    for entry in entries:
        told.setdefault(entry.client, Counter())[entry.outcome or "stuck"] += 1
    codes = Counter(f"{entry.client}: {entry.code}" for entry in entries if entry.outcome == "failed")
    wrong += [
        f"the site answered {each} {count} times" for each, count in facts.answers.items() if each.endswith(" 500")
    ]
    wrong += _failures(entries, told)
    wrong += _idleness(told, work, injected)
    done = set[str]().union(*(ways_of(entry.spec) for entry in entries if entry.outcome == "completed"))
    wrong += [f"no file was completed as {each!r}" for each in work.ways if each not in done]
    return Verdict(wrong, right, bytes_right, told, codes, Counter(row.state for row in facts.rows))


def _row_wrongs(row: Row, spec: Spec | None, facts: Facts) -> list[str]:
    """Of one row, whatever anybody was told about it."""
    name = f"{row.filename} ({row.id})"
    if spec is None:
        return [f"{name}: a row that no client asked for"]
    if row.state in ("uploading", "completing"):
        return [f"{name}: still {row.state} after the sweep"]
    if row.state != "completed":
        return [] if row.code or row.state == "deleted" else [f"{name}: {row.state}, and the row does not say why"]
    found = facts.objects.get(row.key)
    if found is None:
        return [f"{name}: completed, and there is no object"]
    if found.size != row.size:
        return [f"{name}: completed with {row.size} bytes, and the object has {found.size}"]
    if found.size > spec.size or found.sha256 != digest(spec.seed, found.size):
        return [f"{name}: completed, and the object is not what was sent"]
    return []


def _client_wrongs(entries: Sequence[Entry], facts: Facts) -> list[str]:
    """Of what clients were told."""
    by_id = {row.id: row for row in facts.rows}
    by_name = {row.filename: row for row in facts.rows if row.state == "completed"}
    wrong = []
    for entry in entries:
        spec, row = entry.spec, by_id.get(entry.upload)
        if spec.how == "folder" and not entry.upload:
            row = by_name.get(spec.name)
        if not entry.outcome:
            wrong.append(f"{spec.name}: never ended, although nothing fails any more ({spec})")
        elif entry.outcome in ("completed", "kept"):
            if row is None or row.state != "completed":
                wrong.append(f"{spec.name}: told {entry.outcome}, and the row is {row.state if row else 'missing'}")
            elif row.filename != spec.name:
                wrong.append(f"{spec.name}: told that the upload of {row.filename} is its own")
            elif entry.outcome == "completed" and row.size != spec.size:
                wrong.append(f"{spec.name}: told completed, and {row.size} of {spec.size} bytes are there")
        elif entry.outcome == "aborted" and row is not None and row.state not in ("aborted", "failed"):
            wrong.append(f"{spec.name}: told aborted, and the row is {row.state}")
    return wrong


def _leftovers(facts: Facts) -> list[str]:
    kept = {row.key for row in facts.rows if row.state == "completed"}
    strays = [
        f"{key}: an object of {facts.objects[key].size} bytes of no completed upload"
        for key in facts.objects
        if key not in kept
    ]
    return strays + [f"{key}: a multipart upload that is open after the sweep" for key in facts.open_uploads]


def _failures(entries: Sequence[Entry], told: Mapping[str, Counter[str]]) -> list[str]:
    """Failures that no injected fault explains, and those that are too many."""
    failed = [entry for entry in entries if entry.outcome == "failed"]
    wrong = [
        f"{each.spec.name}: failed with {each.code!r} ({each.spec})" for each in failed if each.code not in EXPLAINED
    ]
    for client, outcomes in told.items():
        count, total = outcomes["failed"], outcomes.total()
        if count > max(1, MAX_FAILED * total):
            wrong.append(f"{client}: {count} of {total} files failed")
    return wrong


def _idleness(told: Mapping[str, Counter[str]], work: Work, injected: Mapping[str, int]) -> list[str]:
    """A run that did less than its share."""
    wrong = []
    for client, least in work.least.items():
        completed = told.get(client, Counter())["completed"]
        if completed < least:
            wrong.append(f"{client}: only {completed} files completed; at least {least} are asked for")
    return wrong + [f"the fault {name!r} was never injected" for name in work.faults if not injected.get(name)]
