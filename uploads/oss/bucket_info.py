"""What a bucket is and how it is set: the responses of GetBucketInfo, GetBucketWorm and GetBucketRequestPayment.

Manual, "GetBucketInfo": https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketinfo

Rule: pure. An element that OSS leaves out has the value of a bucket where it was never set.
"""

from dataclasses import dataclass

from uploads.oss import messages


@dataclass(frozen=True, slots=True)
class BucketInfo:
    """`location` is as OSS names it (oss-cn-hangzhou). `public_endpoint` and `internal_endpoint` are hosts."""

    location: str
    storage_class: str = ""
    acl: str = ""
    public_endpoint: str = ""
    internal_endpoint: str = ""
    blocks_public_access: bool = False
    versioning: str = ""
    """Enabled or Suspended; "" if it was never enabled."""
    encryption: str = ""
    """AES256, KMS or SM4: what OSS applies to objects whose requests name none; "" without a rule."""

    @property
    def region(self) -> str:
        """The region's id, such as cn-hangzhou."""
        return self.location.removeprefix("oss-")


@dataclass(frozen=True, slots=True)
class Retention:
    """A retention policy: objects can be neither deleted nor replaced for `days` after their last change. `state` is
    InProgress, Locked or Expired."""

    state: str
    days: int
    worm_id: str = ""


def parse_bucket_info(body: bytes) -> BucketInfo:
    """The bucket in a response to GetBucketInfo. Raises Malformed."""
    bucket = messages.parse(body, "BucketInfo").find("Bucket")

    def text(path: str) -> str:
        return (bucket.findtext(path) or "").strip() if bucket is not None else ""

    algorithm = text("ServerSideEncryptionRule/SSEAlgorithm")
    return BucketInfo(
        location=text("Location"),
        storage_class=text("StorageClass"),
        acl=text("AccessControlList/Grant"),
        public_endpoint=text("ExtranetEndpoint"),
        internal_endpoint=text("IntranetEndpoint"),
        blocks_public_access=text("BlockPublicAccess").lower() == "true",
        versioning=text("Versioning"),
        encryption="" if algorithm == "None" else algorithm,
    )


def parse_retention(body: bytes) -> Retention:
    """The policy in a response to GetBucketWorm. Raises Malformed."""
    document = messages.parse(body, "WormConfiguration")
    days = document.findtext("RetentionPeriodInDays") or ""
    return Retention(
        document.findtext("State") or "", int(days) if days.isdigit() else 0, document.findtext("WormId") or ""
    )
