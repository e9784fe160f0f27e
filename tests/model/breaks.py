"""Breaks of the services, each of which random runs must find: what no longer works, where, and the text that changes.

`file` is below uploads/ and holds the text `before` once. `python -m tests.model.check_breaks` tries them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    name: str
    file: str
    before: str
    after: str


BREAKS = (
    Break(
        "a state is written whatever it was before",
        "models/upload.py",
        "rows = rows.filter(state__in=states.sources(event))",
        "pass",
    ),
    Break(
        "what was learned for one claim is recorded for another",
        "services/complete.py",
        "event, fields, actor=actor, unchanged=True",
        "event, fields, actor=actor",
    ),
    Break(
        "an upload that was claimed is aborted without a look for its object",
        "services/abort.py",
        'is_claimed = "etag" in (upload.expected or {})',
        "is_claimed = False",
    ),
    Break(
        "the sweep aborts what has an object",
        "services/abort_many.py",
        "if answer is None]",
        "]",
    ),
    Break(
        "the sweep does not look again after the signatures have expired",
        "services/abort.py",
        "look_again_at=expiry if expiry > began else None, attempts=0",
        "look_again_at=None, attempts=0",
    ),
    Break(
        "the object is not compared with the checksum of the client",
        "domain/expectations.py",
        'return {"client_crc64": crc64} if crc64 else {}',
        "return {}",
    ),
    Break(
        "parts are not compared with their recorded checksums",
        "services/complete.py",
        "case.recorded_crc64 = dict(recorded)",
        "case.recorded_crc64 = {}",
    ),
    Break(
        "the sweep does not settle what is completing",
        "services/sweep.py",
        '        (Upload.objects.unsettled(now - PATIENCE), _settle, "settled"),\n',
        "",
    ),
    Break(
        "the sweep aborts what was claimed after it looked",
        "services/abort_many.py",
        "stale.filter(updated_at__lte=max((each.updated_at for each in missing), default=now))",
        "stale",
    ),
    Break(
        "an abort removes the object of a completed upload",
        "services/abort.py",
        "    require(upload, State.ABORTED, State.FAILED)\n",
        "",
    ),
)
