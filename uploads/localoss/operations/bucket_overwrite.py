"""The overwrite protection of a bucket: rules under which no object is replaced.

Rule: a request replaces all rules, or none if one of them is not valid. A rule for certain principals binds the account
of the server if it names its id or `*`; other principals, such as RAM users, bind nobody here.
"""

from uuid import uuid4
from xml.etree.ElementTree import SubElement

from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations.context import Context
from uploads.oss import markup, overwrite
from uploads.oss.errors import Malformed
from uploads.oss.limits import MAX_OVERWRITE_XML_BYTES


def put_bucket_overwrite(context: Context) -> Answer:
    """OSS manual: "PutBucketOverwriteConfig". A rule without an ID gets a UUID. IDs must be unique; which error OSS has
    otherwise is unknown."""
    body = context.request.body.whole(MAX_OVERWRITE_XML_BYTES)
    try:
        given = [rule.id for rule in overwrite.read(body) if rule.id]
    except Malformed as error:
        raise Refusal("MalformedXML", {"Reason": str(error)}) from error
    if len(set(given)) != len(given):
        raise invalid_argument("ID", "", "The IDs of overwrite rules must be unique.")
    context.store.buckets.set_overwrite(context.bucket.name, _with_ids(body))
    return Answer()


def _with_ids(body: bytes) -> bytes:
    document = markup.parse(body)
    unnamed = [rule for rule in document.iterfind("Rule") if not rule.findtext("ID")]
    for rule in unnamed:
        element = rule.find("ID")
        (SubElement(rule, "ID") if element is None else element).text = str(uuid4())
    return markup.serialize(document) if unnamed else body


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
    return any(rule.covers(key) and _binds(rule, context) for rule in rules)


def _binds(rule: overwrite.OverwriteRule, context: Context) -> bool:
    """Whether a rule is about the sender of the request. A form's sender is taken for the owner of the bucket."""
    if not rule.principals or "*" in rule.principals:
        return True
    key = context.identity.key
    return context.config.owner in rule.principals and not (key is not None and key.foreign)
