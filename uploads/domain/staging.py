"""Staged uploads: browsers write below a staging prefix; the backend copies what passed the checks to the final key.

The copying begins when the upload is `completing` and its staged object is as the browser sent it. `decide` says which
step comes next, from what the row records and what OSS shows; each step may be repeated after a crash.

Rule: pure. Nobody but the backend writes a final key, so an object there that equals the staged one is the copy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from uploads.domain.attributes import is_file
from uploads.domain.completion import UNKNOWN, Unknown
from uploads.domain.errors import Conflict, ObjectMismatch, UploadError, UploadGone
from uploads.domain.keys import key_problem
from uploads.domain.phrase import Phrase
from uploads.oss.limits import GIB, MAX_KEY_BYTES, MAX_PART_NUMBER, MIB
from uploads.oss.messages import Completed, Part

MAX_WHOLE_COPY = GIB
"""Bytes. Larger objects are copied in parts, as OSS's manual of CopyObject advises."""
COPY_PART = 512 * MIB
"""Bytes of a part of a copy; more for an object that would have more than 10,000 of them."""


class Stage(StrEnum):
    """How far a staged upload is while it is `completing`; "" before its object has arrived."""

    CHECKING = "checking"
    """The object is checked, by its content too, and inspected."""
    COPYING = "copying"
    """The object passed, and is copied to the final key."""


@dataclass(frozen=True, slots=True)
class Staged:
    """The object that was checked, as the row records it."""

    etag: str
    size: int
    crc64: int | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> "Staged":
        return cls(record["etag"], int(record["size"]), int(record["crc64"]) if record.get("crc64") else None)

    def as_record(self) -> dict[str, str]:
        crc64 = {} if self.crc64 is None else {"crc64": str(self.crc64)}
        return {"etag": self.etag, "size": str(self.size), **crc64}

    def is_copied_to(self, copy: Completed) -> bool:
        """Whether this object has the same bytes, as far as OSS tells. The ETag of a copy in parts differs.

        The copy of a symbolic link is a link, whose bytes are those of another object.
        """
        same_crc64 = None in (copy.crc64, self.crc64) or copy.crc64 == self.crc64
        return copy.size in (None, self.size) and same_crc64 and is_file(copy.headers)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a staged upload in one of the stages."""

    stage: Stage
    staged: Staged
    copy_id: str = ""
    """The multipart upload to the final key, from the row."""
    verdict: UploadError | Unknown | None = UNKNOWN
    """The result of the checks; None: passed."""
    final: Completed | Unknown | None = UNKNOWN
    """The object at the final key; None: there is none."""
    was_copied: bool = False
    """OSS has confirmed the copy in this run."""
    exists: bool = False
    """OSS refused to replace an object at the final key."""
    parts: Sequence[Part] | Unknown | None = UNKNOWN
    """The parts of the copy at OSS; None: OSS does not know the multipart upload (any more)."""
    whole_up_to: int = MAX_WHOLE_COPY
    part_size: int = COPY_PART


# The actions


@dataclass(frozen=True, slots=True)
class Check:
    """Check and inspect the staged object."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Record that it passed: the stage becomes `copying`."""


@dataclass(frozen=True, slots=True)
class LookAtFinal:
    """HeadObject of the final key."""


@dataclass(frozen=True, slots=True)
class CopyWhole:
    """CopyObject."""


@dataclass(frozen=True, slots=True)
class BeginCopy:
    """InitiateMultipartUpload at the final key, and record its id."""


@dataclass(frozen=True, slots=True)
class LookAtCopy:
    """ListParts of the copy."""


@dataclass(frozen=True, slots=True)
class CopyParts:
    """UploadPartCopy of these parts: number → first byte and size."""

    parts: Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class CompleteCopy:
    """CompleteMultipartUpload of the copy."""

    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Finish:
    """The copy is there: remove the staged object, and move to `completed`."""

    done: Completed


@dataclass(frozen=True, slots=True)
class Reject:
    """Move to `failed`, and remove the staged object. `final`: remove what was written to the final key, too."""

    error: UploadError
    final: bool = False


Action = Check | Pass | LookAtFinal | CopyWhole | BeginCopy | LookAtCopy | CopyParts | CompleteCopy | Finish | Reject


def decide(facts: Facts) -> Action:
    """The next step. Each adds to the facts or moves the stage, so that repeating this ends with Finish or Reject."""
    if isinstance(facts.verdict, UploadGone) and facts.final is UNKNOWN:
        return LookAtFinal()  # The database was restored to a time before it was copied.
    if isinstance(facts.verdict, UploadGone) and isinstance(facts.final, Completed):
        return Finish(facts.final) if facts.staged.is_copied_to(facts.final) else Reject(facts.verdict)
    if isinstance(facts.verdict, UploadError):
        return Reject(facts.verdict)
    if facts.stage == Stage.CHECKING:
        return Check() if facts.verdict is UNKNOWN else Pass()
    if facts.final is UNKNOWN:
        return LookAtFinal()
    if facts.final is not None and facts.staged.is_copied_to(facts.final):
        return Finish(facts.final)
    if facts.was_copied:
        detail = Phrase("The copy at the final key differs from the file that was checked. Start a new upload.")
        return Reject(ObjectMismatch(detail), final=facts.final is not None)
    if facts.exists:
        return Reject(Conflict(Phrase("An object with this key exists and must not be overwritten.")))
    if facts.staged.size <= facts.whole_up_to:
        return CopyWhole()
    return _decide_parts(facts)


def _decide_parts(facts: Facts) -> Action:
    if not facts.copy_id or facts.parts is None:
        return BeginCopy()
    if isinstance(facts.parts, Unknown):
        return LookAtCopy()
    held = {part.number: part for part in facts.parts}
    spans = copy_spans(facts.staged.size, facts.part_size)
    missing = {n: span for n, span in spans.items() if n not in held or held[n].size != span[1]}
    return CopyParts(missing) if missing else CompleteCopy([held[number] for number in spans])


def copy_spans(size: int, part_size: int = COPY_PART) -> dict[int, tuple[int, int]]:
    """The parts in which an object of `size` bytes is copied: number → first byte and size."""
    part_size = max(part_size, -(-size // MAX_PART_NUMBER))
    starts = range(0, size, part_size)
    return {number: (first, min(part_size, size - first)) for number, first in enumerate(starts, 1)}


def gone() -> UploadGone:
    """The error for a staged object that was removed before it was copied."""
    return UploadGone(Phrase("The file was removed from the staging prefix before it was checked. Start a new upload."))


def replaced() -> ObjectMismatch:
    """The error for a staged object that is another than the one that arrived."""
    return ObjectMismatch(Phrase("The file was replaced while it was checked. Start a new upload."))


# Keys


def staging_key(prefix: str, key: str, upload_id: str) -> str:
    """The key below the staging prefix for an upload to `key`; made of `upload_id` where that would be too long."""
    staged = f"{prefix}{key}"
    return staged if len(staged.encode()) <= MAX_KEY_BYTES else f"{prefix}{upload_id}/file"


def prefix_problem(prefix: object) -> str | None:
    """Why this is no staging prefix; None if it is."""
    if not isinstance(prefix, str) or not prefix.endswith("/") or prefix == "/":
        return "it must be a prefix that ends with /, such as staging/"
    return key_problem(f"{prefix}file")
