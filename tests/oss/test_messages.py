"""OSS's XML messages: built, parsed, and refused when they are malformed."""

import base64
from datetime import UTC, datetime

import pytest

from uploads.oss import errors, messages
from uploads.oss.errors import Busy, Denied, Malformed, NotFound, Refused
from uploads.oss.messages import CorsConfiguration, CorsRule, OpenUpload, Part

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def test_list_of_parts() -> None:
    body = f"""{HEAD}<ListPartsResult><EncodingType>url</EncodingType><Key>a%20b</Key><UploadId>U</UploadId>
    <NextPartNumberMarker>2</NextPartNumberMarker><IsTruncated>true</IsTruncated>
    <Part><PartNumber>1</PartNumber><ETag>"AB"</ETag><HashCrc64ecma>18446744073709551615</HashCrc64ecma>
    <Size>102400</Size></Part>
    <Part><PartNumber>2</PartNumber><ETag>&quot;CD&quot;</ETag><Size>7</Size></Part></ListPartsResult>"""
    page = messages.parse_parts(body.encode())
    assert page.parts == (Part(1, "AB", 102400, 2**64 - 1), Part(2, "CD", 7, None))
    assert page.next_marker == 2


def test_page_of_uploads() -> None:
    body = f"""{HEAD}<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
    <NextKeyMarker>a%20b</NextKeyMarker><NextUploadIdMarker>U</NextUploadIdMarker>
    <Upload><Key>a%20b</Key><UploadId>U</UploadId><Initiated>2026-01-15T08:30:00.000Z</Initiated></Upload>
    <CommonPrefixes><Prefix>p%2F</Prefix></CommonPrefixes></ListMultipartUploadsResult>"""
    page = messages.parse_uploads(body.encode())
    assert page.uploads == (OpenUpload("a b", "U", datetime(2026, 1, 15, 8, 30, tzinfo=UTC)),)
    assert (page.prefixes, page.next_marker) == (("p/",), ("a b", "U"))
    with pytest.raises(Malformed):
        messages.parse_uploads(body.replace("2026-01-15T08:30:00.000Z", "yesterday").encode())


def test_page_of_objects_keeps_white_space_in_keys() -> None:
    body = f"""{HEAD}<ListBucketResult><IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken>
    <Contents><Key> a </Key><LastModified>2026-01-15T08:30:00.000Z</LastModified><ETag>"E"</ETag>
    <Size>5</Size></Contents>
    <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>"""
    listed = messages.ListedObject(" a ", "E", 5, datetime(2026, 1, 15, 8, 30, tzinfo=UTC))
    page = messages.parse_objects(body.encode())
    assert page == messages.ObjectPage((listed,), ("p/",), "")
    assert page.keys == (" a ",)


def test_last_page_of_parts_may_have_an_empty_marker() -> None:
    body = f"{HEAD}<ListPartsResult><NextPartNumberMarker/><IsTruncated>false</IsTruncated></ListPartsResult>"
    assert messages.parse_parts(body.encode()) == messages.PartPage((), None)


def test_the_body_of_complete_is_that_of_the_manual() -> None:
    body = messages.build_complete([Part(1, "AB"), Part(2, "CD")]).decode()
    assert body.endswith(
        '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"AB"</ETag></Part>'
        '<Part><PartNumber>2</PartNumber><ETag>"CD"</ETag></Part></CompleteMultipartUpload>'
    )


def test_a_namespace_is_ignored() -> None:
    body = f"""{HEAD}<CompleteMultipartUploadResult xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com">
    <Location>http://b.oss.com/a</Location><ETag>"E-2"</ETag></CompleteMultipartUploadResult>"""
    assert messages.parse_complete(body.encode()) == ("E-2", "http://b.oss.com/a")


def test_a_cors_configuration_that_is_built_can_be_parsed() -> None:
    rules = (
        CorsRule(("https://a.example", "https://*.b.example"), ("PUT", "GET"), ("*",), ("ETag",), 600),
        CorsRule(("*",), ("GET",)),
    )
    configuration = CorsConfiguration(rules, response_vary=True)
    assert messages.parse_cors(messages.build_cors(configuration)) == configuration


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"<ListPartsResult><Part><PartNumber>x</PartNumber></Part></ListPartsResult>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><ListPartsResult>&a;</ListPartsResult>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><ListPartsResult/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="x-no-such"?><ListPartsResult/>',
        b'<?xml version="1.0" encoding="gb18030"?><ListPartsResult/>',
        b"<ListPartsResult>" + b"<a>" * 100 + b"</a>" * 100 + b"</ListPartsResult>",
    ],
)
def test_any_other_document_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        messages.parse_parts(body)


ERROR = f"""{HEAD}<Error><Code>NoSuchUpload</Code><Message>gone</Message><RequestId>R1</RequestId>
<HostId>h</HostId><UploadId>U</UploadId><EC>0042-00000002</EC></Error>""".encode()


def test_an_error_keeps_code_ec_and_request_id() -> None:
    error = errors.from_answer(404, {"x-oss-request-id": "R0"}, ERROR, "ListParts")
    assert isinstance(error, NotFound)
    assert (error.code, error.ec, error.request_id, error.status) == ("NoSuchUpload", "0042-00000002", "R1", 404)
    assert str(error) == "gone (ListParts, NoSuchUpload, request id R1)"


def test_the_error_of_head_is_in_the_headers() -> None:
    error = errors.from_answer(404, {"x-oss-err": base64.b64encode(ERROR).decode()}, b"")
    assert (error.code, error.ec) == ("NoSuchUpload", "0042-00000002")
    error = errors.from_answer(403, {"x-oss-ec": "0003-00000001"}, b"")
    assert (error.code, error.ec) == ("AccessDenied", "0003-00000001")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (403, b"", Denied, "AccessDenied"),
        (404, b"", NotFound, "NoSuchKey"),
        (503, b"<html/>", Busy, "ServiceUnavailable"),
        (400, b"<Error><Code>RequestTimeout</Code></Error>", Busy, "RequestTimeout"),
        (409, b"<Error><Code>FileAlreadyExists</Code></Error>", Refused, "FileAlreadyExists"),
        (418, b"", Refused, "HTTP418"),
    ],
)
def test_the_class_of_an_error_follows_from_its_status(status: int, body: bytes, kind: type, code: str) -> None:
    error = errors.from_answer(status, {}, body)
    assert type(error) is kind
    assert error.code == code
    assert error.retryable == (kind is Busy)
