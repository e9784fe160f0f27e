"""The operations of multipart uploads.

Manual, "Multipart upload": https://help.aliyun.com/en/oss/developer-reference/multipart-upload-2/
"""

from collections.abc import Iterator, Mapping, Sequence

from uploads.oss import messages, responses
from uploads.oss.errors import NotFound
from uploads.oss.http import COMPLETE_TIMEOUT, COPY_TIMEOUT
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import Completed, OpenUpload, Part, PartPage, UploadPage
from uploads.oss.object_calls import copy_source
from uploads.oss.signing import OssRequest
from uploads.oss.transport import Transport

COMPLETE_ALL = "x-oss-complete-all"


class MultipartCalls(Transport):
    """Operations of multipart uploads. Each raises Unreachable or an OssError, as `Transport.call` does."""

    def initiate(self, bucket: str, key: str, headers: Mapping[str, str] | None = None) -> str:
        """InitiateMultipartUpload. Returns the upload id. `headers` are those that the completed object will have."""
        request = OssRequest("POST", bucket, key, [("uploads", "")], headers or {})
        return messages.parse_initiate(self.call("InitiateMultipartUpload", request, safe=False).content)

    def upload_part(self, bucket: str, key: str, upload_id: str, number: int, content: bytes) -> Part:
        """UploadPart. Returns the part as OSS stored it."""
        request = OssRequest("PUT", bucket, key, [("partNumber", str(number)), ("uploadId", upload_id)])
        headers = self.call("UploadPart", request, content).headers
        return Part(number, messages.bare(headers.get("ETag", "")), len(content), responses.crc64_of(headers))

    def upload_part_copy(
        self, target: tuple[str, str, str], number: int, source: tuple[str, str], etag: str, span: tuple[int, int]
    ) -> Part:
        """UploadPartCopy. Returns the part as OSS stored it.

        `target` is the bucket, the key and the id of the multipart upload. `source` is the bucket and the key of the
        object with this ETag, `span` the first byte and the number of bytes. Manual, "UploadPartCopy":
        https://www.alibabacloud.com/help/en/oss/developer-reference/uploadpartcopy
        """
        bucket, key, upload_id = target
        first, size = span
        sent = {**copy_source(*source, etag), "x-oss-copy-source-range": f"bytes={first}-{first + size - 1}"}
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        request = OssRequest("PUT", bucket, key, query, sent)
        response = self.call("UploadPartCopy", request, timeout=COPY_TIMEOUT)
        copied = messages.parse_copy(response.content, "CopyPartResult")
        return Part(number, copied, size, responses.crc64_of(response.headers))

    def list_parts(self, bucket: str, key: str, upload_id: str) -> list[Part]:
        """ListParts, all pages. Returns the parts that OSS holds, by number. Raises NotFound for an unknown upload."""
        return [part for page in self._part_pages(bucket, key, upload_id) for part in page.parts]

    def _part_pages(self, bucket: str, key: str, upload_id: str) -> Iterator[PartPage]:
        marker: int | None = 0
        while marker is not None:
            query = [("uploadId", upload_id), ("max-parts", str(MAX_LIST_PAGE)), ("part-number-marker", str(marker))]
            page = messages.parse_parts(self.call("ListParts", OssRequest("GET", bucket, key, query)).content)
            yield page
            marker = page.next_marker

    def complete(
        self, bucket: str, key: str, upload_id: str, parts: Sequence[Part], headers: Mapping[str, str] | None = None
    ) -> Completed:
        """CompleteMultipartUpload. Returns the object. `parts` are in ascending order.

        With `x-oss-complete-all: yes` among the headers no list is sent: OSS takes all parts that it holds.

        With an x-oss-callback header (`callback.request_headers`) the result has OSS's report of the callback.
        After Unreachable with `sent`, or NotFound with the code NoSuchUpload, `head` tells whether the object exists.
        """
        sent = {"Content-Type": "application/xml", **(headers or {})}
        response = self.call(
            "CompleteMultipartUpload",
            OssRequest("POST", bucket, key, [("uploadId", upload_id)], sent),
            b"" if COMPLETE_ALL in sent else messages.build_complete(parts),
            timeout=COMPLETE_TIMEOUT,
            safe=False,
        )
        called = "x-oss-callback" in sent
        # With a callback the body is the application's answer instead of OSS's result.
        etag, location = ("", "") if called else messages.parse_complete(response.content)
        report = responses.callback_result(response.status_code, response.headers, response.content) if called else None
        return Completed(
            etag=etag or messages.bare(response.headers.get("ETag", "")),
            crc64=responses.crc64_of(response.headers),
            location=location,
            request_id=response.headers.get("x-oss-request-id", ""),
            callback=report,
        )

    def abort(self, bucket: str, key: str, upload_id: str) -> bool:
        """AbortMultipartUpload. Returns False if OSS does not know the upload: it was aborted before, or completed."""
        try:
            self.call("AbortMultipartUpload", OssRequest("DELETE", bucket, key, [("uploadId", upload_id)]))
        except NotFound as error:
            if error.code != "NoSuchUpload":
                raise
            return False
        return True

    def list_uploads(self, bucket: str, query: Mapping[str, str] | None = None) -> UploadPage:
        """ListMultipartUploads. Returns one page.

        `query` may have prefix, delimiter, key-marker, upload-id-marker and max-uploads.
        """
        asked = [("uploads", ""), ("encoding-type", "url"), *((query or {}).items())]
        return messages.parse_uploads(self.call("ListMultipartUploads", OssRequest("GET", bucket, query=asked)).content)

    def all_uploads(self, bucket: str, prefix: str = "") -> Iterator[OpenUpload]:
        """ListMultipartUploads, all pages. Yields every open upload whose key starts with `prefix`."""
        query = {"prefix": prefix, "max-uploads": str(MAX_LIST_PAGE)}
        while True:
            page = self.list_uploads(bucket, query)
            yield from page.uploads
            if page.next_marker is None:
                return
            query |= {"key-marker": page.next_marker[0], "upload-id-marker": page.next_marker[1]}
