"""The retention policy of a bucket (OSS manual: "Retention policies").

Rule: a policy protects objects from its creation on, also before it is locked. A locked one can only be extended.
"""

import secrets
from dataclasses import replace

from uploads.localoss import markup
from uploads.localoss.answers import Answer, iso_time, xml
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations.context import Context
from uploads.localoss.store.settings import DAY, Worm

MAX_XML = 64 * 1024
MAX_DAYS = 25_550
"""70 years (OSS manual: "InitiateBucketWorm")."""


def initiate_bucket_worm(context: Context) -> Answer:
    """OSS manual: "InitiateBucketWorm". Refusal if versioning is suspended, or if there is a policy already; the error
    for a policy in progress is unknown, here it is replaced."""
    days = _days(context, "InitiateWormConfiguration")
    if context.bucket.settings.versioning == "Suspended":
        raise Refusal("InvalidRequest", message="A retention policy needs versioning to be enabled or never used.")
    present = context.bucket.settings.worm
    if present is not None and present.locked:
        raise Refusal("WORMConfigurationLocked")
    worm = Worm(secrets.token_hex(16).upper(), days, context.milliseconds)
    _store(context, worm)
    return Answer(headers={"x-oss-worm-id": worm.id})


def complete_bucket_worm(context: Context) -> Answer:
    """OSS manual: "CompleteBucketWorm", which locks the policy."""
    worm = _named(context)
    if worm.state(context.milliseconds) == "Expired":
        raise Refusal("InvalidWORMConfiguration")
    _store(context, replace(worm, locked=True))
    return Answer()


def extend_bucket_worm(context: Context) -> Answer:
    """OSS manual: "ExtendBucketWorm". Refusal (InvalidWORMConfiguration) if the policy is not locked or would become
    shorter."""
    worm, days = _named(context), _days(context, "ExtendWormConfiguration")
    if not worm.locked or days < worm.days:
        raise Refusal("InvalidWORMConfiguration")
    _store(context, replace(worm, days=days))
    return Answer()


def abort_bucket_worm(context: Context) -> Answer:
    """OSS manual: "AbortBucketWorm"."""
    if _present(context).locked:
        raise Refusal("WORMConfigurationLocked")
    context.store.buckets.change_settings(context.bucket.name, worm=None)
    return Answer(204)


def get_bucket_worm(context: Context) -> Answer:
    """OSS manual: "GetBucketWorm". ExpirationDate is the day on which a policy that is not locked expires."""
    worm = _present(context)
    content: list[markup.Node] = [
        ("WormId", worm.id),
        ("State", worm.state(context.milliseconds)),
        ("RetentionPeriodInDays", worm.days),
        ("CreationDate", iso_time(worm.created)),
    ]
    if not worm.locked:
        content.append(("ExpirationDate", iso_time(worm.created + DAY)))
    return xml("WormConfiguration", content)


def _store(context: Context, worm: Worm) -> None:
    context.store.buckets.change_settings(context.bucket.name, worm=worm)


def _present(context: Context) -> Worm:
    worm = context.bucket.settings.worm
    if worm is None:
        raise Refusal("NoSuchWORMConfiguration", {"BucketName": context.bucket.name})
    return worm


def _named(context: Context) -> Worm:
    """The policy, which the request must name."""
    worm = _present(context)
    if worm.id != context.request.parameters.get("wormId", ""):
        raise Refusal("NoSuchWORMConfiguration", {"BucketName": context.bucket.name})
    return worm


def _days(context: Context, root: str) -> int:
    text = markup.parse(context.request.body.whole(MAX_XML), root).findtext("RetentionPeriodInDays") or ""
    days = text.strip()
    if not (days.isascii() and days.isdigit() and len(days) <= 6 and 1 <= int(days) <= MAX_DAYS):
        raise invalid_argument("RetentionPeriodInDays", days, f"The period must be 1 to {MAX_DAYS} days.")
    return int(days)
