"""The ACLs of buckets and of objects.

Rule: changing an ACL changes nothing else.
"""

from dataclasses import replace

from uploads.localoss import markup
from uploads.localoss.answers import Answer, xml
from uploads.localoss.errors import invalid_argument
from uploads.localoss.operations import headers, versions
from uploads.localoss.operations.buckets import create, owner
from uploads.localoss.operations.context import Context


def get_bucket_acl(context: Context) -> Answer:
    """OSS manual: "GetBucketAcl"."""
    return _policy(context, context.bucket.acl)


def put_bucket_acl(context: Context) -> Answer:
    """OSS manual: "PutBucketAcl". A bucket that does not exist is created, as by PutBucket."""
    if not context.request.headers.get("x-oss-acl"):
        raise invalid_argument("x-oss-acl", "", "no such bucket access control exists.")
    create(context)
    return Answer()


def get_object_acl(context: Context) -> Answer:
    """OSS manual: "GetObjectACL"."""
    return _policy(context, versions.existing_object(context).acl)


def put_object_acl(context: Context) -> Answer:
    """OSS manual: "PutObjectACL"."""
    key, sent = context.request.checked_key(), context.request.headers
    if not sent.get("x-oss-object-acl"):
        raise invalid_argument("x-oss-object-acl", "", "no such object access control exists.")
    acl, version = headers.acl(sent, context), versions.requested_version(context)
    if not context.store.objects.update(context.bucket.name, key, lambda stored: replace(stored, acl=acl), version):
        raise versions.missing(context, key, version)
    return Answer()


def _policy(context: Context, grant: str) -> Answer:
    content: list[markup.Node] = [
        ("Owner", owner(context.config)),
        ("AccessControlList", [("Grant", grant)]),
    ]
    return xml("AccessControlPolicy", content)
