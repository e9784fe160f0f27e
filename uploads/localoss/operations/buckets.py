"""The service and its buckets.

Rule: all buckets belong to the account of the configuration.
"""

import re
from dataclasses import dataclass

from uploads.localoss import markup
from uploads.localoss.addressing import host_name
from uploads.localoss.answers import Answer, iso_time, xml
from uploads.localoss.config import Config
from uploads.localoss.endpoints import vendor_endpoint
from uploads.localoss.errors import Refusal, invalid_argument
from uploads.localoss.operations.bucket_encryption import encryption_rule
from uploads.localoss.operations.context import Context
from uploads.localoss.operations.headers import STORAGE_CLASSES
from uploads.localoss.store.rows import Bucket
from uploads.localoss.store.settings import BucketSettings

NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
ACLS = ("private", "public-read", "public-read-write")
MAX_XML = 64 * 1024
RESOURCE_GROUP = "rg-acfmy7mo47b3adq"
"""The default resource group of an account."""


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
    """OSS manual: "PutBucket". Repeating it is allowed and sets the ACL. Refusal (BucketAlreadyExists) if it asks for
    another storage class or redundancy than the bucket has (OSS manual: "HTTP status code 409")."""
    request = context.request
    asked = _Wanted()
    if body := request.body.whole(MAX_XML):
        document = markup.parse(body, "CreateBucketConfiguration")
        asked = _Wanted(
            (document.findtext("StorageClass") or "").strip(), (document.findtext("DataRedundancyType") or "").strip()
        )
    if asked.storage_class not in ("", *STORAGE_CLASSES):
        raise invalid_argument("StorageClass", asked.storage_class, "no such storage class exists.")
    if asked.redundancy not in ("", "LRS", "ZRS"):
        raise invalid_argument("DataRedundancyType", asked.redundancy, "no such data redundancy type exists.")
    create(context, asked)
    return Answer(headers={"Location": f"/{request.bucket}"})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What PutBucket asks for; empty for the default."""

    storage_class: str = ""
    redundancy: str = ""


def create(context: Context, asked: _Wanted = _Wanted()) -> None:
    """Create the bucket of the request with the ACL of x-oss-acl. If it exists, only set that ACL."""
    name, acl = context.request.bucket, context.request.headers.get("x-oss-acl", "")
    check_name(name)
    if acl not in ("", *ACLS):
        raise invalid_argument("x-oss-acl", acl, "no such bucket access control exists.")
    blocks = context.found is None and "block-public-access" in context.account_rules
    # The EC of this refusal is unknown.
    if acl.startswith("public") and (blocks or context.blocks_public_access):
        raise Refusal("AccessDenied", message="Put public bucket acl is not allowed")
    if context.found is not None:
        _check_same(context.found, asked)
    region = context.region if context.region != context.config.region else ""
    settings = BucketSettings(region, asked.redundancy or "LRS", block_public_access=blocks)
    bucket = Bucket(name, context.milliseconds, acl or "private", asked.storage_class or "Standard", settings=settings)
    if not context.store.buckets.create(bucket) and acl:
        context.store.buckets.set_acl(name, acl)


def _check_same(bucket: Bucket, asked: _Wanted) -> None:
    if asked.storage_class not in ("", bucket.storage_class):
        message = "Cannot modify existing bucket's storage class."
        raise Refusal("BucketAlreadyExists", {"BucketName": bucket.name}, message=message)
    if asked.redundancy not in ("", bucket.settings.redundancy):
        message = "Bucket already exists can't modify data redundancy type."
        raise Refusal("BucketAlreadyExists", {"BucketName": bucket.name}, message=message)


def get_bucket_info(context: Context) -> Answer:
    """OSS manual: "GetBucketInfo"."""
    bucket = context.bucket
    versioning: list[markup.Node] = [("Versioning", bucket.settings.versioning)] if bucket.settings.versioning else []
    content = [
        *_described(bucket, context),
        ("Owner", owner(context.config)),
        ("AccessControlList", [("Grant", bucket.acl)]),
        ("DataRedundancyType", bucket.settings.redundancy),
        ("AccessMonitor", "Disabled"),
        ("BlockPublicAccess", str(bucket.settings.block_public_access).lower()),
        ("BucketPolicy", [("LogBucket", ""), ("LogPrefix", "")]),
        ("Comment", ""),
        ("CrossRegionReplication", "Disabled"),
        ("ResourceGroupId", RESOURCE_GROUP),
        ("ServerSideEncryptionRule", encryption_rule(bucket)),
        ("TransferAcceleration", "Disabled"),
        *versioning,
    ]
    return xml("BucketInfo", [("Bucket", content)])


def get_bucket_location(context: Context) -> Answer:
    """OSS manual: "GetBucketLocation"."""
    return xml("LocationConstraint", f"oss-{context.region_of(context.bucket)}")


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
    public, internal = _endpoints(bucket, context)
    region = context.region_of(bucket)
    return [
        ("CreationDate", iso_time(bucket.created)),
        ("ExtranetEndpoint", public),
        ("IntranetEndpoint", internal),
        ("Location", f"oss-{region}"),
        ("Name", bucket.name),
        ("Region", region),
        ("StorageClass", bucket.storage_class),
    ]


def _endpoints(bucket: Bucket, context: Context) -> tuple[str, str]:
    """The public and the internal endpoint of a bucket. Both are the address of this server, unless the request names
    an endpoint of Alibaba Cloud, or the bucket is in another region."""
    region = context.region_of(bucket)
    host = context.request.host or f"{context.config.host}:{context.config.port}"
    if vendor_endpoint(host_name(host)) or region != context.config.region:
        return f"oss-{region}.aliyuncs.com", f"oss-{region}-internal.aliyuncs.com"
    local = host.removeprefix(f"{bucket.name}.")
    return local, local
