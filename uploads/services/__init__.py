"""The journey of an upload: begin, sign parts, issue credentials, record parts, complete, abort, sweep.

Rule: no OSS call inside a database transaction. Claim (compare-and-set), call OSS, record: a crash between any two
of these is repaired by calling again, because OSS is asked what is so before anything is believed.
"""

from uploads.domain.parts import ClientReport
from uploads.services.abort import abort
from uploads.services.addresses import addresses
from uploads.services.allowance import Allowance, allowance
from uploads.services.begin import (
    IdempotencyKey,
    UploadRequest,
    begin,
    begin_many,
    find,
    part_count,
    unfinished,
)
from uploads.services.callback import receive
from uploads.services.common import oss_now
from uploads.services.complete import complete, complete_many
from uploads.services.credentials import ScopedCredentials, issue_credentials, issue_prefix_credentials, renew_refused
from uploads.services.deletion import abort_or_delete, delete_object
from uploads.services.diagnosis import diagnose
from uploads.services.downloads import DownloadLink, administrators_link, download_link, record_download
from uploads.services.erasure import Erased, erase_user
from uploads.services.folders import AbortedFolder, abort_folder, folder_uploads, is_in_folder
from uploads.services.known_uploads import ORPHAN_AGE, known_uploads
from uploads.services.object_headers import object_headers
from uploads.services.open_uploads import OpenUploads, OpenUploadsQuery, list_open_uploads
from uploads.services.orphan_aborts import abort_if_orphan, orphan_of
from uploads.services.orphan_search import destination_of_key
from uploads.services.orphans import sweep_orphans
from uploads.services.parts import DonePart, record_checksum, record_parts, synchronize_parts
from uploads.services.prefix_uploads import register
from uploads.services.restored import reconcile
from uploads.services.signing import SignedPart, sign_parts
from uploads.services.sweep import Swept, check_object, sweep
from uploads.services.transactions import CalledInTransaction
from uploads.services.unreported import detect_unreported

__all__ = [
    "ORPHAN_AGE",
    "AbortedFolder",
    "Allowance",
    "CalledInTransaction",
    "ClientReport",
    "DonePart",
    "DownloadLink",
    "Erased",
    "IdempotencyKey",
    "OpenUploads",
    "OpenUploadsQuery",
    "ScopedCredentials",
    "SignedPart",
    "Swept",
    "UploadRequest",
    "abort",
    "abort_folder",
    "abort_if_orphan",
    "abort_or_delete",
    "addresses",
    "administrators_link",
    "allowance",
    "begin",
    "begin_many",
    "check_object",
    "complete",
    "complete_many",
    "delete_object",
    "destination_of_key",
    "detect_unreported",
    "diagnose",
    "download_link",
    "erase_user",
    "find",
    "folder_uploads",
    "is_in_folder",
    "issue_credentials",
    "issue_prefix_credentials",
    "known_uploads",
    "list_open_uploads",
    "object_headers",
    "orphan_of",
    "oss_now",
    "part_count",
    "receive",
    "reconcile",
    "record_checksum",
    "record_download",
    "record_parts",
    "register",
    "renew_refused",
    "sign_parts",
    "sweep",
    "sweep_orphans",
    "synchronize_parts",
    "unfinished",
]
