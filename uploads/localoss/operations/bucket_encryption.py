"""The encryption that new objects of a bucket get (OSS manual: "Server-side encryption").

Rule: it is kept as the headers of an upload that asks for the same. Nothing is encrypted on disk.
"""

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations import headers
from uploads.localoss.operations.context import Context
from uploads.localoss.store.rows import Bucket

MAX_XML = 64 * 1024
_ROOT, _DEFAULT = "ServerSideEncryptionRule", "ApplyServerSideEncryptionByDefault"
_TAGS = dict(zip(("SSEAlgorithm", "KMSMasterKeyID", "KMSDataEncryption"), headers.ENCRYPTION_HEADERS, strict=True))
"""The elements, with the headers that mean the same."""


def put_bucket_encryption(context: Context) -> Answer:
    """OSS manual: "PutBucketEncryption". A key belongs to KMS alone."""
    document = markup.parse(context.request.body.whole(MAX_XML), _ROOT)
    if document.find(_DEFAULT) is None:
        raise Refusal("MalformedXML")
    given = {header: (document.findtext(f"{_DEFAULT}/{tag}") or "").strip() for tag, header in _TAGS.items()}
    chosen = {header: value for header, value in given.items() if value}
    if headers.ENCRYPTION not in chosen:
        raise Refusal("MalformedXML")
    if chosen[headers.ENCRYPTION] not in headers.ENCRYPTIONS:
        raise Refusal("InvalidEncryptionAlgorithmError")
    if len(chosen) > 1 and chosen[headers.ENCRYPTION] != "KMS":
        raise invalid_argument("SSEAlgorithm", chosen[headers.ENCRYPTION], "A key is valid only with KMS.")
    context.store.buckets.change_settings(context.bucket.name, encryption=chosen)
    return Answer()


def get_bucket_encryption(context: Context) -> Answer:
    """OSS manual: "GetBucketEncryption"."""
    if not context.bucket.settings.encryption:
        raise Refusal("NoSuchServerSideEncryptionRule", {"BucketName": context.bucket.name})
    return xml(_ROOT, [(_DEFAULT, encryption_rule(context.bucket))])


def delete_bucket_encryption(context: Context) -> Answer:
    """OSS manual: "DeleteBucketEncryption"."""
    context.store.buckets.change_settings(context.bucket.name, encryption={})
    return Answer(204)


def encryption_rule(bucket: Bucket) -> list[markup.Node]:
    """The rule's elements; SSEAlgorithm is None in GetBucketInfo without a rule."""
    stored = bucket.settings.encryption
    content: list[markup.Node] = [(tag, stored[header]) for tag, header in _TAGS.items() if header in stored]
    return content or [("SSEAlgorithm", "None")]
