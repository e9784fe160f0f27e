"""Who pays for the requests to a bucket (OSS manual: "Pay-by-requester").

Rule: `access.py` honours the setting.
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import Refusal
from uploads.localoss.operations.context import Context

MAX_XML = 64 * 1024
_ROOT, _FIELD = "RequestPaymentConfiguration", "Payer"


def put_bucket_request_payment(context: Context) -> Answer:
    """OSS manual: "PutBucketRequestPayment"."""
    payer = (markup.parse(context.request.body.whole(MAX_XML), _ROOT).findtext(_FIELD) or "").strip()
    if payer not in ("BucketOwner", "Requester"):
        raise Refusal("MalformedXML")
    context.store.buckets.change_settings(context.bucket.name, payer=payer)
    return Answer()


def get_bucket_request_payment(context: Context) -> Answer:
    """OSS manual: "GetBucketRequestPayment"."""
    return xml(_ROOT, [(_FIELD, context.bucket.settings.payer)])
