"""What an endpoint allows: the bucket's region (OSS manual: "EC 0003-00001403").

Rule: checked after the bucket is found and before the signature; OSS's order is unknown.
"""

from dataclasses import replace

from uploads.localoss.config import Config
from uploads.localoss.endpoints import Endpoint
from uploads.localoss.errors import Refusal
from uploads.localoss.request import Request
from uploads.localoss.routes import Route
from uploads.localoss.store.rows import Bucket

_ANYWHERE = ("GetBucketInfo", "GetBucketLocation")
"""Operations that any region's endpoint answers (OSS manual: "GetBucketInfo"; for the location it is unknown)."""
_ELSEWHERE = (
    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future "
    "requests to this endpoint."
)


def check_region(request: Request, route: Route, bucket: Bucket | None, endpoint: Endpoint, config: Config) -> Endpoint:
    """The endpoint of a request, with the bucket's region if its name holds none, as a custom domain's. Refusal
    (AccessDenied) for a bucket in another region, with the endpoint to use. PutBucket has an error of its own (OSS
    manual: "HTTP status code 409")."""
    if bucket is None:
        return endpoint
    region = bucket.settings.region or config.region
    if endpoint.kind in ("custom", "accelerate"):
        return replace(endpoint, region=region)
    if endpoint.region != region and route.creates:
        message = "Bucket already exists can't modify location."
        raise Refusal("BucketAlreadyExists", {"BucketName": bucket.name}, message=message)
    if endpoint.region != region and route.name not in _ANYWHERE:
        fields = {"Bucket": bucket.name, "Endpoint": f"oss-{region}.aliyuncs.com"}
        raise Refusal("AccessDenied", fields, message=_ELSEWHERE, ec="0003-00001403")
    return endpoint
