"""The lifecycle rules of a bucket. `uploads.localoss.lifecycle` runs them.

Rule: a request replaces all rules, or none if one of them is not valid.
"""

from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal
from uploads.localoss.lifecycle_rules import normalized
from uploads.localoss.operations.context import Context
from uploads.oss.errors import Malformed
from uploads.oss.lifecycle import Contradiction
from uploads.oss.limits import MAX_LIFECYCLE_XML_BYTES

OVERLAP = "x-oss-allow-same-action-overlap"


def put_bucket_lifecycle(context: Context) -> Answer:
    """OSS manual: "PutBucketLifecycle"."""
    body = context.request.body.whole(MAX_LIFECYCLE_XML_BYTES)
    overlap = context.request.headers.get(OVERLAP, "").lower() == "true"
    try:
        rules = normalized(body, overlap=overlap)
    except Malformed as error:
        raise Refusal("MalformedXML", {"Reason": str(error)}) from error
    except Contradiction as error:
        raise Refusal(error.code, message=str(error), ec=error.ec) from error
    context.store.buckets.set_lifecycle(context.bucket.name, rules)
    return Answer()


def get_bucket_lifecycle(context: Context) -> Answer:
    """OSS manual: "GetBucketLifecycle"."""
    if context.bucket.lifecycle is None:
        raise Refusal("NoSuchLifecycle", {"BucketName": context.bucket.name})
    return Answer(200, {"Content-Type": "application/xml"}, context.bucket.lifecycle)


def delete_bucket_lifecycle(context: Context) -> Answer:
    """OSS manual: "DeleteBucketLifecycle"."""
    context.store.buckets.set_lifecycle(context.bucket.name, None)
    return Answer(204)
