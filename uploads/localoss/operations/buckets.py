"""The service and its buckets.

Rule: all buckets belong to the account of the configuration.
"""

import re

from uploads.localoss import markup
from uploads.localoss.answers import Answer, iso_time, xml
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.headers import STORAGE_CLASSES
from uploads.localoss.store.rows import Bucket

NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
ACLS = ("private", "public-read", "public-read-write")
MAX_XML = 64 * 1024


def check_name(name: str) -> None:
    """Refusal (InvalidBucketName) unless the name has 3 to 63 of `a-z 0-9 -` and no hyphen at either end (OSS manual:
    "Bucket naming conventions")."""
    if not NAME.fullmatch(name):
        raise Refusal("InvalidBucketName", {"BucketName": name})


def list_buckets(context: Context) -> Answer:
    """OSS manual: "ListBuckets (GetService)"."""
    request = context.request
    prefix, marker = request.parameters.get("prefix", ""), request.parameters.get("marker", "")
    limit = request.number("max-keys", 100, 1, 1000)
    found = context.store.buckets.all(prefix, marker, limit + 1)
    page, truncated = found[:limit], len(found) > limit
    content: list[markup.Node] = [("Owner", owner(context.config))]
    if truncated or "marker" in request.parameters or "max-keys" in request.parameters:
        content += [("Prefix", prefix), ("Marker", marker), ("MaxKeys", limit), ("IsTruncated", str(truncated).lower())]
    if truncated:
        content.append(("NextMarker", page[-1].name))
    content.append(("Buckets", [("Bucket", _described(bucket, context)) for bucket in page]))
    return xml("ListAllMyBucketsResult", content)


def put_bucket(context: Context) -> Answer:
    """OSS manual: "PutBucket". Repeating it is allowed and sets the ACL."""
    request = context.request
    storage_class = "Standard"
    if body := request.body.whole(MAX_XML):
        storage_class = (
            markup.parse(body, "CreateBucketConfiguration").findtext("StorageClass") or storage_class
        ).strip()
    if storage_class not in STORAGE_CLASSES:
        raise invalid_argument("StorageClass", storage_class, "no such storage class exists.")
    create(context, storage_class)
    return Answer(headers={"Location": f"/{request.bucket}"})


def create(context: Context, storage_class: str) -> None:
    """Create the bucket of the request with the ACL of x-oss-acl. If it exists, only set that ACL."""
    name, acl = context.request.bucket, context.request.headers.get("x-oss-acl", "")
    check_name(name)
    if acl not in ("", *ACLS):
        raise invalid_argument("x-oss-acl", acl, "no such bucket access control exists.")
    bucket = Bucket(name, context.milliseconds, acl or "private", storage_class)
    if not context.store.buckets.create(bucket) and acl:
        context.store.buckets.set_acl(name, acl)


def get_bucket_info(context: Context) -> Answer:
    """OSS manual: "GetBucketInfo"."""
    bucket = context.bucket
    content = [
        *_described(bucket, context),
        ("Owner", owner(context.config)),
        ("AccessControlList", [("Grant", bucket.acl)]),
        ("DataRedundancyType", "LRS"),
    ]
    return xml("BucketInfo", [("Bucket", content)])


def get_bucket_location(context: Context) -> Answer:
    """OSS manual: "GetBucketLocation"."""
    return xml("LocationConstraint", f"oss-{context.config.region}")


def delete_bucket(context: Context) -> Answer:
    """OSS manual: "DeleteBucket". Refusal (BucketNotEmpty) if it has objects or multipart uploads."""
    left = context.store.buckets.delete(context.bucket.name)
    if left != "deleted":
        what = "objects" if left == "objects" else "Multipart Uploads"
        message = f"The bucket has {what}. Please delete them first."
        raise Refusal("BucketNotEmpty", {"BucketName": context.bucket.name}, message=message)
    return Answer(204)


def owner(config: Config) -> list[markup.Node]:
    """The content of an <Owner> element."""
    return [("ID", config.owner), ("DisplayName", config.owner)]


def _described(bucket: Bucket, context: Context) -> list[markup.Node]:
    host = context.request.host or f"{context.config.host}:{context.config.port}"
    return [
        ("CreationDate", iso_time(bucket.created)),
        ("ExtranetEndpoint", host),
        ("IntranetEndpoint", host),
        ("Location", f"oss-{context.config.region}"),
        ("Name", bucket.name),
        ("Region", context.config.region),
        ("StorageClass", bucket.storage_class),
    ]
