"""What a user can make of a signed request by changing it: nothing but the request that was signed."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests import http
from tests.django_fixtures import Begin, Place
from tests.stack import deliver
from uploads import services
from uploads.domain.errors import NotOffered, UploadError
from uploads.domain.states import State
from uploads.models import Upload
from uploads.oss.client import OssClient
from uploads.oss.errors import NotFound
from uploads.oss.signing import PartRequest
from uploads.services import SignedPart

pytestmark = pytest.mark.django_db

REFUSED = (400, 403)


def signed(upload: Upload, number: int = 1) -> SignedPart:
    (part,) = services.sign_parts(upload, [PartRequest(number)])
    return part


def is_absent(oss: OssClient, bucket: str, key: str) -> bool:
    with pytest.raises(NotFound):
        oss.head(bucket, key)
    return True


# A form


@pytest.mark.parametrize("field", ["key", "policy", "success_action_status", "x-oss-credential", "x-oss-date"])
def test_a_form_with_another_field_is_refused(begin: Begin, oss: OssClient, field: str) -> None:
    upload = begin(5)
    part = signed(upload)
    assert field in part.fields
    changed = {"key": f"{upload.key}.html", "success_action_status": "201"}.get(field, f"{part.fields[field]}0")
    assert deliver(replace(part, fields={**part.fields, field: changed}), b"12345").status_code in REFUSED
    assert is_absent(oss, upload.bucket, upload.key)
    assert is_absent(oss, upload.bucket, f"{upload.key}.html")


def test_a_form_for_the_key_of_another_user_is_refused(begin: Begin, oss: OssClient, other_user: Any) -> None:
    theirs = services.begin(other_user, services.UploadRequest("default", "film.mp4", 5, "video/mp4"))
    part = signed(begin(5))
    assert deliver(replace(part, fields={**part.fields, "key": theirs.key}), b"12345").status_code == 403
    assert is_absent(oss, theirs.bucket, theirs.key)


def test_a_file_name_is_no_template_of_the_form(begin: Begin, oss: OssClient) -> None:
    """OSS replaces `${filename}` in the key of a form by the name that the form gives its file."""
    upload = begin(5, filename="report ${filename}.txt")
    assert upload.filename == "report ${filename}.txt"
    assert deliver(signed(upload), b"12345").status_code == 200
    assert services.complete(upload).state == State.COMPLETED
    assert upload.key.endswith("/report _{filename}.txt")
    assert oss.head(upload.bucket, upload.key).size == 5


def test_a_key_that_is_a_template_gets_no_form(begin: Begin, oss: OssClient, place: Place) -> None:
    """Earlier versions made such keys. So do templates of the site: in `${filename}` only the braces are a field."""
    place(key="films/{uuid}/${filename}")
    upload = begin(5, filename="{filename}.txt")
    assert upload.key.endswith("/${filename}.txt")
    part = signed(upload)
    assert (part.method, part.fields) == ("PUT", {})
    assert deliver(part, b"12345").status_code == 200
    assert services.complete(upload).state == State.COMPLETED
    assert oss.head(upload.bucket, upload.key).size == 5
    with pytest.raises(NotOffered):
        signed(begin(None, filename="{filename}.txt", in_one=True))


def test_a_form_with_another_type_is_refused_or_ignored(begin: Begin, oss: OssClient) -> None:
    upload = begin(5)
    part = signed(upload)
    assert part.fields["x-oss-content-type"] == "video/mp4"
    changed = replace(part, fields={**part.fields, "x-oss-content-type": "text/html"})
    assert deliver(changed, b"12345").status_code == 403
    assert is_absent(oss, upload.bucket, upload.key)
    added = replace(part, fields={**part.fields, "Content-Type": "text/html"})
    assert deliver(added, b"12345").status_code == 200
    assert oss.head(upload.bucket, upload.key).headers["content-type"] == "video/mp4"


@pytest.mark.parametrize("content", [b"", b"1234", b"123456", bytes(100_000)])
def test_a_form_takes_the_size_of_its_file_only(begin: Begin, oss: OssClient, content: bytes) -> None:
    upload = begin(5)
    assert deliver(signed(upload), content).status_code in REFUSED
    assert is_absent(oss, upload.bucket, upload.key)


# A presigned URL


def changed_url(url: str, upload: Upload, change: str, other: Upload) -> str:
    parts = urlsplit(url)
    if change == "key":
        return url.replace(upload.key, f"{upload.key}.html")
    if change == "upload":
        return url.replace(upload.key, other.key).replace(upload.upload_id, other.upload_id)
    if change == "upload id":
        return url.replace(upload.upload_id, other.upload_id)
    if change == "part":
        return url.replace("partNumber=1", "partNumber=2")
    if change == "object":  # PutObject instead of UploadPart.
        query = "&".join(one for one in parts.query.split("&") if not one.startswith(("partNumber", "uploadId")))
        return urlunsplit(parts._replace(query=query))
    if change == "acl":
        return f"{url}&acl"
    if change == "later":
        return url.replace("x-oss-expires=", "x-oss-expires=9")
    return url.replace(f"/{upload.bucket}/", "/other-bucket/", 1)


@pytest.mark.parametrize("change", ["key", "upload", "upload id", "part", "object", "acl", "later", "bucket"])
def test_a_presigned_url_is_valid_for_no_other_request(
    begin: Begin, oss: OssClient, other_user: Any, change: str
) -> None:
    upload = begin(20_000_000)
    other = services.begin(other_user, services.UploadRequest("default", "film.mp4", 20_000_000, "video/mp4"))
    part = signed(upload)
    url = changed_url(part.url, upload, change, other)
    assert url != part.url
    content = bytes(part.size or 0)
    answer = http.request(part.method, url, content=content, headers=dict(part.headers))
    assert answer.status_code in (*REFUSED, 404)
    for one in (upload, other):
        assert oss.list_parts(one.bucket, one.key, one.upload_id) == []
        assert is_absent(oss, one.bucket, one.key)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_a_presigned_url_is_valid_for_no_other_method(begin: Begin, oss: OssClient, method: str) -> None:
    upload = begin(20_000_000)
    part = signed(upload)
    assert deliver(part, bytes(part.size or 0)).status_code == 200
    answer = http.request(method, part.url, headers=dict(part.headers))
    assert answer.status_code in (*REFUSED, 405)
    assert [held.number for held in oss.list_parts(upload.bucket, upload.key, upload.upload_id)] == [1]


# The request to begin


@pytest.mark.parametrize(
    "options",
    [
        {"acl": "public-read-write"},
        {"content_disposition": "inline"},
        {"cache_control": "public"},
        {"forbid_overwrite": False},
        {"encryption": "AES256"},
        {"callback": {"url": "https://evil.example/"}},
        {"key": "other"},
        {"headers": {"x-oss-object-acl": "public-read"}},
    ],
)
def test_a_user_sets_no_option_that_the_destination_keeps(begin: Begin, place: Place, options: dict[str, Any]) -> None:
    place(client_options=["tagging", "metadata"])
    with pytest.raises(UploadError):
        begin(5, options=options)
    assert Upload.objects.count() == 0
