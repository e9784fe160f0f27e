"""Block Public Access for a bucket and for the account (OSS manual: "Block Public Access").

Rule: while it is enabled, public ACLs are kept and ignored, and no ACL can be set to public.
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import Refusal
from uploads.localoss.operations.context import Context

MAX_XML = 64 * 1024
_ROOT, _FIELD = "PublicAccessBlockConfiguration", "BlockPublicAccess"


def put_bucket_public_access_block(context: Context) -> Answer:
    """OSS manual: "PutBucketPublicAccessBlock"."""
    context.store.buckets.change_settings(context.bucket.name, block_public_access=_read(context))
    return Answer()


def get_bucket_public_access_block(context: Context) -> Answer:
    """OSS manual: "GetBucketPublicAccessBlock". The answer for a bucket where it was never set is unknown; here it is
    "false", the documented default."""
    return _answer(context.bucket.settings.block_public_access)


def delete_bucket_public_access_block(context: Context) -> Answer:
    """OSS manual: "DeleteBucketPublicAccessBlock"."""
    context.store.buckets.change_settings(context.bucket.name, block_public_access=False)
    return Answer(204)


def put_public_access_block(context: Context) -> Answer:
    """OSS manual: "PutPublicAccessBlock", for the account."""
    context.store.account.set_block_public_access(_read(context))
    return Answer()


def get_public_access_block(context: Context) -> Answer:
    """OSS manual: "GetPublicAccessBlock", for the account. Without a setting as for a bucket."""
    return _answer(bool(context.store.account.block_public_access))


def delete_public_access_block(context: Context) -> Answer:
    """OSS manual: "DeletePublicAccessBlock", for the account."""
    context.store.account.set_block_public_access(None)
    return Answer(204)


def _read(context: Context) -> bool:
    text = (markup.parse(context.request.body.whole(MAX_XML), _ROOT).findtext(_FIELD) or "false").strip().lower()
    if text not in ("true", "false"):
        raise Refusal("MalformedXML")
    return text == "true"


def _answer(blocked: bool) -> Answer:
    return xml(_ROOT, [(_FIELD, str(blocked).lower())])
