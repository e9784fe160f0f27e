"""The vendor's Python SDKs: lists, copies, ACLs, tags, many deletions, lifecycle, and pages over a great many."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as v2
import oss2
import oss2.models
import pytest

from tests import http
from tests.interop.support import Place, oss2_bucket, refused, v2_client
from uploads.localoss.store import Store
from uploads.localoss.store.rows import Blob, Bucket, Upload
from uploads.localoss.testing import LocalServer
from uploads.oss.crc64 import crc64
from uploads.oss.limits import MIN_PART_SIZE

ODD = ["a", "a/1 ä+%2F", "a/2", "b/日本", "b/🎬", "c", "d&<>'\"", "e\x01\n"]
KEYS = sorted(ODD, key=str.encode)

# oss2


def test_oss2_lists_objects(old: oss2.Bucket) -> None:
    for key in KEYS:
        old.put_object(key, key.encode())
    assert [stored.key for stored in oss2.ObjectIterator(old, max_keys=3)] == KEYS
    assert [stored.key for stored in oss2.ObjectIteratorV2(old, max_keys=3)] == KEYS
    grouped = list(oss2.ObjectIterator(old, delimiter="/", max_keys=2))
    assert [entry.key for entry in grouped if entry.is_prefix()] == ["a/", "b/"]
    page = old.list_objects_v2(prefix="a/", max_keys=1, fetch_owner=True)
    (stored,) = page.object_list
    assert (stored.key, stored.size, stored.type) == (KEYS[1], len(KEYS[1].encode()), "Normal")
    assert stored.owner.id
    assert stored.etag == old.head_object(KEYS[1]).etag
    assert page.is_truncated
    assert page.next_continuation_token


def test_oss2_copies_and_deletes_many(old: oss2.Bucket) -> None:
    source = "süd/a b%2F.mov"
    old.put_object(source, b"hello", headers={"x-oss-meta-a": "1"})
    copied = old.copy_object(old.bucket_name, source, "copy")
    assert copied.etag == old.head_object(source).etag
    assert old.head_object("copy").headers["x-oss-meta-a"] == "1"
    upload = old.init_multipart_upload("parts").upload_id
    part = old.upload_part_copy(old.bucket_name, source, (1, 3), "parts", upload, 1)
    assert part.crc == crc64(b"ell")
    old.complete_multipart_upload("parts", upload, [oss2.models.PartInfo(1, part.etag)])
    assert old.get_object("parts").read() == b"ell"
    deleted = old.batch_delete_objects([source, "copy", "parts", "never-there"])
    assert sorted(deleted.deleted_keys) == sorted([source, "copy", "parts", "never-there"])
    assert list(oss2.ObjectIterator(old)) == []


def test_oss2_acls_and_tags(old: oss2.Bucket, place: Place) -> None:
    old.put_object("a", b"hello")
    assert old.get_object_acl("a").acl == oss2.OBJECT_ACL_DEFAULT
    old.put_object_acl("a", oss2.OBJECT_ACL_PUBLIC_READ)
    assert old.get_object_acl("a").acl == oss2.OBJECT_ACL_PUBLIC_READ
    assert http.get(f"{place.address}a").content == b"hello"
    old.put_object_acl("a", oss2.OBJECT_ACL_PRIVATE)
    assert http.get(f"{place.address}a").status_code == 403
    old.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    assert old.get_bucket_acl().acl == oss2.BUCKET_ACL_PUBLIC_READ
    old.put_bucket_acl(oss2.BUCKET_ACL_PRIVATE)
    rule = oss2.models.TaggingRule()
    rule.add("team", "a/b +c")
    old.put_object_tagging("a", oss2.models.Tagging(rule))
    assert old.get_object_tagging("a").tag_set.tagging_rule == {"team": "a/b +c"}
    old.delete_object_tagging("a")
    assert old.get_object_tagging("a").tag_set.tagging_rule == {}


def test_oss2_lifecycle(old: oss2.Bucket) -> None:
    with pytest.raises(oss2.exceptions.NoSuchLifecycle):
        old.get_bucket_lifecycle()
    abort = oss2.models.AbortMultipartUpload(days=3)
    rule = oss2.models.LifecycleRule("stale", "raw/", status="Enabled", abort_multipart_upload=abort)
    old.put_bucket_lifecycle(oss2.models.BucketLifecycle([rule]))
    (kept,) = old.get_bucket_lifecycle().rules
    assert (kept.id, kept.prefix, kept.status, kept.abort_multipart_upload.days) == ("stale", "raw/", "Enabled", 3)
    assert old.delete_bucket_lifecycle().status == 204


def test_oss2_everything_optional(old: oss2.Bucket) -> None:
    """What the manuals allow beside the bytes comes back with the object."""
    sent = {
        "Content-Type": "video/mp4",
        "Cache-Control": "no-cache",
        "Content-Disposition": "attachment; filename*=UTF-8''%E8%A7%86.mp4",
        "Content-Encoding": "identity",
        "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
        "x-oss-storage-class": "IA",
        "x-oss-server-side-encryption": "AES256",
        "x-oss-tagging": "team=a",
        "x-oss-meta-owner": "Ann",
    }
    begun = old.init_multipart_upload("film", headers=sent)
    assert begun.headers["x-oss-server-side-encryption"] == "AES256"
    part = old.upload_part("film", begun.upload_id, 1, b"hello", headers={oss2.headers.OSS_TRAFFIC_LIMIT: "819200"})
    done = old.complete_multipart_upload(
        "film",
        begun.upload_id,
        [oss2.models.PartInfo(1, part.etag)],
        headers={"x-oss-object-acl": "public-read", "x-oss-forbid-overwrite": "true"},
    )
    head = old.head_object("film").headers
    assert {name: head.get(name) for name in sent if name != "x-oss-tagging"} == {
        name: value for name, value in sent.items() if name != "x-oss-tagging"
    }
    assert (head["x-oss-tagging-count"], head["ETag"].strip('"')) == ("1", done.etag)
    assert old.get_object_acl("film").acl == "public-read"
    overridden = old.get_object("film", params={"response-content-type": "text/plain"})
    assert overridden.headers["Content-Type"] == "text/plain"


# alibabacloud-oss-v2


def test_v2_lists_objects(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    for key in KEYS:
        new.put_object(v2.PutObjectRequest(bucket=bucket, key=key, body=key.encode()))
    for paginator, request in (
        (new.list_objects_paginator(limit=3), v2.ListObjectsRequest(bucket=bucket)),
        (new.list_objects_v2_paginator(limit=3), v2.ListObjectsV2Request(bucket=bucket)),
    ):
        found = [stored for page in paginator.iter_page(request) for stored in page.contents or []]
        assert [stored.key for stored in found] == KEYS
        assert [stored.size for stored in found] == [len(key.encode()) for key in KEYS]
    grouped = new.list_objects_v2(v2.ListObjectsV2Request(bucket=bucket, delimiter="/", prefix="b/"))
    assert [stored.key for stored in grouped.contents or []] == ["b/日本", "b/🎬"]
    assert grouped.key_count == 2


def test_v2_copies_and_deletes_many(new: v2.Client, place: Place) -> None:
    bucket, source = place.bucket, "süd/a b%2F.mov"
    put = new.put_object(v2.PutObjectRequest(bucket=bucket, key=source, body=b"hello"))
    copied = new.copy_object(v2.CopyObjectRequest(bucket=bucket, key="copy", source_bucket=bucket, source_key=source))
    assert (copied.etag, copied.hash_crc64) == (put.etag, put.hash_crc64)
    begun = new.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=bucket, key="parts"))
    part = new.upload_part_copy(
        v2.UploadPartCopyRequest(
            bucket=bucket, key="parts", upload_id=begun.upload_id, part_number=1, source_bucket=bucket,
            source_key=source, source_range="bytes=1-3",
        )
    )  # fmt: skip
    parts = v2.CompleteMultipartUpload(parts=[v2.UploadPart(part_number=1, etag=part.etag)])
    new.complete_multipart_upload(
        v2.CompleteMultipartUploadRequest(
            bucket=bucket, key="parts", upload_id=begun.upload_id, complete_multipart_upload=parts
        )
    )
    got = new.get_object(v2.GetObjectRequest(bucket=bucket, key="parts"))
    assert got.body is not None
    assert got.body.content == b"ell"
    keys = [v2.DeleteObject(key=key) for key in (source, "copy", "parts", "never-there")]
    deleted = new.delete_multiple_objects(v2.DeleteMultipleObjectsRequest(bucket=bucket, objects=keys))
    assert [gone.key for gone in deleted.deleted_objects or []] == [source, "copy", "parts", "never-there"]
    error = refused(new.get_object, v2.GetObjectRequest(bucket=bucket, key="copy"))
    assert error.code == "NoSuchKey"


def test_v2_acls_and_tags(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    new.put_object(v2.PutObjectRequest(bucket=bucket, key="a", body=b"hello"))
    new.put_object_acl(v2.PutObjectAclRequest(bucket=bucket, key="a", acl="public-read"))
    assert new.get_object_acl(v2.GetObjectAclRequest(bucket=bucket, key="a")).acl == "public-read"
    assert http.get(f"{place.address}a").content == b"hello"
    new.put_bucket_acl(v2.PutBucketAclRequest(bucket=bucket, acl="public-read"))
    assert new.get_bucket_acl(v2.GetBucketAclRequest(bucket=bucket)).acl == "public-read"
    new.put_bucket_acl(v2.PutBucketAclRequest(bucket=bucket, acl="private"))
    tags = v2.Tagging(tag_set=v2.TagSet(tags=[v2.Tag(key="team", value="a/b +c")]))
    new.put_object_tagging(v2.PutObjectTaggingRequest(bucket=bucket, key="a", tagging=tags))
    kept = new.get_object_tagging(v2.GetObjectTaggingRequest(bucket=bucket, key="a")).tag_set
    assert [(tag.key, tag.value) for tag in kept.tags] == [("team", "a/b +c")]
    assert new.delete_object_tagging(v2.DeleteObjectTaggingRequest(bucket=bucket, key="a")).status_code == 204


def test_v2_lifecycle(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    missing = refused(new.get_bucket_lifecycle, v2.GetBucketLifecycleRequest(bucket=bucket))
    assert missing.code == "NoSuchLifecycle"
    rule = v2.LifecycleRule(
        id="stale", prefix="raw/", status="Enabled",
        abort_multipart_upload=v2.LifecycleRuleAbortMultipartUpload(days=3),
    )  # fmt: skip
    configuration = v2.LifecycleConfiguration(rules=[rule])
    new.put_bucket_lifecycle(v2.PutBucketLifecycleRequest(bucket=bucket, lifecycle_configuration=configuration))
    kept = new.get_bucket_lifecycle(v2.GetBucketLifecycleRequest(bucket=bucket)).lifecycle_configuration
    (again,) = kept.rules
    assert (again.id, again.prefix, again.status) == ("stale", "raw/", "Enabled")
    assert again.abort_multipart_upload.days == 3
    assert new.delete_bucket_lifecycle(v2.DeleteBucketLifecycleRequest(bucket=bucket)).status_code == 204


def test_v2_resumes_by_its_own_checkpoint(new: v2.Client, place: Place, tmp_path: Path) -> None:
    path, content = tmp_path / "film", secrets.token_bytes(6 * MIN_PART_SIZE)
    path.write_bytes(content)
    request = v2.PutObjectRequest(bucket=place.bucket, key="film", progress_fn=stop_after(3 * MIN_PART_SIZE))
    options = {"part_size": MIN_PART_SIZE, "parallel_num": 1, "enable_checkpoint": True,
               "checkpoint_dir": f"{tmp_path}/", "leave_parts_on_error": True}  # fmt: skip
    with pytest.raises(Exception, match="the tab was closed"):
        new.uploader(**options).upload_file(request, str(path))
    sent: list[int] = []
    again = v2.PutObjectRequest(
        bucket=place.bucket, key="film", progress_fn=lambda step, done, total: sent.append(step)
    )
    done = new.uploader(**options).upload_file(again, str(path))
    assert done.hash_crc64 == str(crc64(content))
    assert sum(sent) < len(content), "what was there is not sent again"
    got = new.get_object(v2.GetObjectRequest(bucket=place.bucket, key="film"))
    assert got.body is not None
    assert got.body.content == content


def stop_after(size: int) -> Any:
    def progress(step: int, done: int, total: int) -> None:
        if done > size:
            raise RuntimeError("the tab was closed")

    return progress


# A great many

UPLOADS, PARTS = 2500, 10_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server whose bucket holds so many uploads, one of them with so many parts."""
    root = tmp_path_factory.mktemp("crowded")
    store = Store(root)
    store.prepare()
    store.buckets.create(Bucket("demo-bucket", 0))
    for number in range(UPLOADS):
        store.uploads.create(Upload(f"{number:032X}", "demo-bucket", f"raw/{number % 1000:04d}", number))
    first = store.uploads.get("demo-bucket", "raw/0000", f"{0:032X}")
    assert first is not None
    with store.blobs.receive([b"x"]) as blob:
        for number in range(1, PARTS + 1):
            store.uploads.put_part(first, number, Blob(blob.name, 1, blob.md5, blob.crc64), 0)
    store.close()
    with LocalServer(root) as server:
        yield Place(server, server.url, "demo-bucket", f"{server.url}/demo-bucket/")


def test_oss2_pages_over_a_great_many(crowded: Place) -> None:
    bucket = oss2_bucket(crowded, oss2.AuthV4(crowded.server.access_key_id, crowded.server.access_key_secret))
    found = [(upload.key, upload.upload_id) for upload in oss2.MultipartUploadIterator(bucket, max_uploads=1000)]
    assert found == sorted(found)
    assert len(set(found)) == UPLOADS
    parts = [part.part_number for part in oss2.PartIterator(bucket, "raw/0000", f"{0:032X}")]
    assert parts == list(range(1, PARTS + 1))


def test_v2_pages_over_a_great_many(crowded: Place) -> None:
    client = v2_client(crowded)
    pages = client.list_multipart_uploads_paginator().iter_page(v2.ListMultipartUploadsRequest(bucket="demo-bucket"))
    found = [(upload.key, upload.upload_id) for page in pages for upload in page.uploads or []]
    assert (len(found), len(set(found))) == (UPLOADS, UPLOADS)
    request = v2.ListPartsRequest(bucket="demo-bucket", key="raw/0000", upload_id=f"{0:032X}")
    listed = [part for page in client.list_parts_paginator().iter_page(request) for part in page.parts or []]
    assert [part.part_number for part in listed] == list(range(1, PARTS + 1))
    assert listed[0].hash_crc64 == str(crc64(b"x"))
