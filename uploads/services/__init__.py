"""The journey of an upload: begin, sign parts, issue credentials, record parts, complete, abort, sweep.

Rule: no OSS call inside a database transaction. Claim (compare-and-set), call OSS, record: a crash between any two
of these is repaired by calling again, because OSS is asked what is so before anything is believed.
"""

from uploads.connection import oss_now
from uploads.domain.parts import ClientReport
from uploads.services.abort import abort
from uploads.services.begin import UploadRequest, begin, begin_many, find, object_headers, unfinished
from uploads.services.callback import receive
from uploads.services.complete import complete, complete_many, detect_unreported
from uploads.services.credentials import ScopedCredentials, issue_credentials, issue_prefix_credentials
from uploads.services.parts import DonePart, record_parts, synchronize_parts
from uploads.services.signing import SignedPart, sign_parts
from uploads.services.sweep import ORPHAN_AGE, Swept, check_object, known_uploads, sweep, sweep_orphans

__all__ = [
    "ORPHAN_AGE",
    "ClientReport",
    "DonePart",
    "ScopedCredentials",
    "SignedPart",
    "Swept",
    "UploadRequest",
    "abort",
    "begin",
    "begin_many",
    "check_object",
    "complete",
    "complete_many",
    "detect_unreported",
    "find",
    "issue_credentials",
    "issue_prefix_credentials",
    "known_uploads",
    "object_headers",
    "oss_now",
    "receive",
    "record_parts",
    "sign_parts",
    "sweep",
    "sweep_orphans",
    "synchronize_parts",
    "unfinished",
]
