"""Which of the parts that OSS lists make up the file.

Rule: OSS's list decides. What the client reports can only make the choice stricter.
Manual: ListParts, CompleteMultipartUpload.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from uploads.domain.errors import InvalidUpload, PartsMissing, UploadError
from uploads.domain.phrase import Phrase
from uploads.domain.plan import Plan
from uploads.domain.quota import beyond_limits
from uploads.oss.messages import Part


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What the client says of the file when it asks to complete. Every field is optional but a stream's size."""

    crc64: str = ""
    """Of the whole file: an unsigned decimal."""
    etag: str = ""
    size: int | None = None
    """Bytes of a stream, known at its end."""
    callback: Mapping[str, Any] | None = None
    """The outcome of the destination's callback, as OSS told the client of a file that was sent in one request:
    `oss.responses.callback_result`. OSS tells nobody else, and the client may say anything."""
    parts: Mapping[int, str] | None = None
    """Part number → ETag of all parts, from clients that report no sizes: instead of `size`."""
    keep: bool = False
    """A stream was interrupted: its unbroken beginning at OSS is the whole object."""


NO_REPORT = ClientReport()


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What is known of the file before OSS is asked for its parts."""

    plan: Plan
    is_stream: bool = False
    size: int | None = None
    """Bytes; None until a stream ends."""
    max_size: int | None = None
    """The most bytes that the destination takes; None: any number."""
    reserved: int | None = None
    """The most bytes that a stream may have; None: any number."""
    destination: str = ""
    recorded_crc64: Mapping[int, str] = field(default_factory=dict)
    """Part number → CRC64 that the browser recorded."""

    def size_reported(self, report: ClientReport) -> int | None:
        """Bytes of the whole file; those of a stream are what the client reports."""
        return report.size if self.is_stream and report.size is not None else self.size

    def beyond_limits(self, size: int | None) -> UploadError | None:
        """Why a stream may not have so many bytes: a client with temporary credentials sends what it likes."""
        if not self.is_stream or size is None:
            return None
        return beyond_limits(self.destination, self.max_size, self.reserved, size)


def parts_to_complete(file: FilePlan, listed: Sequence[Part], report: ClientReport) -> list[Part]:
    """The parts to complete with, by number. OSS drops a part beyond the plan, which is left out.

    Raises PartsMissing, whose `errors["parts"]` names what must be sent again; InvalidUpload for a stream without a
    size, and if something else than a stream is to be kept; TooLarge for a stream beyond the destination's limit,
    OverQuota for one beyond its reservation.
    """
    if file.is_stream:
        return _claimed_parts(file, listed, report) or _stream_parts(file, listed, report)
    if report.keep:
        detail = Phrase("Only a stream can be completed with the parts that have arrived.")
        raise InvalidUpload(detail, errors={"keep": [detail]})
    held, damaged = {part.number: part for part in listed}, _damaged(file, listed)
    wrong = [
        number
        for number in file.plan.numbers()
        if number not in held or held[number].size != file.plan.size_of(number) or number in damaged
    ]
    if wrong:
        detail = Phrase(
            "{count} of {total} parts are missing or wrong at OSS: send them again.",
            count=len(wrong),
            total=file.plan.part_count,
        )
        raise PartsMissing(detail, errors={"parts": wrong})
    return [held[number] for number in file.plan.numbers()]


def _damaged(file: FilePlan, listed: Sequence[Part]) -> set[int]:
    """Parts whose CRC64 at OSS is not the recorded one. Where CORS hides OSS's value, the browser records its own."""
    at_oss = {part.number: str(part.crc64) for part in listed if part.crc64 is not None}
    return {number for number, crc64 in file.recorded_crc64.items() if at_oss.get(number, crc64) != crc64}


def _claimed_parts(file: FilePlan, listed: Sequence[Part], report: ClientReport) -> list[Part]:
    """The parts of a stream that is being completed: its size was written down with them. Empty if there are none.

    Whoever repeats the call need not know that the stream was kept, and a part may have arrived since then.
    """
    if file.size is None or report.size not in (None, file.size):
        return []
    parts = _unbroken(file, listed, file.size)
    return parts if sum(part.size for part in parts) == file.size else []


def _unbroken(file: FilePlan, listed: Sequence[Part], most: int | None) -> list[Part]:
    """The parts before the first one that is missing, damaged, or beyond `most` bytes."""
    damaged, parts, size = _damaged(file, listed), list[Part](), 0
    for number, part in enumerate(listed, 1):
        size += part.size
        if part.number != number or number in damaged or (most is not None and size > most):
            break
        parts.append(part)
    return parts


def _kept_parts(file: FilePlan, listed: Sequence[Part]) -> list[Part]:
    """The unbroken beginning: what comes after a gap is of no use without what is missing."""
    limits = [limit for limit in (file.max_size, file.reserved) if limit is not None]
    parts = _unbroken(file, listed, min(limits, default=None))
    if not parts:
        raise PartsMissing(Phrase("OSS has nothing of this upload that can be kept."), errors={"parts": [1]})
    return parts


def _stream_parts(file: FilePlan, listed: Sequence[Part], report: ClientReport) -> list[Part]:
    """A stream's parts may have any size. Together they have as many bytes as were sent."""
    if report.keep:
        return _kept_parts(file, listed)
    size = file.size_reported(report)
    if report.parts is not None:
        listed = _listed_by_client(listed, report.parts)
        size = sum(part.size for part in listed)
    if size is None:
        detail = Phrase("A stream can be completed only with its size: send size.")
        raise InvalidUpload(detail, errors={"size": [detail]})
    if error := file.beyond_limits(size):
        raise error
    _require_no_gaps(file, listed)
    total = sum(part.size for part in listed)
    if total != size:
        detail = Phrase("OSS has {held} of {size} bytes: send the missing or wrong parts again.", held=total, size=size)
        raise PartsMissing(detail, errors={"parts": [], "size": [total]})
    return list(listed)


def _require_no_gaps(file: FilePlan, listed: Sequence[Part]) -> None:
    numbers = [0, *(part.number for part in listed)]
    gaps = [number for before, after in pairwise(numbers) for number in range(before + 1, after)]
    if gaps or not listed:
        raise PartsMissing(Phrase("Parts are missing at OSS: send them again."), errors={"parts": gaps or [1]})
    if damaged := _damaged(file, listed):
        raise PartsMissing(Phrase("Parts arrived damaged: send them again."), errors={"parts": sorted(damaged)})


def _listed_by_client(listed: Sequence[Part], reported: Mapping[int, str]) -> Sequence[Part]:
    """The parts at OSS, if the client lists exactly these. It reports no size that would tell."""
    at_oss = {part.number: part.etag.upper() for part in listed}
    wrong = sorted(number for number in {*at_oss, *reported} if at_oss.get(number) != reported.get(number))
    if wrong:
        detail = Phrase(
            "{count} parts at OSS differ from the {total} parts listed: send them again.",
            count=len(wrong),
            total=len(reported),
        )
        raise PartsMissing(detail, errors={"parts": wrong})
    # A file that is resumed with another part size would have holes. Only Uppy's last part may be smaller; beyond
    # 10,000 times its part size Uppy cuts at fractions of a byte, hence the tolerance of one.
    first, last = listed[0].size if listed else 0, listed[-1] if listed else None
    odd = [part.number for part in listed if part.size > first + 1 or (part.size < first - 1 and part != last)]
    if odd:
        detail = Phrase(
            "All parts but the last must be the same size; {count} differ. Start a new upload.", count=len(odd)
        )
        raise PartsMissing(detail, errors={"parts": odd})
    return listed
