"""The vendor's own Python SDKs, unchanged, in signature version 4, against the local OSS."""

import secrets
from pathlib import Path

import alibabacloud_oss_v2 as v2
import oss2
import oss2.models
import pytest

from tests import http
from tests.interop.support import Place, oss2_bucket, refused, v2_client
from uploads.oss.crc64 import crc64
from uploads.oss.limits import MIN_PART_SIZE

KEY = "raw/测试 a+b%2F(1)~ 🎬.mp4"
PARTS = [secrets.token_bytes(MIN_PART_SIZE), secrets.token_bytes(MIN_PART_SIZE + 1), b"the end"]
WHOLE = b"".join(PARTS)


def test_oss2_objects(old: oss2.Bucket) -> None:
    put = old.put_object(KEY, WHOLE, headers={"x-oss-meta-owner": "Ann", "Content-Type": "video/mp4"})
    assert put.status == 200
    assert len(put.request_id) == 24
    assert put.crc == crc64(WHOLE)
    head = old.head_object(KEY)
    assert (head.content_length, head.etag, head.content_type) == (len(WHOLE), put.etag, "video/mp4")
    assert head.headers["x-oss-meta-owner"] == "Ann"
    assert head.server_crc == crc64(WHOLE)
    got = old.get_object(KEY)
    assert got.read() == WHOLE
    assert got.client_crc == got.server_crc
    part = old.get_object(KEY, byte_range=(10, 19))
    assert (part.status, part.read()) == (206, WHOLE[10:20])
    assert old.object_exists(KEY)
    assert old.get_object_meta(KEY).content_length == len(WHOLE)
    old.delete_object(KEY)
    assert not old.object_exists(KEY)


def test_oss2_presigned_url(old: oss2.Bucket, place: Place) -> None:
    for slash_safe in (False, True):
        url = old.sign_url("PUT", KEY, 60, headers={"Content-Type": "a/b"}, slash_safe=slash_safe)
        assert url.startswith(place.address)
        assert old.put_object_with_url(url, b"x", headers={"Content-Type": "a/b"}).status == 200
        assert old.get_object_with_url(old.sign_url("GET", KEY, 60, slash_safe=slash_safe)).read() == b"x"


def test_oss2_multipart(old: oss2.Bucket) -> None:
    upload = old.init_multipart_upload(KEY, headers={"Content-Type": "video/mp4"}).upload_id
    sent = []
    for number, content in enumerate(PARTS, 1):
        answer = old.upload_part(KEY, upload, number, content)
        assert answer.crc == crc64(content)
        sent.append(oss2.models.PartInfo(number, answer.etag, size=len(content), part_crc=answer.crc))
    first = old.list_parts(KEY, upload, max_parts=2)
    assert first.is_truncated
    assert first.next_marker == "2"
    second = old.list_parts(KEY, upload, marker=first.next_marker, max_parts=2)
    assert not second.is_truncated
    listed = [(part.part_number, part.etag, part.size) for part in first.parts + second.parts]
    assert listed == [(part.part_number, part.etag, part.size) for part in sent]
    assert [part.part_number for part in oss2.PartIterator(old, KEY, upload)] == [1, 2, 3]
    done = old.complete_multipart_upload(KEY, upload, sent)
    assert done.crc == crc64(WHOLE)
    head = old.head_object(KEY)
    assert (head.etag, head.object_type, head.content_type) == (done.etag, "Multipart", "video/mp4")
    assert old.get_object(KEY).read() == WHOLE


def test_oss2_lists_and_aborts_uploads(old: oss2.Bucket) -> None:
    begun = {(key, old.init_multipart_upload(key).upload_id) for key in ("a", "a", "b/1", "b/2", KEY)}
    page = old.list_multipart_uploads(max_uploads=2)
    assert page.is_truncated
    seen = {(upload.key, upload.upload_id) for upload in oss2.MultipartUploadIterator(old, max_uploads=2)}
    assert seen == begun
    grouped = old.list_multipart_uploads(delimiter="/")
    assert grouped.prefix_list == ["b/", "raw/"]
    of_key = oss2.ObjectUploadIterator(old, "a", max_uploads=1)
    assert {upload.upload_id for upload in of_key} == {identifier for key, identifier in begun if key == "a"}
    for key, identifier in begun:
        assert old.abort_multipart_upload(key, identifier).status == 204
    assert old.list_multipart_uploads().upload_list == []
    with pytest.raises(oss2.exceptions.NoSuchUpload) as caught:
        old.abort_multipart_upload(*next(iter(begun)))
    assert (caught.value.status, caught.value.code) == (404, "NoSuchUpload")


def test_oss2_resumes_an_upload(old: oss2.Bucket, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(WHOLE * 3)
    store = oss2.ResumableStore(root=str(tmp_path))
    done = oss2.resumable_upload(
        old, KEY, str(path), store=store, multipart_threshold=MIN_PART_SIZE, part_size=MIN_PART_SIZE, num_threads=3
    )
    assert done.crc == crc64(WHOLE * 3)
    assert old.get_object(KEY).read() == WHOLE * 3


def test_oss2_cors(old: oss2.Bucket) -> None:
    with pytest.raises(oss2.exceptions.NoSuchCors):
        old.get_bucket_cors()
    rule = oss2.models.CorsRule(
        allowed_origins=["https://app.example.com"],
        allowed_methods=["PUT", "GET"],
        allowed_headers=["*"],
        expose_headers=["ETag"],
        max_age_seconds=600,
    )
    old.put_bucket_cors(oss2.models.BucketCors([rule]))
    [kept] = old.get_bucket_cors().rules
    assert vars(kept) == vars(rule)
    assert old.delete_bucket_cors().status == 204
    with pytest.raises(oss2.exceptions.NoSuchCors):
        old.get_bucket_cors()


def test_oss2_errors(old: oss2.Bucket, place: Place) -> None:
    with pytest.raises(oss2.exceptions.NoSuchKey) as missing:
        old.get_object("missing")
    assert missing.value.details["Key"] == "missing"
    assert len(missing.value.request_id) == 24
    with pytest.raises(oss2.exceptions.NotFound):
        old.head_object("missing")
    old.put_object("a", b"x")
    with pytest.raises(oss2.exceptions.ServerError) as taken:
        old.put_object("a", b"y", headers={"x-oss-forbid-overwrite": "true"})
    assert (taken.value.status, taken.value.code) == (409, "FileAlreadyExists")
    with pytest.raises(oss2.exceptions.PreconditionFailed):
        old.get_object("a", headers={"If-Match": '"0"'})
    with pytest.raises(oss2.exceptions.NotModified):
        old.get_object("a", headers={"If-None-Match": f'"{old.head_object("a").etag}"'})
    upload = old.init_multipart_upload("b").upload_id
    parts = [oss2.models.PartInfo(number, old.upload_part("b", upload, number, b"x").etag) for number in (1, 2)]
    with pytest.raises(oss2.exceptions.ServerError) as small:
        old.complete_multipart_upload("b", upload, parts)
    assert small.value.code == "EntityTooSmall"
    forged = oss2_bucket(place, oss2.AuthV4(place.server.access_key_id, "wrong"))
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch):
        forged.get_object("a")
    with pytest.raises(oss2.exceptions.ServerError) as full:
        old.delete_bucket()
    assert (full.value.status, full.value.code) == (409, "BucketNotEmpty")


# alibabacloud-oss-v2


def test_v2_objects(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    put = new.put_object(
        v2.PutObjectRequest(bucket=bucket, key=KEY, body=WHOLE, content_type="video/mp4", metadata={"owner": "Ann"})
    )
    assert put.status_code == 200
    assert put.hash_crc64 == str(crc64(WHOLE))
    head = new.head_object(v2.HeadObjectRequest(bucket=bucket, key=KEY))
    assert (head.content_length, head.etag, head.content_type) == (len(WHOLE), put.etag, "video/mp4")
    assert head.metadata == {"owner": "Ann"}
    got = new.get_object(v2.GetObjectRequest(bucket=bucket, key=KEY))
    assert got.body is not None
    assert got.body.content == WHOLE
    part = new.get_object(v2.GetObjectRequest(bucket=bucket, key=KEY, range_header="bytes=10-19"))
    assert part.body is not None
    assert (part.status_code, part.body.content) == (206, WHOLE[10:20])
    assert part.content_range == f"bytes 10-19/{len(WHOLE)}"
    assert new.is_object_exist(bucket, KEY)
    assert new.delete_object(v2.DeleteObjectRequest(bucket=bucket, key=KEY)).status_code == 204
    assert not new.is_object_exist(bucket, KEY)


def test_v2_multipart(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    begun = new.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=bucket, key=KEY))
    assert (begun.bucket, begun.key) == (bucket, KEY)
    sent = []
    for number, content in enumerate(PARTS, 1):
        answer = new.upload_part(
            v2.UploadPartRequest(bucket=bucket, key=KEY, upload_id=begun.upload_id, part_number=number, body=content)
        )
        assert answer.hash_crc64 == str(crc64(content))
        sent.append(v2.UploadPart(part_number=number, etag=answer.etag))
    pages = list(
        new.list_parts_paginator(limit=2).iter_page(
            v2.ListPartsRequest(bucket=bucket, key=KEY, upload_id=begun.upload_id)
        )
    )
    assert [page.is_truncated for page in pages] == [True, False]
    assert pages[0].key == KEY
    listed = [part for page in pages for part in page.parts]
    assert [(part.part_number, part.etag) for part in listed] == [(part.part_number, part.etag) for part in sent]
    assert [(part.size, part.hash_crc64) for part in listed] == [(len(c), str(crc64(c))) for c in PARTS]
    done = new.complete_multipart_upload(
        v2.CompleteMultipartUploadRequest(
            bucket=bucket,
            key=KEY,
            upload_id=begun.upload_id,
            complete_multipart_upload=v2.CompleteMultipartUpload(parts=sent),
        )
    )
    assert (done.key, done.hash_crc64) == (KEY, str(crc64(WHOLE)))
    got = new.get_object(v2.GetObjectRequest(bucket=bucket, key=KEY))
    assert got.body is not None
    assert got.body.content == WHOLE
    assert got.etag == done.etag
    assert got.object_type == "Multipart"


def test_v2_completes_all(new: v2.Client, place: Place) -> None:
    begun = new.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=place.bucket, key=KEY))
    new.upload_part(
        v2.UploadPartRequest(bucket=place.bucket, key=KEY, upload_id=begun.upload_id, part_number=1, body=b"x")
    )
    done = new.complete_multipart_upload(
        v2.CompleteMultipartUploadRequest(bucket=place.bucket, key=KEY, upload_id=begun.upload_id, complete_all="yes")
    )
    assert done.hash_crc64 == str(crc64(b"x"))


def test_v2_lists_and_aborts_uploads(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    begun = {
        (key, new.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=bucket, key=key)).upload_id)
        for key in ("a", "a", "b/1", "b/2", KEY)
    }
    pages = list(new.list_multipart_uploads_paginator(limit=2).iter_page(v2.ListMultipartUploadsRequest(bucket=bucket)))
    assert [page.is_truncated for page in pages] == [True, True, False]
    assert {(upload.key, upload.upload_id) for page in pages for upload in page.uploads} == begun
    below = new.list_multipart_uploads(v2.ListMultipartUploadsRequest(bucket=bucket, prefix="b/"))
    assert [upload.key for upload in below.uploads or []] == ["b/1", "b/2"]
    for key, identifier in begun:
        request = v2.AbortMultipartUploadRequest(bucket=bucket, key=key, upload_id=identifier)
        assert new.abort_multipart_upload(request).status_code == 204
    error = refused(new.abort_multipart_upload, request)
    assert (error.status_code, error.code, error.ec) == (404, "NoSuchUpload", "0042-00000002")


def test_v2_uploader(new: v2.Client, place: Place, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(WHOLE * 3)
    uploader = new.uploader(part_size=MIN_PART_SIZE, parallel_num=3)
    done = uploader.upload_file(v2.PutObjectRequest(bucket=place.bucket, key=KEY), str(path))
    assert done.hash_crc64 == str(crc64(WHOLE * 3))
    got = new.get_object(v2.GetObjectRequest(bucket=place.bucket, key=KEY))
    assert got.body is not None
    assert got.body.content == WHOLE * 3


def test_v2_presigned_url(new: v2.Client, place: Place) -> None:
    signed = new.presign(v2.PutObjectRequest(bucket=place.bucket, key=KEY, content_type="a/b"))
    assert (signed.url or "").startswith(place.address)
    put = http.put(signed.url, headers=signed.signed_headers, content=b"x")
    assert put.status_code == 200, put.text
    got = new.get_object(v2.GetObjectRequest(bucket=place.bucket, key=KEY))
    assert got.content_type == "a/b"


def test_v2_cors(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    assert refused(new.get_bucket_cors, v2.GetBucketCorsRequest(bucket=bucket)).code == "NoSuchCORSConfiguration"
    rule = v2.CORSRule(
        allowed_origins=["https://app.example.com"],
        allowed_methods=["PUT", "GET"],
        allowed_headers=["*"],
        expose_headers=["ETag"],
        max_age_seconds=600,
    )
    configuration = v2.CORSConfiguration(cors_rules=[rule], response_vary=True)
    new.put_bucket_cors(v2.PutBucketCorsRequest(bucket=bucket, cors_configuration=configuration))
    kept = new.get_bucket_cors(v2.GetBucketCorsRequest(bucket=bucket)).cors_configuration
    assert kept is not None
    assert kept.response_vary is True
    [again] = kept.cors_rules or []
    for name in ("allowed_origins", "allowed_methods", "allowed_headers", "expose_headers", "max_age_seconds"):
        assert getattr(again, name) == getattr(rule, name)
    assert new.delete_bucket_cors(v2.DeleteBucketCorsRequest(bucket=bucket)).status_code == 204


def test_v2_errors(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    error = refused(new.get_object, v2.GetObjectRequest(bucket=bucket, key="missing"))
    assert (error.status_code, error.code, error.ec) == (404, "NoSuchKey", "0026-00000001")
    error = refused(new.head_object, v2.HeadObjectRequest(bucket=bucket, key="missing"))
    assert (error.status_code, error.code) == (404, "NoSuchKey")
    new.put_object(v2.PutObjectRequest(bucket=bucket, key="a", body=b"x"))
    error = refused(new.put_object, v2.PutObjectRequest(bucket=bucket, key="a", body=b"y", forbid_overwrite=True))
    assert (error.status_code, error.code) == (409, "FileAlreadyExists")
    error = refused(v2_client(place, "wrong").get_object, v2.GetObjectRequest(bucket=bucket, key="a"))
    assert (error.status_code, error.code) == (403, "SignatureDoesNotMatch")
    error = refused(new.get_object, v2.GetObjectRequest(bucket=f"{bucket}-not", key="a"))
    # Under a host of its own the bucket is the host's, whatever the client believes.
    assert error.code == ("SignatureDoesNotMatch" if place.cname else "NoSuchBucket")
    part = v2.UploadPartRequest(bucket=bucket, key="a", upload_id="0" * 32, part_number=1, body=b"x")
    assert refused(new.upload_part, part).code == "NoSuchUpload"
