"""The overwrite protection of a bucket: rules under which no object is replaced.

Rule: a request replaces all rules, or none if one of them is not valid. Rules for certain principals are kept and bind
nobody here, because the local server has one account.
"""

from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal
from uploads.localoss.operations.context import Context
from uploads.oss import overwrite
from uploads.oss.errors import Malformed
from uploads.oss.limits import MAX_OVERWRITE_XML_BYTES


def put_bucket_overwrite(context: Context) -> Answer:
    """PutBucketOverwriteConfig."""
    body = context.request.body.whole(MAX_OVERWRITE_XML_BYTES)
    try:
        overwrite.read(body)
    except Malformed as error:
        raise Refusal("MalformedXML", {"Reason": str(error)}) from error
    context.store.buckets.set_overwrite(context.bucket.name, body)
    return Answer()


def get_bucket_overwrite(context: Context) -> Answer:
    """GetBucketOverwriteConfig."""
    if context.bucket.overwrite is None:
        raise Refusal("NoSuchBucketOverwriteConfig", {"BucketName": context.bucket.name})
    return Answer(200, {"Content-Type": "application/xml"}, context.bucket.overwrite)


def delete_bucket_overwrite(context: Context) -> Answer:
    """DeleteBucketOverwriteConfig."""
    context.store.buckets.set_overwrite(context.bucket.name, None)
    return Answer(204)


def is_protected(context: Context, key: str) -> bool:
    """Whether a rule of the bucket forbids to replace an object with this key."""
    document = context.bucket.overwrite
    rules = overwrite.read(document) if document is not None else ()
    return any(rule.covers(key) and not rule.principals for rule in rules)
