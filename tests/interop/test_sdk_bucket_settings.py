"""The vendor's Python SDKs: bucket settings, versions, appends and thumbnails."""

import io
import secrets
from collections.abc import Iterator

import alibabacloud_oss_v2 as v2
import oss2
import oss2.models
import pytest
from PIL import Image

from tests.interop.support import Place, refused, v2_client
from uploads.localoss.testing import LocalServer
from uploads.oss.crc64 import crc64

RULES = ["--allow-faults"]


def picture() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (400, 200), "red").save(output, "JPEG")
    return output.getvalue()


@pytest.fixture
def place(oss_server: LocalServer) -> Place:
    """In path style alone: settings do not depend on the address, and outlast a test in a bucket that is shared."""
    bucket = f"sdk-{secrets.token_hex(6)}"
    return Place(oss_server, oss_server.url, bucket, f"{oss_server.url}/{bucket}/")


# oss2


def test_oss2_versions(old: oss2.Bucket) -> None:
    assert old.get_bucket_versioning().status is None
    old.put_object("a", b"before")
    old.put_bucket_versioning(oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))
    assert old.get_bucket_versioning().status == "Enabled"
    first, second = old.put_object("a", b"1").versionid, old.put_object("a", b"2").versionid
    assert old.get_object("a", params={"versionId": first}).read() == b"1"
    assert old.head_object("a", params={"versionId": second}).versionid == second
    marker = old.delete_object("a").headers["x-oss-version-id"]
    listed = old.list_object_versions()
    assert [(version.versionid, version.is_latest) for version in listed.versions] == [
        (second, False), (first, False), ("null", False),
    ]  # fmt: skip
    assert [(found.versionid, found.is_latest) for found in listed.delete_marker] == [(marker, True)]
    with pytest.raises(oss2.exceptions.NoSuchKey):
        old.get_object("a")
    versions = oss2.models.BatchDeleteObjectVersionList()
    for version in (first, second, "null", marker):
        versions.append(oss2.models.BatchDeleteObjectVersion("a", version))
    assert len(old.delete_object_versions(versions).delete_versions) == 4
    assert old.list_object_versions().versions == []


def test_oss2_retention(old: oss2.Bucket) -> None:
    with pytest.raises(oss2.exceptions.NoSuchWORMConfiguration):
        old.get_bucket_worm()
    old.put_object("a", b"x")
    identifier = old.init_bucket_worm(1).worm_id
    kept = old.get_bucket_worm()
    assert (kept.worm_id, kept.state, kept.retention_period_days) == (identifier, "InProgress", 1)
    for change in (lambda: old.put_object("a", b"y"), lambda: old.delete_object("a")):
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            change()
        assert (caught.value.status, caught.value.code) == (409, "FileImmutable")
    with pytest.raises(oss2.exceptions.InvalidWORMConfiguration):
        old.extend_bucket_worm(identifier, 2)
    old.abort_bucket_worm()
    assert old.put_object("a", b"y").status == 200
    identifier = old.init_bucket_worm(1).worm_id
    old.complete_bucket_worm(identifier)
    old.extend_bucket_worm(identifier, 2)
    assert old.get_bucket_worm().state == "Locked"
    with pytest.raises(oss2.exceptions.WORMConfigurationLocked):
        old.abort_bucket_worm()


def test_oss2_encryption_tags_payment_and_statistics(old: oss2.Bucket) -> None:
    with pytest.raises(oss2.exceptions.NoSuchServerSideEncryptionRule):
        old.get_bucket_encryption()
    rule = oss2.models.ServerSideEncryptionRule()
    rule.sse_algorithm, rule.kms_master_keyid = oss2.SERVER_SIDE_ENCRYPTION_KMS, "key-1"
    old.put_bucket_encryption(rule)
    kept = old.get_bucket_encryption()
    assert (kept.sse_algorithm, kept.kms_master_keyid) == ("KMS", "key-1")
    assert old.put_object("a", b"hello").headers["x-oss-server-side-encryption"] == "KMS"
    info = old.get_bucket_info()
    assert info.bucket_encryption_rule.sse_algorithm == "KMS"
    assert (info.access_monitor, info.transfer_acceleration, info.versioning_status) == ("Disabled", "Disabled", None)
    assert old.delete_bucket_encryption().status == 204
    tags = oss2.models.TaggingRule()
    tags.add("team", "a/b +c")
    old.put_bucket_tagging(oss2.models.Tagging(tags))
    assert old.get_bucket_tagging().tag_set.tagging_rule == {"team": "a/b +c"}
    old.delete_bucket_tagging()
    assert old.get_bucket_tagging().tag_set.tagging_rule == {}
    old.put_bucket_request_payment(oss2.models.PAYER_REQUESTER)
    assert old.get_bucket_request_payment().payer == "Requester"
    old.put_bucket_request_payment(oss2.models.PAYER_BUCKETOWNER)
    stat = old.get_bucket_stat()
    assert (stat.storage_size_in_bytes, stat.object_count, stat.standard_storage) == (5, 1, 5)


def test_oss2_appends_and_makes_thumbnails(old: oss2.Bucket) -> None:
    first = old.append_object("log", 0, b"hello ", init_crc=0)
    second = old.append_object("log", first.next_position, b"world", init_crc=first.crc)
    assert (second.next_position, second.crc) == (11, crc64(b"hello world"))
    assert old.head_object("log").object_type == "Appendable"
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as caught:
        old.append_object("log", 0, b"x")
    assert caught.value.next_position == 11
    old.put_object("normal", b"x")
    with pytest.raises(oss2.exceptions.ObjectNotAppendable):
        old.append_object("normal", 1, b"x")
    old.put_object("film.jpg", picture())
    small = old.get_object("film.jpg", process="image/resize,w_100").read()
    assert Image.open(io.BytesIO(small)).size == (100, 50)


# alibabacloud-oss-v2


def test_v2_versions(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    configuration = v2.VersioningConfiguration(status="Enabled")
    new.put_bucket_versioning(v2.PutBucketVersioningRequest(bucket=bucket, versioning_configuration=configuration))
    assert new.get_bucket_versioning(v2.GetBucketVersioningRequest(bucket=bucket)).version_status == "Enabled"
    put = [new.put_object(v2.PutObjectRequest(bucket=bucket, key="a", body=body)).version_id for body in (b"1", b"2")]
    got = new.get_object(v2.GetObjectRequest(bucket=bucket, key="a", version_id=put[0]))
    assert got.body is not None
    assert (got.body.content, got.version_id) == (b"1", put[0])
    gone = new.delete_object(v2.DeleteObjectRequest(bucket=bucket, key="a"))
    assert gone.delete_marker
    pages = new.list_object_versions_paginator(limit=1).iter_page(v2.ListObjectVersionsRequest(bucket=bucket))
    found = [entry for page in pages for entry in (*(page.version or []), *(page.delete_marker or []))]
    assert [(entry.version_id, entry.is_latest) for entry in found] == [
        (gone.version_id, True), (put[1], False), (put[0], False),
    ]  # fmt: skip
    objects = [v2.DeleteObject(key="a", version_id=entry.version_id) for entry in found]
    deleted = new.delete_multiple_objects(v2.DeleteMultipleObjectsRequest(bucket=bucket, objects=objects))
    assert [entry.version_id for entry in deleted.deleted_objects or []] == [entry.version_id for entry in found]


def test_v2_bucket_settings(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    default = v2.ApplyServerSideEncryptionByDefault(sse_algorithm="AES256")
    rule = v2.ServerSideEncryptionRule(apply_server_side_encryption_by_default=default)
    new.put_bucket_encryption(v2.PutBucketEncryptionRequest(bucket=bucket, server_side_encryption_rule=rule))
    kept = new.get_bucket_encryption(v2.GetBucketEncryptionRequest(bucket=bucket)).server_side_encryption_rule
    assert kept.apply_server_side_encryption_by_default.sse_algorithm == "AES256"
    tagging = v2.Tagging(tag_set=v2.TagSet(tags=[v2.Tag(key="team", value="a b")]))
    new.put_bucket_tags(v2.PutBucketTagsRequest(bucket=bucket, tagging=tagging))
    tags = new.get_bucket_tags(v2.GetBucketTagsRequest(bucket=bucket)).tagging.tag_set.tags
    assert [(tag.key, tag.value) for tag in tags] == [("team", "a b")]
    payment = v2.RequestPaymentConfiguration(payer="Requester")
    new.put_bucket_request_payment(
        v2.PutBucketRequestPaymentRequest(bucket=bucket, request_payment_configuration=payment)
    )
    shown = new.get_bucket_request_payment(v2.GetBucketRequestPaymentRequest(bucket=bucket))
    assert shown.request_payment_configuration.payer == "Requester"
    new.put_object(v2.PutObjectRequest(bucket=bucket, key="a", body=b"hello"))
    stat = new.get_bucket_stat(v2.GetBucketStatRequest(bucket=bucket))
    assert (stat.storage, stat.object_count, stat.delete_marker_count) == (5, 1, 0)
    info = new.get_bucket_info(v2.GetBucketInfoRequest(bucket=bucket)).bucket_info
    assert (info.name, info.sse_rule.sse_algorithm, info.block_public_access) == (bucket, "AES256", False)


def test_v2_overwrite_protection(new: v2.Client, place: Place) -> None:
    bucket, models = place.bucket, v2.models
    missing = refused(new.get_bucket_overwrite_config, models.GetBucketOverwriteConfigRequest(bucket=bucket))
    assert missing.status_code == 404
    rule = models.OverwriteRule(id="r1", action="forbid", prefix="raw/")
    configuration = models.OverwriteConfiguration(rules=[rule])
    new.put_bucket_overwrite_config(
        models.PutBucketOverwriteConfigRequest(bucket=bucket, overwrite_configuration=configuration)
    )
    kept = new.get_bucket_overwrite_config(models.GetBucketOverwriteConfigRequest(bucket=bucket))
    assert [(found.id, found.prefix) for found in kept.overwrite_configuration.rules] == [("r1", "raw/")]
    request = v2.PutObjectRequest(bucket=bucket, key="raw/a", body=b"x")
    assert new.put_object(request).status_code == 200
    assert refused(new.put_object, request).code == "FileAlreadyExists"
    new.delete_bucket_overwrite_config(models.DeleteBucketOverwriteConfigRequest(bucket=bucket))
    assert new.put_object(request).status_code == 200


def test_v2_retention(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    missing = refused(new.get_bucket_worm, v2.GetBucketWormRequest(bucket=bucket))
    assert (missing.status_code, missing.code) == (404, "NoSuchWORMConfiguration")
    wanted = v2.InitiateWormConfiguration(retention_period_in_days=1)
    new.put_object(v2.PutObjectRequest(bucket=bucket, key="a", body=b"x"))
    made = new.initiate_bucket_worm(v2.InitiateBucketWormRequest(bucket=bucket, initiate_worm_configuration=wanted))
    kept = new.get_bucket_worm(v2.GetBucketWormRequest(bucket=bucket)).worm_configuration
    assert (kept.worm_id, kept.state) == (made.worm_id, "InProgress")
    error = refused(new.put_object, v2.PutObjectRequest(bucket=bucket, key="a", body=b"y"))
    assert (error.status_code, error.code) == (409, "FileImmutable")
    new.abort_bucket_worm(v2.AbortBucketWormRequest(bucket=bucket))
    assert new.put_object(v2.PutObjectRequest(bucket=bucket, key="a", body=b"y")).status_code == 200


def test_v2_blocks_public_access_of_a_bucket(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    block = v2.PublicAccessBlockConfiguration(block_public_access=True)
    new.put_bucket_public_access_block(
        v2.PutBucketPublicAccessBlockRequest(bucket=bucket, public_access_block_configuration=block)
    )
    kept = new.get_bucket_public_access_block(v2.GetBucketPublicAccessBlockRequest(bucket=bucket))
    assert kept.public_access_block_configuration.block_public_access
    error = refused(new.put_bucket_acl, v2.PutBucketAclRequest(bucket=bucket, acl="public-read"))
    assert (error.code, error.message) == ("AccessDenied", "Put public bucket acl is not allowed")
    new.delete_bucket_public_access_block(v2.DeleteBucketPublicAccessBlockRequest(bucket=bucket))
    assert new.put_bucket_acl(v2.PutBucketAclRequest(bucket=bucket, acl="private")).status_code == 200


def test_v2_appends_and_makes_thumbnails(new: v2.Client, place: Place) -> None:
    bucket = place.bucket
    first = new.append_object(v2.AppendObjectRequest(bucket=bucket, key="log", position=0, body=b"hello "))
    second = new.append_object(
        v2.AppendObjectRequest(
            bucket=bucket, key="log", position=first.next_position, body=b"world", init_hash_crc64=first.hash_crc64
        )
    )
    assert (second.next_position, second.hash_crc64) == (11, str(crc64(b"hello world")))
    error = refused(new.append_object, v2.AppendObjectRequest(bucket=bucket, key="log", position=0, body=b"x"))
    assert (error.status_code, error.code) == (409, "PositionNotEqualToLength")
    new.put_object(v2.PutObjectRequest(bucket=bucket, key="film.jpg", body=picture()))
    small = new.get_object(v2.GetObjectRequest(bucket=bucket, key="film.jpg", process="image/resize,w_100"))
    assert small.body is not None
    assert Image.open(io.BytesIO(small.body.content)).size == (100, 50)
    url = new.presign(v2.GetObjectRequest(bucket=bucket, key="film.jpg", process="image/resize,w_100")).url
    assert "x-oss-process=image%2Fresize%2Cw_100" in url


# The account


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server whose account and rules may be changed."""
    with LocalServer(tmp_path_factory.mktemp("own"), RULES) as server:
        yield Place(server, server.url, server.bucket, f"{server.url}/{server.bucket}/")


def test_v2_blocks_public_access_of_the_account(own: Place) -> None:
    client = v2_client(own)
    block = v2.PublicAccessBlockConfiguration(block_public_access=True)
    client.put_public_access_block(v2.PutPublicAccessBlockRequest(public_access_block_configuration=block))
    kept = client.get_public_access_block(v2.GetPublicAccessBlockRequest())
    assert kept.public_access_block_configuration.block_public_access
    request = v2.PutObjectRequest(bucket=own.bucket, key="a", body=b"x", acl="public-read")
    assert refused(client.put_object, request).ec == "0016-00000901"
    client.delete_public_access_block(v2.DeletePublicAccessBlockRequest())
    assert client.put_object(request).status_code == 200


def test_the_sdks_name_the_rules_for_new_accounts(own: Place) -> None:
    client = v2_client(own)
    own.server.set_account_rules("2026", endpoints={"127.0.0.1": "public"})
    error = refused(client.put_object, v2.PutObjectRequest(bucket=own.bucket, key="a", body=b"x"))
    assert (error.status_code, error.code, error.ec) == (400, "PublicEndpointForbidden", "0048-00000401")
    assert client.get_bucket_info(v2.GetBucketInfoRequest(bucket=own.bucket)).status_code == 200
    own.server.set_account_rules("v1-forbidden", endpoints={})
    keys = (own.server.access_key_id, own.server.access_key_secret)
    bucket = oss2.Bucket(oss2.Auth(*keys), own.endpoint, own.bucket)
    with pytest.raises(oss2.exceptions.InvalidArgument):
        bucket.put_object("a", b"x")
    bucket = oss2.Bucket(oss2.AuthV4(*keys), own.endpoint, own.bucket, region=own.server.region)
    assert bucket.put_object("a", b"x").status == 200
    own.server.set_account_rules()
