"""Which differences between the required and the reported attributes of an object count."""

import pytest

from uploads.domain.attributes import attribute_differences, required_attributes

HEADERS = {
    "Content-Type": "text/plain; charset=utf-8",
    "Cache-Control": "no-cache",
    "Expires": "Thu, 15 Jan 2026 09:30:00 GMT",
    "x-oss-meta-uid": "7",
    "x-oss-forbid-overwrite": "true",
}
HELD = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-cache",
    "expires": "Thu, 15 Jan 2026 09:30:00 GMT",
    "x-oss-meta-uid": "7",
    "x-oss-storage-class": "Standard",
    "x-oss-object-acl": "default",
    "x-oss-tagging-count": "2",
    "etag": "AA",
    "x-oss-request-id": "1",
}


@pytest.mark.parametrize(
    ("held", "different"),
    [
        ({}, set()),
        ({"content-type": "Text/Plain;charset=UTF-8"}, set()),
        ({"content-type": "text/html"}, {"content-type"}),
        ({"cache-control": ""}, {"cache-control"}),
        ({"cache-control": "No-Cache "}, set()),
        ({"content-encoding": "gzip"}, {"content-encoding"}),
        ({"content-language": "en"}, {"content-language"}),
        ({"content-disposition": "attachment"}, {"content-disposition"}),
        ({"content-disposition": "attachment", "x-oss-force-download": "true"}, set()),
        ({"expires": "Thu, 15 Jan 2026 09:30:00 +0000"}, set()),
        ({"expires": "never"}, {"expires"}),
        ({"x-oss-meta-uid": "8"}, {"x-oss-meta-uid"}),
        ({"x-oss-meta-more": ""}, set()),
        ({"x-oss-meta-more": "1"}, {"x-oss-meta-more"}),
        ({"x-oss-storage-class": "Archive"}, {"x-oss-storage-class"}),
        ({"x-oss-object-acl": "public-read"}, {"x-oss-object-acl"}),
        ({"x-oss-tagging-count": "3"}, {"x-oss-tagging-count"}),
        ({"x-oss-server-side-encryption": "AES256"}, set()),
        ({"x-oss-object-type": ""}, set()),
        ({"x-oss-object-type": "Normal"}, set()),
        ({"x-oss-object-type": "Multipart"}, set()),
        ({"x-oss-object-type": "Symlink"}, {"x-oss-object-type"}),
        ({"x-oss-object-type": "Appendable"}, {"x-oss-object-type"}),
    ],
)
def test_what_differs(held: dict[str, str], different: set[str]) -> None:
    assert set(attribute_differences(required_attributes(HEADERS, "", 2), {**HELD, **held})) == different


@pytest.mark.parametrize("untold", ["x-oss-object-acl", "x-oss-tagging-count", "x-oss-storage-class"])
def test_what_oss_does_not_tell_is_not_compared(untold: str) -> None:
    required = required_attributes(HEADERS, "", 2)
    assert attribute_differences(required, {name: value for name, value in HELD.items() if name != untold}) == {}
    assert attribute_differences(required, {}) == {}


def test_the_storage_class_of_the_request_is_required() -> None:
    required = required_attributes({**HEADERS, "X-OSS-Storage-Class": "IA"}, "", 2)
    assert attribute_differences(required, {**HELD, "x-oss-storage-class": "IA"}) == {}
    assert attribute_differences(required, HELD) == {"x-oss-storage-class": ("IA", "Standard")}


def test_the_encryption_must_be_the_one_that_was_required() -> None:
    required = required_attributes({"x-oss-server-side-encryption": "KMS"}, "private", 0)
    held = {"x-oss-server-side-encryption": "AES256", "x-oss-object-acl": "private"}
    assert attribute_differences(required, held) == {"x-oss-server-side-encryption": ("KMS", "AES256")}
