"""The versioning of a bucket.

Rule: versioning that was enabled once can be suspended and not disabled (OSS manual: "Versioning").
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import Refusal
from uploads.localoss.operations.context import Context

MAX_XML = 64 * 1024
STATUSES = ("Enabled", "Suspended")
_ROOT = "VersioningConfiguration"


def put_bucket_versioning(context: Context) -> Answer:
    """OSS manual: "PutBucketVersioning". A bucket with a retention policy cannot have suspended versioning (OSS manual:
    "Retention policies"); the error's message is unknown."""
    status = (markup.parse(context.request.body.whole(MAX_XML), _ROOT).findtext("Status") or "").strip()
    if status not in STATUSES:
        raise Refusal("MalformedXML")
    worm = context.bucket.settings.worm
    if status == "Suspended" and worm is not None and worm.state(context.milliseconds) != "Expired":
        raise Refusal("InvalidRequest", message="Versioning cannot be suspended while a retention policy is in effect.")
    context.store.buckets.change_settings(context.bucket.name, versioning=status)
    return Answer()


def get_bucket_versioning(context: Context) -> Answer:
    """OSS manual: "GetBucketVersioning". Without a Status if versioning was never enabled."""
    status = context.bucket.settings.versioning
    return xml(_ROOT, [("Status", status)] if status else [])
