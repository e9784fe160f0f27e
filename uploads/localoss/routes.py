"""The operation of a request: a table of level, method and subresource.

Rule: a subresource of OSS that is not in the table answers NotImplemented. It is never ignored: a `PUT ?acl` taken for
PutObject would overwrite the object.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from uploads.localoss import sts
from uploads.localoss.access import Public
from uploads.localoss.answers import Answer
from uploads.localoss.errors import Refusal
from uploads.localoss.operations import (
    acls,
    appending,
    bucket_cors,
    bucket_encryption,
    bucket_lifecycle,
    bucket_overwrite,
    bucket_payment,
    bucket_stat,
    bucket_tagging,
    bucket_versioning,
    bucket_website,
    bucket_worm,
    buckets,
    copying,
    delete_multiple,
    image_processing,
    listings,
    live_channels,
    multipart,
    object_listings,
    objects,
    post_object,
    public_access,
    tagging,
    version_listings,
)
from uploads.localoss.operations.context import Context
from uploads.localoss.request import Request

Level = Literal["service", "bucket", "object"]


@dataclass(frozen=True, slots=True)
class Route:
    """An operation under its name in OSS's manual.

    `action` is the RAM action (OSS manual: "RAM Policy"); empty if the operation checks each key itself. `public` is
    the access that an ACL must grant for an anonymous request. With `creates`, the bucket need not exist. With
    `by_form`, the signature is in the body, and the operation verifies it.
    """

    name: str
    action: str
    run: Callable[[Context], Answer]
    public: Public = None
    creates: bool = False
    by_form: bool = False


_BUCKET_SUBRESOURCES = """
accessmonitor accessPoint acl asyncFetch bucketArchiveDirectRead bucketInfo callback cname comp cors delete
encryption httpsConfig inventory lifecycle list-type live location logging metaQuery objectWorm overwriteConfig policy
policyStatus publicAccessBlock qos qosInfo referer replication replicationLocation replicationProgress
requestPayment resourceGroup rtc stat style styleName tagging transferAcceleration uploads
userDefinedLogFieldsConfig versioning versions vod website worm wormExtend wormId
"""
_OBJECT_SUBRESOURCES = """
acl append asyncProcess endTime legalHold live objectMeta partNumber position restore retention seal sequential select
startTime status symlink tagging uploadId uploads versionId vod worm x-oss-process
"""
SUBRESOURCES: dict[Level, frozenset[str]] = {
    "service": frozenset({"regions", "qosInfo", "bucketResourceGroup", "publicAccessBlock"}),
    "bucket": frozenset(_BUCKET_SUBRESOURCES.split()),
    "object": frozenset(_OBJECT_SUBRESOURCES.split()),
}

# These name the operation when there are several subresources.
FIRST = ("uploadId", "uploads", "x-oss-process")

# A PUT with x-oss-copy-source is another operation.
COPY, PART_COPY = "copy", "copy a part"
_COPIES = {"": COPY, "uploadId": PART_COPY}

_PUT = "oss:PutObject"
ROUTES: dict[tuple[Level, str, str], Route] = {
    ("service", "GET", ""): Route("ListBuckets", "oss:ListBuckets", buckets.list_buckets),
    ("bucket", "PUT", ""): Route("PutBucket", "oss:PutBucket", buckets.put_bucket, creates=True),
    ("bucket", "DELETE", ""): Route("DeleteBucket", "oss:DeleteBucket", buckets.delete_bucket),
    ("bucket", "GET", "bucketInfo"): Route("GetBucketInfo", "oss:GetBucketInfo", buckets.get_bucket_info),
    ("bucket", "GET", "location"): Route("GetBucketLocation", "oss:GetBucketLocation", buckets.get_bucket_location),
    ("bucket", "GET", "acl"): Route("GetBucketAcl", "oss:GetBucketAcl", acls.get_bucket_acl),
    ("bucket", "PUT", "acl"): Route("PutBucketAcl", "oss:PutBucketAcl", acls.put_bucket_acl, creates=True),
    ("bucket", "PUT", "cors"): Route("PutBucketCors", "oss:PutBucketCors", bucket_cors.put_bucket_cors),
    ("bucket", "GET", "cors"): Route("GetBucketCors", "oss:GetBucketCors", bucket_cors.get_bucket_cors),
    ("bucket", "DELETE", "cors"): Route("DeleteBucketCors", "oss:PutBucketCors", bucket_cors.delete_bucket_cors),
    ("bucket", "PUT", "lifecycle"): Route(
        "PutBucketLifecycle", "oss:PutBucketLifecycle", bucket_lifecycle.put_bucket_lifecycle),
    ("bucket", "GET", "lifecycle"): Route(
        "GetBucketLifecycle", "oss:GetBucketLifecycle", bucket_lifecycle.get_bucket_lifecycle),
    ("bucket", "DELETE", "lifecycle"): Route(
        "DeleteBucketLifecycle", "oss:PutBucketLifecycle", bucket_lifecycle.delete_bucket_lifecycle),
    ("bucket", "PUT", "overwriteConfig"): Route(
        "PutBucketOverwriteConfig", "oss:PutBucketOverwriteConfig", bucket_overwrite.put_bucket_overwrite),
    ("bucket", "GET", "overwriteConfig"): Route(
        "GetBucketOverwriteConfig", "oss:GetBucketOverwriteConfig", bucket_overwrite.get_bucket_overwrite),
    ("bucket", "DELETE", "overwriteConfig"): Route(
        "DeleteBucketOverwriteConfig", "oss:DeleteBucketOverwriteConfig", bucket_overwrite.delete_bucket_overwrite),
    ("bucket", "PUT", "versioning"): Route(
        "PutBucketVersioning", "oss:PutBucketVersioning", bucket_versioning.put_bucket_versioning),
    ("bucket", "GET", "versioning"): Route(
        "GetBucketVersioning", "oss:GetBucketVersioning", bucket_versioning.get_bucket_versioning),
    ("bucket", "PUT", "requestPayment"): Route(
        "PutBucketRequestPayment", "oss:PutBucketRequestPayment", bucket_payment.put_bucket_request_payment),
    ("bucket", "GET", "requestPayment"): Route(
        "GetBucketRequestPayment", "oss:GetBucketRequestPayment", bucket_payment.get_bucket_request_payment),
    ("bucket", "POST", "worm"): Route(
        "InitiateBucketWorm", "oss:InitiateBucketWorm", bucket_worm.initiate_bucket_worm),
    ("bucket", "POST", "wormId"): Route(
        "CompleteBucketWorm", "oss:CompleteBucketWorm", bucket_worm.complete_bucket_worm),
    ("bucket", "POST", "wormExtend"): Route(
        "ExtendBucketWorm", "oss:ExtendBucketWorm", bucket_worm.extend_bucket_worm),
    ("bucket", "DELETE", "worm"): Route("AbortBucketWorm", "oss:AbortBucketWorm", bucket_worm.abort_bucket_worm),
    ("bucket", "GET", "worm"): Route("GetBucketWorm", "oss:GetBucketWorm", bucket_worm.get_bucket_worm),
    ("bucket", "PUT", "encryption"): Route(
        "PutBucketEncryption", "oss:PutBucketEncryption", bucket_encryption.put_bucket_encryption),
    ("bucket", "GET", "encryption"): Route(
        "GetBucketEncryption", "oss:GetBucketEncryption", bucket_encryption.get_bucket_encryption),
    ("bucket", "DELETE", "encryption"): Route(
        "DeleteBucketEncryption", "oss:DeleteBucketEncryption", bucket_encryption.delete_bucket_encryption),
    ("bucket", "PUT", "tagging"): Route(
        "PutBucketTags", "oss:PutBucketTagging", bucket_tagging.put_bucket_tagging),
    ("bucket", "GET", "tagging"): Route(
        "GetBucketTags", "oss:GetBucketTagging", bucket_tagging.get_bucket_tagging),
    ("bucket", "DELETE", "tagging"): Route(
        "DeleteBucketTags", "oss:DeleteBucketTagging", bucket_tagging.delete_bucket_tagging),
    ("bucket", "PUT", "website"): Route(
        "PutBucketWebsite", "oss:PutBucketWebsite", bucket_website.put_bucket_website),
    ("bucket", "GET", "website"): Route(
        "GetBucketWebsite", "oss:GetBucketWebsite", bucket_website.get_bucket_website),
    ("bucket", "DELETE", "website"): Route(
        "DeleteBucketWebsite", "oss:DeleteBucketWebsite", bucket_website.delete_bucket_website),
    ("bucket", "GET", "stat"): Route("GetBucketStat", "oss:GetBucketStat", bucket_stat.get_bucket_stat),
    ("bucket", "GET", "live"): Route("ListLiveChannel", "oss:ListLiveChannel", live_channels.list_live_channels),
    ("bucket", "PUT", "publicAccessBlock"): Route(
        "PutBucketPublicAccessBlock", "oss:PutBucketPublicAccessBlock", public_access.put_bucket_public_access_block),
    ("bucket", "GET", "publicAccessBlock"): Route(
        "GetBucketPublicAccessBlock", "oss:GetBucketPublicAccessBlock", public_access.get_bucket_public_access_block),
    ("bucket", "DELETE", "publicAccessBlock"): Route(
        "DeleteBucketPublicAccessBlock", "oss:DeleteBucketPublicAccessBlock",
        public_access.delete_bucket_public_access_block),
    ("service", "PUT", "publicAccessBlock"): Route(
        "PutPublicAccessBlock", "oss:PutPublicAccessBlock", public_access.put_public_access_block),
    ("service", "GET", "publicAccessBlock"): Route(
        "GetPublicAccessBlock", "oss:GetPublicAccessBlock", public_access.get_public_access_block),
    ("service", "DELETE", "publicAccessBlock"): Route(
        "DeletePublicAccessBlock", "oss:DeletePublicAccessBlock", public_access.delete_public_access_block),
    ("bucket", "GET", "versions"): Route(
        "ListObjectVersions", "oss:ListObjectVersions", version_listings.list_object_versions),
    ("bucket", "GET", ""): Route("ListObjects", "oss:ListObjects", object_listings.list_objects, public="read"),
    ("bucket", "GET", "list-type"): Route(
        "ListObjectsV2", "oss:ListObjects", object_listings.list_objects_v2, public="read"),
    ("bucket", "POST", ""): Route("PostObject", "", post_object.post_object, by_form=True),
    ("bucket", "POST", "delete"): Route("DeleteMultipleObjects", "", delete_multiple.delete_multiple),
    ("bucket", "GET", "uploads"): Route("ListMultipartUploads", "oss:ListMultipartUploads", listings.list_uploads),
    ("object", "PUT", ""): Route("PutObject", _PUT, objects.put_object, public="write"),
    ("object", "PUT", COPY): Route("CopyObject", _PUT, copying.copy_object, public="write"),
    ("object", "GET", ""): Route("GetObject", "oss:GetObject", objects.get_object, public="read"),
    ("object", "GET", "x-oss-process"): Route(
        "GetObject", "oss:GetObject", image_processing.process_image, public="read"),
    ("object", "HEAD", ""): Route("HeadObject", "oss:GetObject", objects.head_object, public="read"),
    ("object", "HEAD", "objectMeta"): Route("GetObjectMeta", "oss:GetObject", objects.get_object_meta, public="read"),
    ("object", "GET", "versionId"): Route("GetObject", "oss:GetObjectVersion", objects.get_object, public="read"),
    ("object", "HEAD", "versionId"): Route("HeadObject", "oss:GetObjectVersion", objects.head_object, public="read"),
    ("object", "DELETE", "versionId"): Route("DeleteObject", "oss:DeleteObjectVersion", objects.delete_object),
    ("object", "DELETE", ""): Route("DeleteObject", "oss:DeleteObject", objects.delete_object, public="write"),
    ("object", "POST", "append"): Route("AppendObject", _PUT, appending.append_object, public="write"),
    ("object", "POST", "uploads"): Route("InitiateMultipartUpload", _PUT, multipart.initiate, public="write"),
    ("object", "PUT", "uploadId"): Route("UploadPart", _PUT, multipart.upload_part, public="write"),
    ("object", "PUT", "partNumber"): Route("UploadPart", _PUT, multipart.upload_part, public="write"),
    ("object", "POST", "uploadId"): Route("CompleteMultipartUpload", _PUT, multipart.complete, public="write"),
    ("object", "PUT", PART_COPY): Route("UploadPartCopy", _PUT, copying.upload_part_copy, public="write"),
    ("object", "GET", "acl"): Route("GetObjectACL", "oss:GetObjectAcl", acls.get_object_acl),
    ("object", "PUT", "acl"): Route("PutObjectACL", "oss:PutObjectAcl", acls.put_object_acl),
    ("object", "GET", "tagging"): Route("GetObjectTagging", "oss:GetObjectTagging", tagging.get_object_tagging),
    ("object", "PUT", "tagging"): Route("PutObjectTagging", "oss:PutObjectTagging", tagging.put_object_tagging),
    ("object", "DELETE", "tagging"): Route(
        "DeleteObjectTagging", "oss:DeleteObjectTagging", tagging.delete_object_tagging),
    ("object", "DELETE", "uploadId"): Route("AbortMultipartUpload", "oss:AbortMultipartUpload", multipart.abort),
    ("object", "GET", "uploadId"): Route("ListParts", "oss:ListParts", listings.list_parts),
}  # fmt: skip

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS")


def level(request: Request) -> Level:
    """Whether a request is about the service, a bucket or an object."""
    if not request.bucket:
        return "service"
    return "object" if request.address.key else "bucket"


def _not_implemented(context: Context) -> Answer:
    asked = find(context.request).name
    raise Refusal("NotImplemented", message=f"The local OSS does not implement the operation {asked}.")


# Answered by the bucket's CORS rules, in `application.py`.
PREFLIGHT = Route("Preflight", "", _not_implemented)
# STS has its own signatures and documents, in `sts.py`.
ASSUME_ROLE = Route("AssumeRole", "", _not_implemented)


def find(request: Request) -> Route:
    """The operation of a request. One that is not implemented answers so when it runs, after bucket and signature are
    checked. Refusal (MethodNotAllowed) for a method that OSS does not have."""
    if request.method == "OPTIONS":
        return PREFLIGHT
    if sts.is_sts(request):
        return ASSUME_ROLE
    if request.method not in METHODS:
        raise Refusal("MethodNotAllowed", {"Method": request.method, "ResourceType": level(request).upper()})
    where = level(request)
    given = request.parameters.keys() & SUBRESOURCES[where]
    name = next((first for first in FIRST if first in given), min(given, default=""))
    if request.method == "PUT" and copying.SOURCE in request.headers:
        name = _COPIES.get(name, name)
    asked = f"{request.method} {where}{'?' if name else ''}{name}"
    return ROUTES.get((where, request.method, name)) or Route(asked, "", _not_implemented)
