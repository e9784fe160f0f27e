"""Examples of requests and answers, for the pages at /api/docs/.

Rule: a test compares their fields with those of real answers.
"""

from typing import Any

from drf_spectacular.utils import OpenApiExample

ID = "0d4b2a5e-7a0c-4c39-9a55-5f0f7c1d2e3a"
_TIMES = {
    "created_at": "2026-01-15T08:30:00Z",
    "updated_at": "2026-01-15T08:41:12Z",
    "expires_at": "2026-01-22T08:30:00Z",
}
_UPLOAD: dict[str, Any] = {
    "id": ID,
    "state": "uploading",
    "stage": "",
    "destination": "default",
    "bucket": "example-bucket",
    "key": f"uploads/7/2026/01/15/{ID.replace('-', '')}/film.mp4",
    "upload_id": "0004B9894A22E5B1888A1E29F8236E2D",
    "method": "multipart",
    "filename": "film.mp4",
    "relative_path": "",
    "content_type": "video/mp4",
    "size": 20_000_000,
    "size_limit": None,
    "part_size": 8_388_608,
    "part_count": 3,
    "parts_done": 0,
    "bytes_done": 0,
    "addresses": [],
    "fingerprint": "film.mp4:20000000:5eb63bbb",
    "metadata": {},
    **_TIMES,
    "completed_at": None,
    "etag": "",
    "crc64": "",
    "location": "",
    "callback": None,
    "error": None,
}
_COMPLETED = {
    **_UPLOAD,
    "state": "completed",
    "parts_done": 3,
    "bytes_done": 20_000_000,
    "completed_at": "2026-01-15T08:41:12Z",
    "etag": "1C787C506EABFB9B45EAAA8DB039F4B2-3",
    "crc64": "15355023455283213312",
    "location": f"https://example-bucket.oss-cn-hangzhou.aliyuncs.com/{_UPLOAD['key']}",
}
_PART = {
    "number": 1,
    "method": "PUT",
    "url": "https://example-bucket.oss-cn-hangzhou.aliyuncs.com/…?partNumber=1&uploadId=…&x-oss-signature=…",
    "headers": {},
    "size": 8_388_608,
    "expires_at": "2026-01-15T08:45:00Z",
}
_DONE_PART = {
    "number": 1,
    "etag": "5D41402ABC4B2A76B9719D911017C592",
    "size": 8_388_608,
    "crc64": "9548687815775124833",
}
_FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000, "content_type": "video/mp4"}
_PROBLEM = {
    "type": "urn:oss-uploads:problem:too_large",
    "title": "The file is too large",
    "status": 413,
    "detail": "The destination 'default' accepts files of at most 10 MB; this one has 20 MB.",
    "code": "too_large",
    "sizes": {"limit": 10_000_000, "size": 20_000_000},
    "errors": {"size": ["The destination 'default' accepts files of at most 10 MB; this one has 20 MB."]},
}
_CREDENTIALS = {
    "access_key_id": "STS.N…",
    "access_key_secret": "…",
    "security_token": "CAIS…",
    "expires_at": "2026-01-15T09:30:00Z",
    "endpoint": "https://oss-cn-hangzhou.aliyuncs.com",
    "region": "cn-hangzhou",
    "bucket": "example-bucket",
    "traffic_limit": None,
}


def _request(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value, request_only=True)


def _response(name: str, value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])


CREATE = _request("A video file", {**_FILE, "sign": 2})
CREATED = _response("With a signed part", {**_UPLOAD, "parts": [_PART], "server_time": "2026-01-15T08:30:00Z"}, 201)
UPLOADS = _response("An upload", _COMPLETED)
COMPLETED = _response("Completed", _COMPLETED)
SIGN = _request("Two parts to sign, one to record", {"parts": [{"number": 2}, {"number": 3}], "done": [_DONE_PART]})
SIGNED = _response(
    "A signed part",
    {"parts": [_PART], "server_time": "2026-01-15T08:30:00Z", "parts_done": 1, "bytes_done": 8_388_608},
)
CHECKPOINT = _request("A finished part", {"parts": [_DONE_PART]})
PROGRESS = _response("Progress", {"parts_done": 1, "bytes_done": 8_388_608})
PARTS = _response("Parts", {"parts": [_DONE_PART]})
COMPLETE = _request("With the file's CRC64", {"crc64": "15355023455283213312"})
CREATE_BATCH = _request("Two small files", {"uploads": [{**_FILE, "size": 10_000, "sign": 1}] * 2})
COMPLETE_BATCH = _request("Two small files", {"uploads": [{"id": ID, "etag": "5D41402ABC4B2A76B9719D911017C592"}]})
BATCH = _response("An upload and a problem", {"uploads": [_UPLOAD, _PROBLEM]}, 207)
CREDENTIALS = _response("For one upload", {**_CREDENTIALS, "key": _UPLOAD["key"], "upload_id": _UPLOAD["upload_id"]})
PREFIX_CREDENTIALS = _response(
    "For the user's own prefix", {**_CREDENTIALS, "prefix": "uploads/7/", "addressing": "virtual"}
)
DIAGNOSIS = _response(
    "Data calls on the public endpoint",
    {
        "verdict": "refused",
        "code": "PublicEndpointForbidden",
        "title": "OSS refuses the uploads of this page",
        "detail": "OSS refused the request because of the site's configuration. An administrator must correct it.",
        "cure": "Bind a custom domain to the bucket …",
        "link": "https://help.aliyun.com/en/oss/user-guide/0048-00000401",
        "request_id": "6968A4F8C6D4B73530000001",
        "retryable": False,
    },
)
DESTINATION = _response(
    "Videos of at most 5 GB",
    {
        "name": "films",
        "max_size": 5_000_000_000,
        "content_types": ["video/*"],
        "uploads_left": 10,
        "max_bytes_per_day": None,
        "bytes_left": None,
        "downloads": True,
    },
)
DOWNLOAD = _response(
    "A link for an hour",
    {
        "url": f"https://example-bucket.oss-cn-hangzhou.aliyuncs.com/{_UPLOAD['key']}?x-oss-signature=…",
        "expires_at": "2026-01-15T09:30:00Z",
    },
)
