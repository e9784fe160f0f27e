"""The service and its buckets."""

import pytest

from tests.localoss.support import Wire, refused, result


def test_buckets_are_made_listed_described_and_deleted(wire: Wire) -> None:
    document = result(wire.call("GET", query=[("prefix", wire.bucket)], bucket=""), "ListAllMyBucketsResult")
    assert [text.text for text in document.iterfind("Buckets/Bucket/Name")] == [wire.bucket]
    document = result(wire.call("GET", query=[("bucketInfo", "")]), "BucketInfo")
    assert document.findtext("Bucket/Name") == wire.bucket
    assert document.findtext("Bucket/StorageClass") == "Standard"
    assert document.findtext("Bucket/AccessControlList/Grant") == "private"
    assert result(wire.call("GET", query=[("location", "")]), "LocationConstraint").text == "oss-cn-hangzhou"
    assert wire.call("PUT").status_code == 200, "its owner may repeat it"
    wire.put("a", b"x")
    refused(wire.call("DELETE"), 409, "BucketNotEmpty")
    wire.call("DELETE", "a")
    assert wire.call("DELETE").status_code == 204
    document = refused(wire.call("GET", "a"), 404, "NoSuchBucket")
    assert document.findtext("BucketName") == wire.bucket


@pytest.mark.parametrize("name", ["ab", "UPPER", "a_b", "-ab", "ab-", "a" * 64, ".."])
def test_bucket_names_are_oss_own(wire: Wire, name: str) -> None:
    document = refused(wire.call("PUT", bucket=name), 400, "InvalidBucketName")
    assert document.findtext("BucketName") == name
