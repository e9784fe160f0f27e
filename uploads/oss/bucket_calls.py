"""The operations on a bucket's configuration.

Manual, "Bucket-level operations": GetBucketLocation, PutBucketCors, PutBucketLifecycle and their counterparts.
"""

from datetime import datetime
from email.utils import parsedate_to_datetime

from uploads.oss import cors, messages
from uploads.oss.bucket_info import BucketInfo, Retention, parse_bucket_info, parse_retention
from uploads.oss.cors import CorsConfiguration
from uploads.oss.errors import NotFound
from uploads.oss.signing import OssRequest
from uploads.oss.transport import Transport

XML = {"Content-Type": "application/xml"}


class BucketCalls(Transport):
    """Operations on a bucket. Each raises Unreachable or an OssError, as `Transport.call` does."""

    def get_cors(self, bucket: str) -> CorsConfiguration:
        """GetBucketCors. Returns an empty configuration for a bucket without rules."""
        try:
            response = self.call("GetBucketCors", OssRequest("GET", bucket, query=[("cors", "")]))
        except NotFound as error:
            if error.code == "NoSuchCORSConfiguration":
                return CorsConfiguration()
            raise
        return cors.parse_cors(response.content)

    def put_cors(self, bucket: str, configuration: CorsConfiguration) -> None:
        """PutBucketCors. Replaces all rules.

        Manual, "PutBucketCors": https://www.alibabacloud.com/help/en/oss/developer-reference/putbucketcors
        """
        request = OssRequest("PUT", bucket, query=[("cors", "")], headers=XML)
        self.call("PutBucketCors", request, cors.build_cors(configuration))

    def get_lifecycle(self, bucket: str) -> bytes | None:
        """GetBucketLifecycle. Returns the XML as OSS sent it, or None for a bucket without rules.

        The XML is not parsed, because it may hold rules of others that must be written back unchanged.
        """
        try:
            return self.call("GetBucketLifecycle", OssRequest("GET", bucket, query=[("lifecycle", "")])).content
        except NotFound as error:
            if error.code == "NoSuchLifecycle":
                return None
            raise

    def put_lifecycle(self, bucket: str, document: bytes | None, *, overlap: bool = False) -> None:
        """PutBucketLifecycle, which replaces all rules; with None DeleteBucketLifecycle. `overlap`: OSS shall take
        rules whose prefixes overlap.

        Manual, "PutBucketLifecycle": https://help.aliyun.com/en/oss/developer-reference/putbucketlifecycle
        """
        query = [("lifecycle", "")]
        if document is None:
            self.call("DeleteBucketLifecycle", OssRequest("DELETE", bucket, query=query))
            return
        headers = {**XML, "x-oss-allow-same-action-overlap": "true"} if overlap else XML
        self.call("PutBucketLifecycle", OssRequest("PUT", bucket, query=query, headers=headers), document)

    def get_overwrite(self, bucket: str) -> bytes | None:
        """GetBucketOverwriteConfig. Returns the XML as OSS sent it, or None for a bucket without rules."""
        try:
            return self.call(
                "GetBucketOverwriteConfig", OssRequest("GET", bucket, query=[("overwriteConfig", "")])
            ).content
        except NotFound as error:
            if error.code != "NoSuchBucket":
                return None
            raise

    def put_overwrite(self, bucket: str, document: bytes | None) -> None:
        """PutBucketOverwriteConfig, which replaces all rules; with None DeleteBucketOverwriteConfig."""
        query = [("overwriteConfig", "")]
        if document is None:
            self.call("DeleteBucketOverwriteConfig", OssRequest("DELETE", bucket, query=query))
        else:
            self.call("PutBucketOverwriteConfig", OssRequest("PUT", bucket, query=query, headers=XML), document)

    def bucket_info(self, bucket: str) -> BucketInfo:
        """GetBucketInfo.

        Manual, "GetBucketInfo": https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketinfo
        """
        response = self.call("GetBucketInfo", OssRequest("GET", bucket, query=[("bucketInfo", "")]))
        return parse_bucket_info(response.content)

    def bucket_storage_class(self, bucket: str) -> str:
        """The storage class that new objects have unless their request names another, by GetBucketInfo."""
        return self.bucket_info(bucket).storage_class

    def retention(self, bucket: str) -> Retention | None:
        """GetBucketWorm. Returns the retention policy, or None for a bucket without one.

        Manual, "GetBucketWorm": https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketworm
        """
        try:
            return parse_retention(self.call("GetBucketWorm", OssRequest("GET", bucket, query=[("worm", "")])).content)
        except NotFound as error:
            if error.code == "NoSuchWORMConfiguration":
                return None
            raise

    def request_payer(self, bucket: str) -> str:
        """GetBucketRequestPayment. Returns BucketOwner or Requester.

        Manual, "GetBucketRequestPayment":
        https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketrequestpayment
        """
        query = [("requestPayment", "")]
        response = self.call("GetBucketRequestPayment", OssRequest("GET", bucket, query=query))
        return messages.parse(response.content, "RequestPaymentConfiguration").findtext("Payer") or ""

    def bucket_region(self, bucket: str) -> tuple[str, datetime]:
        """GetBucketLocation. Returns the bucket's location (`oss-cn-hangzhou`) and the time of OSS's clock."""
        response = self.call("GetBucketLocation", OssRequest("GET", bucket, query=[("location", "")]))
        date = parsedate_to_datetime(response.headers["Date"])
        return messages.parse(response.content, "LocationConstraint").text or "", date
