"""The journey of an upload: begin, sign_parts, lend, record_parts, complete, abort.

Rule: no OSS call inside a database transaction. Claim (compare-and-set), call OSS, record: a crash between any two
of these is repaired by calling again, because OSS is asked what is so before anything is believed.
"""

from uploads.services.abort import abort
from uploads.services.begin import Wanted, begin, begin_many, find, object_headers, unfinished
from uploads.services.callback import receive
from uploads.services.complete import Told, complete, complete_many, notice
from uploads.services.credentials import Lent, lend, lend_prefix
from uploads.services.parts import DonePart, SignedPart, record_parts, sign_parts, synchronize_parts
from uploads.services.sweep import ORPHAN_AGE, Swept, known_uploads, look, sweep, sweep_orphans

__all__ = [
    "ORPHAN_AGE",
    "DonePart",
    "Lent",
    "SignedPart",
    "Swept",
    "Told",
    "Wanted",
    "abort",
    "begin",
    "begin_many",
    "complete",
    "complete_many",
    "find",
    "known_uploads",
    "lend",
    "lend_prefix",
    "look",
    "notice",
    "object_headers",
    "receive",
    "record_parts",
    "sign_parts",
    "sweep",
    "sweep_orphans",
    "synchronize_parts",
    "unfinished",
]
