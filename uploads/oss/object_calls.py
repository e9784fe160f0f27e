"""The operations on single objects.

Manual, "Object-level operations": PutObject, HeadObject, GetObject, DeleteObject; "Bucket-level operations":
ListObjectsV2 (GetBucketV2), CopyObject.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from uploads.oss import messages, responses
from uploads.oss.http import COPY_TIMEOUT
from uploads.oss.messages import Completed, ObjectPage
from uploads.oss.signing import OssRequest, percent_encode
from uploads.oss.transport import Transport


def copy_source(bucket: str, key: str, etag: str) -> dict[str, str]:
    """The headers that name the object to copy. OSS answers 412 if it has another ETag by now."""
    path = "/".join(percent_encode(segment) for segment in key.split("/"))
    return {"x-oss-copy-source": f"/{bucket}/{path}", "x-oss-copy-source-if-match": f'"{etag}"'}


class ObjectCalls(Transport):
    """Operations on objects. Each raises Unreachable or an OssError, as `Transport.call` does."""

    def put_object(self, bucket: str, key: str, content: bytes, headers: Mapping[str, str] | None = None) -> Completed:
        """PutObject of bytes in memory. Returns the object.

        With an x-oss-callback header (`callback.request_headers`) the result has OSS's report of the callback.
        """
        sent = headers or {}
        response = self.call("PutObject", OssRequest("PUT", bucket, key, headers=sent), content)
        stored = responses.described(response.headers, self.endpoint.url_of(bucket, key), len(content))
        if "x-oss-callback" not in sent:
            return stored
        report = responses.callback_result(response.status_code, response.headers, response.content)
        return replace(stored, callback=report)

    def head(self, bucket: str, key: str, *, quick: bool = False) -> Completed:
        """HeadObject. Returns the object. Raises NotFound without one. `quick`: see `Transport.call_once`."""
        call = self.call_once if quick else self.call
        headers = call("HeadObject", OssRequest("HEAD", bucket, key)).headers
        found = responses.described(headers, self.endpoint.url_of(bucket, key), int(headers.get("Content-Length", 0)))
        return replace(found, headers={name.lower(): value for name, value in headers.items()})

    def get_range(self, bucket: str, key: str, start: int, length: int, etag: str) -> bytes:
        """GetObject with a range. Returns `length` bytes from `start`, fewer at the end of the object.

        Raises Refused with status 412 if the object has another ETag than `etag` by now. With
        `x-oss-range-behavior: standard` a range beyond the end is an error instead of the whole object.
        """
        headers = {
            "Range": f"bytes={start}-{start + length - 1}",
            "x-oss-range-behavior": "standard",
            "If-Match": f'"{etag}"',
        }
        return self.call("GetObject", OssRequest("GET", bucket, key, headers=headers)).content

    def copy_object(
        self, bucket: str, key: str, source: tuple[str, str], etag: str, headers: Mapping[str, str]
    ) -> Completed:
        """CopyObject of an object of up to 5 GB (larger ones: `upload_part_copy`). Returns the copy, without its size.

        `source` is the bucket and the key of the object with this ETag. The copy has the metadata and tags of `headers`
        and none of the source's. Manual, "CopyObject":
        https://www.alibabacloud.com/help/en/oss/developer-reference/copyobject
        """
        replace = {"x-oss-metadata-directive": "REPLACE", "x-oss-tagging-directive": "REPLACE"}
        sent = {**headers, **copy_source(*source, etag), **replace}
        response = self.call("CopyObject", OssRequest("PUT", bucket, key, headers=sent), timeout=COPY_TIMEOUT)
        copied = messages.parse_copy(response.content, "CopyObjectResult")
        url, request_id = self.endpoint.url_of(bucket, key), response.headers.get("x-oss-request-id", "")
        return Completed(etag=copied, crc64=responses.crc64_of(response.headers), location=url, request_id=request_id)

    def list_objects(
        self, bucket: str, prefix: str, delimiter: str = "", *, start_after: str = "", page_size: int = 100
    ) -> Iterator[ObjectPage]:
        """ListObjectsV2. Yields page after page, from the first key after `start_after`."""
        token = ""
        while True:
            query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix), ("delimiter", delimiter)]
            query += [("max-keys", str(page_size)), *([("start-after", start_after)] if start_after else [])]
            query += [("continuation-token", token)] if token else []
            page = messages.parse_objects(self.call("ListObjectsV2", OssRequest("GET", bucket, query=query)).content)
            yield page
            token = page.next_token
            if not token:
                return

    def get_object_tagging(self, bucket: str, key: str) -> dict[str, str]:
        """GetObjectTagging. Returns the tags by name.

        Manual, "GetObjectTagging": https://www.alibabacloud.com/help/en/oss/developer-reference/getobjecttagging
        """
        response = self.call("GetObjectTagging", OssRequest("GET", bucket, key, [("tagging", "")]))
        return messages.parse_tagging(response.content)

    def get_object_acl(self, bucket: str, key: str) -> str:
        """GetObjectACL. Returns default, private, public-read or public-read-write.

        Manual, "GetObjectACL": https://www.alibabacloud.com/help/en/oss/developer-reference/getobjectacl
        """
        response = self.call("GetObjectACL", OssRequest("GET", bucket, key, [("acl", "")]))
        return messages.parse(response.content, "AccessControlPolicy").findtext("AccessControlList/Grant") or ""

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject. An object that does not exist is no error."""
        self.call("DeleteObject", OssRequest("DELETE", bucket, key))
