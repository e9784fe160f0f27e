"""What an object must turn out to be, known before OSS is asked for it, and how a difference is told."""

from collections.abc import Mapping, Sequence

from uploads.domain.attributes import Difference
from uploads.domain.errors import ObjectMismatch
from uploads.domain.parts import ClientReport
from uploads.domain.phrase import Phrase
from uploads.oss.crc64 import combine_all
from uploads.oss.messages import Completed, Part, multipart_etag


def expected_of_parts(parts: Sequence[Part], report: ClientReport) -> dict[str, str]:
    """Of the object that OSS makes of these parts. Manual: CompleteMultipartUpload."""
    expected = {"etag": multipart_etag(part.etag for part in parts)}
    if all(part.crc64 is not None for part in parts):
        expected["crc64"] = str(combine_all((part.crc64 or 0, part.size) for part in parts))
    return expected | expected_of_file(report.crc64)


def expected_of_object(found: Completed, report: ClientReport) -> dict[str, str]:
    """Of an object that is there already: what the client reports, where it reports something."""
    return {"etag": report.etag or found.etag} | expected_of_file(report.crc64)


def expected_of_file(crc64: str) -> dict[str, str]:
    """Of whatever becomes of a file with this CRC64; nothing if that is empty."""
    return {"client_crc64": crc64} if crc64 else {}


def actual(found: Completed) -> dict[str, str]:
    """The same values as OSS has them; empty where OSS does not tell."""
    crc64 = "" if found.crc64 is None else str(found.crc64)
    return {"etag": found.etag, "crc64": crc64, "client_crc64": crc64}


_NAMES = {
    "etag": "ETag",
    "crc64": Phrase("CRC64 of the parts"),
    "client_crc64": Phrase("CRC64 of the file"),
    "size": Phrase("size"),
}


def mismatch(wrong: Mapping[str, Difference]) -> ObjectMismatch:
    """The error for an object that differs: by name, what it must be and what it is."""
    differences = (
        Phrase(
            "{name}: {sent} expected, {held} at OSS", name=_NAMES.get(name, name), sent=must or "-", held=held or "-"
        )
        for name, (must, held) in wrong.items()
    )
    detail = Phrase(
        "The object in the bucket is not the one that was to be uploaded: {differences}. "
        "It is removed; upload the file again.",
        differences=Phrase.joined(differences, ", "),
    )
    return ObjectMismatch(detail, errors={name: list(pair) for name, pair in wrong.items()})
