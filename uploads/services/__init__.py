"""The journey of an upload: begin, sign_parts, record_parts, complete, abort.

Rule: no OSS call inside a database transaction. Claim (compare-and-set), call OSS, record: a crash between any two
of these is repaired by calling again, because OSS is asked what is so before anything is believed.
"""

from uploads.services.abort import abort
from uploads.services.begin import begin
from uploads.services.complete import complete
from uploads.services.parts import DonePart, SignedPart, record_parts, sign_parts, synchronize_parts

__all__ = [
    "DonePart",
    "SignedPart",
    "abort",
    "begin",
    "complete",
    "record_parts",
    "sign_parts",
    "synchronize_parts",
]
