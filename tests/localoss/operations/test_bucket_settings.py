"""Default encryption, storage class, tags, who pays, statistics, and what GetBucketInfo tells."""

from dataclasses import replace

import pytest

from tests.localoss import forms
from tests.localoss.support import SMALLEST, Wire, bytes_of, refused, result
from uploads.oss import post

ENCRYPTION = [("encryption", "")]
PAYMENT = [("requestPayment", "")]
TAGGING = [("tagging", "")]
ALGORITHM = "x-oss-server-side-encryption"


def encryption(inner: str) -> bytes:
    rule = f"<ApplyServerSideEncryptionByDefault>{inner}</ApplyServerSideEncryptionByDefault>"
    return f"<ServerSideEncryptionRule>{rule}</ServerSideEncryptionRule>".encode()


def tagging(*names: str) -> bytes:
    tags = "".join(f"<Tag><Key>{name}</Key><Value>v&amp;{name}</Value></Tag>" for name in names)
    return f"<Tagging><TagSet>{tags}</TagSet></Tagging>".encode()


def test_new_objects_get_the_bucket_s_encryption(wire: Wire) -> None:
    refused(wire.call("GET", query=ENCRYPTION), 404, "NoSuchServerSideEncryptionRule")
    rule = encryption("<SSEAlgorithm>KMS</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>")
    assert wire.call("PUT", query=ENCRYPTION, content=rule).status_code == 200
    shown = result(wire.call("GET", query=ENCRYPTION), "ServerSideEncryptionRule")
    assert shown.findtext("ApplyServerSideEncryptionByDefault/KMSMasterKeyID") == "key-1"
    info = result(wire.call("GET", query=[("bucketInfo", "")]), "BucketInfo")
    assert info.findtext("Bucket/ServerSideEncryptionRule/SSEAlgorithm") == "KMS"
    expected = {ALGORITHM: "KMS", f"{ALGORITHM}-key-id": "key-1"}
    assert expected.items() <= wire.put("a", b"x").headers.items()
    upload = wire.initiate("b")
    wire.parts("b", upload, [b"x"])
    assert expected.items() <= wire.complete("b", upload, b"", {"x-oss-complete-all": "yes"}).headers.items()
    own = wire.put("own", b"x", {ALGORITHM: "AES256"})
    assert (own.headers[ALGORITHM], f"{ALGORITHM}-key-id" in own.headers) == ("AES256", False)
    assert wire.call("DELETE", query=ENCRYPTION).status_code == 204
    assert ALGORITHM not in wire.put("c", b"x").headers
    assert expected.items() <= wire.call("HEAD", "a").headers.items(), "what is stored stays as it is"


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("<SSEAlgorithm>DES</SSEAlgorithm>", "InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>", "InvalidArgument"),
        ("<KMSMasterKeyID>k</KMSMasterKeyID>", "MalformedXML"),
    ],
)
def test_a_rule_that_is_not_valid_is_refused(wire: Wire, inner: str, code: str) -> None:
    refused(wire.call("PUT", query=ENCRYPTION, content=encryption(inner)), 400, code)


def test_new_objects_get_the_bucket_s_storage_class(wire: Wire) -> None:
    name = f"{wire.bucket}-ia"
    body = b"<CreateBucketConfiguration><StorageClass>IA</StorageClass></CreateBucketConfiguration>"
    assert wire.call("PUT", bucket=name, content=body).status_code == 200
    wire.call("PUT", "a", bucket=name, content=b"x")
    wire.call("PUT", "own", bucket=name, headers={"x-oss-storage-class": "Archive"}, content=b"x")
    started = wire.call("POST", "b", [("uploads", "")], bucket=name)
    upload = started.text.partition("<UploadId>")[2].partition("<")[0]
    wire.call("PUT", "b", [("partNumber", "1"), ("uploadId", upload)], bucket=name, content=b"x")
    wire.call("POST", "b", [("uploadId", upload)], {"x-oss-complete-all": "yes"}, bucket=name)
    classes = {key: wire.call("HEAD", key, bucket=name).headers["x-oss-storage-class"] for key in ("a", "b", "own")}
    assert classes == {"a": "IA", "b": "IA", "own": "Archive"}
    assert wire.call("PUT", bucket=name).status_code == 200, "its owner may repeat it"
    other = body.replace(b"IA", b"Archive")
    refused(wire.call("PUT", bucket=name, content=other), 409, "BucketAlreadyExists")


def test_tags_are_kept_replaced_and_deleted(wire: Wire) -> None:
    def names() -> list[str | None]:
        return [key.text for key in result(wire.call("GET", query=TAGGING), "Tagging").iterfind("TagSet/Tag/Key")]

    assert names() == []
    for given in (["a"], ["b", "c d", "e"]):
        assert wire.call("PUT", query=TAGGING, content=tagging(*given)).status_code == 200
        assert names() == given
    assert wire.call("DELETE", query=[("tagging", "b,e")]).status_code == 204
    assert names() == ["c d"]
    assert wire.call("DELETE", query=TAGGING).status_code == 204
    assert names() == []
    for wrong in ([], ["a", "a"], ["x" * 65], [f"t{number}" for number in range(21)]):
        refused(wire.call("PUT", query=TAGGING, content=tagging(*wrong)), 400, "InvalidTag")


def test_anonymous_requests_end_where_the_requester_pays(wire: Wire) -> None:
    wire.call("PUT", query=[("acl", "")], headers={"x-oss-acl": "public-read-write"})
    wire.put("a", b"x")
    assert result(wire.call("GET", query=PAYMENT), "RequestPaymentConfiguration").findtext("Payer") == "BucketOwner"
    body = "<RequestPaymentConfiguration><Payer>{}</Payer></RequestPaymentConfiguration>"
    refused(wire.call("PUT", query=PAYMENT, content=body.format("Nobody").encode()), 400, "MalformedXML")
    assert wire.call("PUT", query=PAYMENT, content=body.format("Requester").encode()).status_code == 200
    refused(wire.call("GET", "a", signed=False), 403, "AccessDenied")
    refused(wire.call("PUT", "b", content=b"y", signed=False), 403, "AccessDenied")
    assert wire.call("GET", "a").status_code == 200, "the owner need not say that it pays"
    assert wire.call("PUT", query=PAYMENT, content=body.format("BucketOwner").encode()).status_code == 200
    assert wire.call("GET", "a", signed=False).status_code == 200


def test_statistics_count_what_is_there(wire: Wire) -> None:
    wire.put("a", b"12345")
    wire.put("b", b"123", {"x-oss-storage-class": "IA"})
    wire.parts("c", wire.initiate("c"), [bytes_of(SMALLEST, 1), b"x"])
    stat = result(wire.call("GET", query=[("stat", "")]), "BucketStat")
    expected = {
        "Storage": "8", "ObjectCount": "2", "MultipartUploadCount": "1", "MultipartPartCount": "2",
        "StandardStorage": "5", "StandardObjectCount": "1", "InfrequentAccessStorage": "65536",
        "InfrequentAccessRealStorage": "3", "InfrequentAccessObjectCount": "1", "DeleteMarkerCount": "0",
    }  # fmt: skip
    assert {tag: stat.findtext(tag) for tag in expected} == expected


def test_the_info_has_all_documented_fields(wire: Wire) -> None:
    """OSS manual: "GetBucketInfo"."""
    info = result(wire.call("GET", query=[("bucketInfo", "")]), "BucketInfo")
    shown = {element.tag: element.text for element in info.find("Bucket") or ()}
    assert {"CreationDate", "ExtranetEndpoint", "IntranetEndpoint", "Comment", "BucketPolicy", "Owner"} <= shown.keys()
    expected = {
        "Location": "oss-cn-hangzhou", "Name": wire.bucket, "StorageClass": "Standard", "DataRedundancyType": "LRS",
        "AccessMonitor": "Disabled", "TransferAcceleration": "Disabled", "CrossRegionReplication": "Disabled",
        "BlockPublicAccess": "false", "ResourceGroupId": "rg-acfmy7mo47b3adq",
    }  # fmt: skip
    assert {tag: shown[tag] for tag in expected} == expected
    assert info.findtext("Bucket/ServerSideEncryptionRule/SSEAlgorithm") == "None"


def test_a_bucket_in_another_region_is_answered_by_its_own_endpoint_alone(wire: Wire) -> None:
    """EC 0003-00001403, and OSS manual: "GetBucketInfo" for the operation that every endpoint answers."""
    name, host = f"{wire.bucket}-bj", "oss-cn-beijing.aliyuncs.com"
    there = {"unsigned": {"Host": f"{name}.{host}"}, "bucket": name, "region": "cn-beijing"}
    assert wire.call("PUT", **there).status_code == 200
    assert wire.call("PUT", "a", content=b"x", **there).status_code == 200
    fields = post.signed_fields(replace(wire.context(), region="cn-beijing"), name, {"key": "form"}, (0, 1000), 60)
    form = {"Host": f"{name}.{host}", "Content-Type": forms.TYPE}
    assert wire.target("POST", "/", form, forms.body_of(fields, b"x")).status_code == 204
    elsewhere = refused(wire.call("PUT", "a", bucket=name, content=b"x"), 403, "AccessDenied")
    assert [elsewhere.findtext(tag) for tag in ("Bucket", "Endpoint", "EC")] == [name, host, "0003-00001403"]
    refused(wire.call("PUT", bucket=name), 409, "BucketAlreadyExists")
    info = result(wire.call("GET", query=[("bucketInfo", "")], bucket=name), "BucketInfo")
    assert info.findtext("Bucket/ExtranetEndpoint") == host
    assert info.findtext("Bucket/IntranetEndpoint") == "oss-cn-beijing-internal.aliyuncs.com"
    location = result(wire.call("GET", query=[("location", "")], **there), "LocationConstraint")
    assert location.text == "oss-cn-beijing"


def test_no_bucket_has_live_channels(wire: Wire) -> None:
    """The vendor's suites list them before they delete a bucket."""
    query = [("live", ""), ("prefix", "a"), ("max-keys", "7")]
    shown = result(wire.call("GET", query=query), "ListLiveChannelResult")
    found = {child.tag: child.text for child in shown}
    assert found == {"Prefix": "a", "Marker": None, "MaxKeys": "7", "IsTruncated": "false"}
    refused(wire.call("PUT", "a", query=[("live", "")]), 501, "NotImplemented")
