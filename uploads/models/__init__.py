"""The rows: uploads, their checkpoints, their history, what was granted to users, and what others are told.

Rule: rows are hints; OSS is the truth about parts and objects.
"""

from uploads.models.choices import STAGE_NAMES, STATE_NAMES, Method, User
from uploads.models.counts import Group, UploadCounts
from uploads.models.grants import CREDENTIALS_GRACE, CompanionRevocation, PrefixCredentials
from uploads.models.held import AGES, ENDED, UNFINISHED, HeldGroup
from uploads.models.identities import ExternalIdentity
from uploads.models.orphans import Kind, Orphan, OrphanSearch, orphan_id, search_id
from uploads.models.permissions import permission_name
from uploads.models.records import Part, UploadEvent, record_events
from uploads.models.removals import ObjectRemoval, Outcome, Reason
from uploads.models.upload import REGISTERED_ID_VERSION, Upload, UploadQuerySet
from uploads.models.webhooks import Ending, WebhookDelivery, record_webhooks

__all__ = [
    "AGES",
    "CREDENTIALS_GRACE",
    "ENDED",
    "REGISTERED_ID_VERSION",
    "STAGE_NAMES",
    "STATE_NAMES",
    "UNFINISHED",
    "CompanionRevocation",
    "Ending",
    "ExternalIdentity",
    "Group",
    "HeldGroup",
    "Kind",
    "Method",
    "ObjectRemoval",
    "Orphan",
    "OrphanSearch",
    "Outcome",
    "Part",
    "PrefixCredentials",
    "Reason",
    "Upload",
    "UploadCounts",
    "UploadEvent",
    "UploadQuerySet",
    "User",
    "WebhookDelivery",
    "orphan_id",
    "permission_name",
    "record_events",
    "record_webhooks",
    "search_id",
]
