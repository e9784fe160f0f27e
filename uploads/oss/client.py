"""The calls that a backend makes to OSS, on httpx.

Rule: every call has a time limit; what is safe to repeat is repeated, and what is not (a Complete whose
answer was lost) raises Unreachable, so that the caller asks OSS what became of it.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import stamina

from uploads.oss import messages, sts
from uploads.oss.callback import encoded
from uploads.oss.endpoint import Endpoint
from uploads.oss.errors import Busy, Malformed, NotFound, OssError, StorageError, Unreachable, from_answer, from_sts
from uploads.oss.limits import MAX_LIST_PAGE
from uploads.oss.messages import Completed, CorsConfiguration, ObjectPage, OpenUpload, Part, PartPage, UploadPage
from uploads.oss.signing import Credentials, authorization, canonical_query
from uploads.oss.sts import AssumeRole, TemporaryCredentials

TIMEOUT = httpx.Timeout(30, connect=5, pool=10)
COMPLETE_TIMEOUT = httpx.Timeout(25, connect=5, pool=10)
"""OSS may take its time to merge thousands of parts; whoever asked is told to come back before a web server tires."""

ATTEMPTS = 4

MAX_CALLBACK_BYTES = 64 * 1024
"""Of an application's answer to a callback that is kept."""


def utcnow() -> datetime:
    return datetime.now(UTC)


def _worth_repeating(error: Exception) -> bool:
    """For calls that may be done twice without harm."""
    return isinstance(error, StorageError) and error.retryable


def _not_done_yet(error: Exception) -> bool:
    """For calls that must not be done twice: only when OSS cannot have done it."""
    return isinstance(error, Busy) or (isinstance(error, Unreachable) and not error.sent)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to OSS: its operation; `code`: 200 and the like, or OSS's word for what was wrong."""

    operation: str
    code: str
    seconds: float
    request_id: str = ""


Observer = Callable[[Call], None]


class OssClient:
    """One endpoint, one region, one key pair; safe to share between threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        region: str,
        credentials: Credentials,
        *,
        http: httpx.Client | None = None,
        now: Callable[[], datetime] = utcnow,
        observe: Observer | None = None,
    ) -> None:
        """`observe`: told of every request that was made, however it ended."""
        self.endpoint = endpoint
        self.region = region
        self.credentials = credentials
        self._http = http or httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        self._now = now
        self._observe = observe or (lambda call: None)

    def close(self) -> None:
        self._http.close()

    # Multipart uploads

    def initiate(self, bucket: str, key: str, headers: Mapping[str, str] | None = None) -> str:
        """InitiateMultipartUpload → upload id. `headers`: what the finished object shall carry."""
        answer = self._call("InitiateMultipartUpload", "POST", bucket, key, [("uploads", "")], headers, safe=False)
        return messages.parse_initiate(answer.content)

    def list_parts(self, bucket: str, key: str, upload_id: str) -> list[Part]:
        """ListParts, all pages: what OSS really holds, by number."""
        return [part for page in self._part_pages(bucket, key, upload_id) for part in page.parts]

    def _part_pages(self, bucket: str, key: str, upload_id: str) -> Iterator[PartPage]:
        marker: int | None = 0
        while marker is not None:
            query = [("uploadId", upload_id), ("max-parts", str(MAX_LIST_PAGE)), ("part-number-marker", str(marker))]
            page = messages.parse_parts(self._call("ListParts", "GET", bucket, key, query).content)
            yield page
            marker = page.next_marker

    def complete(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[Part],
        headers: Mapping[str, str] | None = None,
        *,
        callback: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Completed:
        """CompleteMultipartUpload. After Unreachable with `sent`, or NoSuchUpload: head() tells what is so.

        `callback`: as it travels (`oss.callback.encode`), with its variables.
        """
        asked = {"x-oss-callback": callback, "x-oss-callback-var": encoded(variables or {})} if callback else {}
        answer = self._call(
            "CompleteMultipartUpload",
            "POST",
            bucket,
            key,
            [("uploadId", upload_id)],
            {"Content-Type": "application/xml", **(headers or {}), **asked},
            content=messages.build_complete(parts),
            timeout=COMPLETE_TIMEOUT,
            safe=False,
        )
        # With a callback, the application's own words stand where the result would.
        etag, location = ("", "") if callback else messages.parse_complete(answer.content)
        return Completed(
            etag=etag or messages.bare(answer.headers.get("ETag", "")),
            crc64=_crc64(answer),
            location=location,
            request_id=answer.headers.get("x-oss-request-id", ""),
            callback=_callback(answer) if callback else None,
        )

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        """AbortMultipartUpload. An upload that is gone already is what was wanted."""
        try:
            self._call("AbortMultipartUpload", "DELETE", bucket, key, [("uploadId", upload_id)])
        except NotFound as error:
            if error.code != "NoSuchUpload":
                raise

    # Objects

    def put_object(self, bucket: str, key: str, content: bytes, headers: Mapping[str, str] | None = None) -> Completed:
        """PutObject of bytes in memory: for small things; browsers send the large ones."""
        answer = self._call("PutObject", "PUT", bucket, key, headers=headers, content=content)
        done = self._described(answer, bucket, key, size=len(content))
        return replace(done, callback=_callback(answer)) if "x-oss-callback" in (headers or {}) else done

    def head(self, bucket: str, key: str) -> Completed:
        """HeadObject. Raises NotFound."""
        answer = self._call("HeadObject", "HEAD", bucket, key)
        return self._described(answer, bucket, key, size=int(answer.headers.get("Content-Length", 0)))

    def get_range(self, bucket: str, key: str, start: int, length: int, etag: str) -> bytes:
        """GetObject: some bytes of the object that has this ETag. Raises Refused (412) if it has become another."""
        headers = {
            "Range": f"bytes={start}-{start + length - 1}",
            "x-oss-range-behavior": "standard",
            "If-Match": f'"{etag}"',
        }
        return self._call("GetObject", "GET", bucket, key, headers=headers).content

    def upload_part(self, bucket: str, key: str, upload_id: str, number: int, content: bytes) -> Part:
        """UploadPart of bytes in memory."""
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        answer = self._call("UploadPart", "PUT", bucket, key, query, content=content)
        return Part(number, messages.bare(answer.headers.get("ETag", "")), len(content), _crc64(answer))

    def list_objects(self, bucket: str, prefix: str, delimiter: str = "") -> Iterator[ObjectPage]:
        """ListObjectsV2, page after page."""
        token = ""
        while True:
            query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix), ("delimiter", delimiter)]
            query += [("continuation-token", token)] if token else []
            page = messages.parse_objects(self._call("ListObjectsV2", "GET", bucket, query=query).content)
            yield page
            token = page.next_token
            if not token:
                return

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject. An object that is not there is what was wanted."""
        self._call("DeleteObject", "DELETE", bucket, key)

    def _described(self, answer: httpx.Response, bucket: str, key: str, size: int) -> Completed:
        return Completed(
            etag=messages.bare(answer.headers.get("ETag", "")),
            crc64=_crc64(answer),
            location=self.endpoint.url_of(bucket, key),
            size=size,
            content_type=answer.headers.get("Content-Type", ""),
            request_id=answer.headers.get("x-oss-request-id", ""),
            modified=_http_date(answer.headers.get("Last-Modified", "")),
        )

    # The bucket's CORS

    def get_cors(self, bucket: str) -> CorsConfiguration:
        """GetBucketCors; no rules where the bucket has none."""
        try:
            return messages.parse_cors(self._call("GetBucketCors", "GET", bucket, query=[("cors", "")]).content)
        except NotFound as error:
            if error.code == "NoSuchCORSConfiguration":
                return CorsConfiguration()
            raise

    def put_cors(self, bucket: str, configuration: CorsConfiguration) -> None:
        """PutBucketCors: replaces all rules."""
        headers = {"Content-Type": "application/xml"}
        content = messages.build_cors(configuration)
        self._call("PutBucketCors", "PUT", bucket, query=[("cors", "")], headers=headers, content=content)

    # The bucket's lifecycle, as documents: what others wrote there is not ours to understand

    def get_lifecycle(self, bucket: str) -> bytes | None:
        """GetBucketLifecycle; None where the bucket has no rules."""
        try:
            return self._call("GetBucketLifecycle", "GET", bucket, query=[("lifecycle", "")]).content
        except NotFound as error:
            if error.code == "NoSuchLifecycle":
                return None
            raise

    def put_lifecycle(self, bucket: str, document: bytes) -> None:
        """PutBucketLifecycle: replaces all rules."""
        headers = {"Content-Type": "application/xml"}
        self._call("PutBucketLifecycle", "PUT", bucket, query=[("lifecycle", "")], headers=headers, content=document)

    # What the bucket holds

    def list_uploads(self, bucket: str, query: Mapping[str, str] | None = None) -> UploadPage:
        """ListMultipartUploads, one page. `query`: prefix, delimiter, key-marker, upload-id-marker, max-uploads."""
        asked = [("uploads", ""), ("encoding-type", "url"), *((query or {}).items())]
        return messages.parse_uploads(self._call("ListMultipartUploads", "GET", bucket, query=asked).content)

    def all_uploads(self, bucket: str, prefix: str = "") -> Iterator[OpenUpload]:
        """Every multipart upload under a prefix, page after page."""
        query = {"prefix": prefix, "max-uploads": str(MAX_LIST_PAGE)}
        while True:
            page = self.list_uploads(bucket, query)
            yield from page.uploads
            if page.next_marker is None:
                return
            query |= {"key-marker": page.next_marker[0], "upload-id-marker": page.next_marker[1]}

    def bucket_region(self, bucket: str) -> tuple[str, datetime]:
        """GetBucketLocation: where the bucket is (`oss-cn-hangzhou`), and the storage's own time."""
        answer = self._call("GetBucketLocation", "GET", bucket, query=[("location", "")])
        date = parsedate_to_datetime(answer.headers["Date"])
        return messages.parse(answer.content, "LocationConstraint").text or "", date

    def exposed_headers(self, bucket: str, origin: str) -> tuple[int, str]:
        """A real preflight for a PUT from this origin: OSS's status, and the headers that pages may then read."""
        url = self.endpoint.url_of(bucket, "doctor")
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-md5",
        }
        answer = self._request("Preflight", "OPTIONS", url, asked)
        read = self._request("Preflight", "GET", url, {"Origin": origin})
        return answer.status_code, read.headers.get("Access-Control-Expose-Headers", "")

    # The wire

    def _call(
        self,
        operation: str,
        method: str,
        bucket: str,
        key: str = "",
        query: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        *,
        content: bytes = b"",
        timeout: httpx.Timeout = TIMEOUT,
        safe: bool = True,
    ) -> httpx.Response:
        query = list(query)
        url = self.endpoint.url_of(bucket, key)
        if query:
            url = f"{url}?{canonical_query(query)}"
        for attempt in stamina.retry_context(
            on=_worth_repeating if safe else _not_done_yet, attempts=ATTEMPTS, timeout=60, wait_initial=0.2
        ):
            with attempt:
                signed = authorization(self.credentials, self.region, self._now(), method, bucket, key, query, headers)
                return self._send(operation, method, url, signed, content, timeout)
        raise AssertionError("unreachable: the retry loop returns or raises")

    def _send(
        self, operation: str, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout: httpx.Timeout
    ) -> httpx.Response:
        started = time.monotonic()
        code, request_id = "Unreachable", ""
        try:
            answer = self._exchange(operation, method, url, headers, content, timeout)
            code, request_id = str(answer.status_code), answer.headers.get("x-oss-request-id", "")
        except OssError as error:
            code, request_id = error.code, error.request_id
            raise
        finally:
            self._observe(Call(operation, code, time.monotonic() - started, request_id))
        return answer

    def _exchange(
        self, operation: str, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout: httpx.Timeout
    ) -> httpx.Response:
        answer = self._request(operation, method, url, headers, content, timeout)
        if answer.status_code in (200, 203, 204, 206):
            return answer
        raise from_answer(answer.status_code, answer.headers, answer.content, operation)

    def _request(
        self,
        operation: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes = b"",
        timeout: httpx.Timeout = TIMEOUT,
    ) -> httpx.Response:
        """Whatever OSS answers. Raises Unreachable if it does not."""
        # Header values are UTF-8 on OSS's wire; httpx would refuse text that is not ASCII.
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            return self._http.request(method, url, headers=encoded, content=content, timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable("OSS could not be reached.", sent=False, operation=operation) from error
        except httpx.TransportError as error:
            raise Unreachable("OSS did not answer.", sent=True, operation=operation) from error


def _callback(answer: httpx.Response) -> dict[str, Any]:
    """What the application said to OSS's callback, or why OSS could not hear it. The object is stored either way."""
    if answer.status_code == httpx.codes.NON_AUTHORITATIVE_INFORMATION:
        error = from_answer(answer.status_code, answer.headers, answer.content)
        return {"ok": False, "code": error.code, "message": error.message, "request_id": error.request_id}
    if len(answer.content) > MAX_CALLBACK_BYTES:
        return {"ok": True, "body": None}
    try:
        return {"ok": True, "body": answer.json()}
    except ValueError:
        return {"ok": True, "body": answer.text}


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


def _crc64(answer: httpx.Response) -> int | None:
    text = answer.headers.get("x-oss-hash-crc64ecma", "")
    return int(text) if text.isdigit() else None


def assume_role(
    endpoint: str, credentials: Credentials, request: AssumeRole, *, now: Callable[[], datetime] = utcnow
) -> TemporaryCredentials:
    """AssumeRole at STS. `endpoint`: its origin. Repeated when no answer came: asking twice does no harm."""
    for attempt in stamina.retry_context(on=_worth_repeating, attempts=ATTEMPTS, timeout=30, wait_initial=0.2):
        with attempt:
            nonce = secrets.token_hex(16)
            query, headers = sts.sign_assume_role(credentials, request, endpoint.partition("://")[2], now(), nonce)
            answer = _request("AssumeRole", "POST", f"{endpoint}/?{query}", headers=headers)
            if answer.status_code == httpx.codes.OK:
                return sts.parse_assume_role(answer.content)
            raise from_sts(answer.status_code, answer.content)
    raise AssertionError("unreachable: the retry loop returns or raises")


def fetch(url: str, limit: int, seconds: float) -> bytes:
    """A small file from an address that was judged before: no redirects, no more than `limit` bytes."""
    try:
        with httpx.stream("GET", url, timeout=seconds, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise Malformed(f"The address answered {answer.status_code}.", operation="fetch")
            received = b""
            for chunk in answer.iter_bytes():
                received += chunk
                if len(received) > limit:
                    raise Malformed("The address answered too much.", operation="fetch")
    except httpx.HTTPError as error:
        raise Unreachable("The address did not answer.", sent=True, operation="fetch") from error
    return received


def _request(operation: str, method: str, url: str, headers: Mapping[str, str]) -> httpx.Response:
    try:
        return httpx.request(method, url, headers=dict(headers), timeout=TIMEOUT, follow_redirects=False)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Unreachable("STS could not be reached.", sent=False, operation=operation) from error
    except httpx.TransportError as error:
        raise Unreachable("STS did not answer.", sent=True, operation=operation) from error
