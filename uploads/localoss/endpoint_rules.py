"""What an endpoint allows: the region of a bucket, and the rules for new accounts about public endpoints.

Rule: a request is checked after its bucket is found and before its signature; OSS's order is unknown. Preflights are
not checked; whether OSS refuses them too is unknown, and so is whether its refusals have CORS headers: the rule
`refusals-without-cors` takes these away.
"""

from dataclasses import replace

from uploads.localoss import v1
from uploads.localoss.account_rules import RuleRefusal, v1_refusal
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
_DATA_OF_BUCKETS = (
    "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "PostObject", "DeleteMultipleObjects",
)  # fmt: skip
"""The calls on a bucket that are data calls. Those on an object all are."""


def check_region(request: Request, route: Route, bucket: Bucket | None, endpoint: Endpoint, config: Config) -> Endpoint:
    """The endpoint of a request, with the bucket's region if its name holds none, as a custom domain's. Refusal
    (AccessDenied, OSS manual: "0003-00001403") for a bucket in another region, with the endpoint to use. PutBucket has
    an error of its own (OSS manual: "HTTP status code 409")."""
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


def check_rules(request: Request, route: Route, endpoint: Endpoint, rules: frozenset[str]) -> None:
    """Refusal by a rule for new accounts.

    - SecondLevelDomainForbidden for a bucket in the path, where the host name is a domain name of an endpoint.
    - PublicEndpointForbidden for a data call on a default public endpoint of a mainland region (OSS manual:
      "0048-00000401"). Whether acceleration endpoints are covered is unknown; here they are not.
    - V1 signatures: which error OSS has for them is unknown; see `v1_refusal`.
    """
    if "path-style-forbidden" in rules and endpoint.named and request.address.in_path and request.bucket:
        raise RuleRefusal("SecondLevelDomainForbidden")
    if (
        "public-endpoint-forbidden" in rules
        and endpoint.kind == "public"
        and endpoint.mainland
        and (request.address.key or route.name in _DATA_OF_BUCKETS)
    ):
        raise RuleRefusal("PublicEndpointForbidden")
    if "v1-forbidden" in rules and (v1.is_query_form(request) or v1.is_header_form(request)):
        raise v1_refusal("Authorization")
