"""Random requests get an OSS response, never a 500, and no file is written outside the data directory.

Rule: one server takes all of a process; what is found is written down as a test of its own. Each test counts its own
requests: processes that share the tests may each have some of them.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import http
from tests.localoss.support import Wire, check_disk, raw
from uploads.oss import post

SCALE = int(os.environ.get("FUZZ_SCALE") or 1)
SENT: Counter[str] = Counter()
"""Answers to the test that is running, by status."""
LEAST: dict[str, tuple[int, set[str]]] = {}
"""By test: how many requests it must send, and which answers it must get: they got past the door."""


def enough(examples: int, *statuses: int) -> Callable[[Any], Any]:
    """So many examples for a test, with these statuses among the answers."""
    limits = settings(
        max_examples=examples * SCALE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )

    def decorate(test: Any) -> Any:
        LEAST[test.__name__] = examples * SCALE, set(map(str, statuses))
        return limits(test)

    return decorate


@pytest.fixture(autouse=True)
def counted(request: pytest.FixtureRequest, private: Wire) -> Iterator[None]:
    """It was enough, and nothing was written elsewhere."""
    private.put("keeps the bucket from being deleted", b"x")  # Without it all that follows would be NoSuchBucket.
    SENT.clear()
    yield
    least, statuses = LEAST[request.node.originalname]
    assert sum(SENT.values()) >= least, SENT
    assert statuses <= SENT.keys(), SENT
    private.put("a", b"x")
    check_disk(private)


def answered(answer: httpx.Response) -> None:
    """By us, on purpose."""
    SENT[str(answer.status_code)] += 1
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    assert len(answer.headers["x-oss-request-id"]) == 24


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split())


ANYTHING = st.text(st.characters(codec="utf-8"), max_size=20)
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20).map(str.strip)
METHODS = words("GET HEAD PUT POST DELETE OPTIONS PATCH TRACE")
KEYS = st.one_of(st.sampled_from(["", "there", "a/b", "..", "/"]), st.text(st.characters(codec="utf-8"), max_size=30))

NAMES = words(
    "uploads uploadId partNumber cors acl max-parts part-number-marker max-uploads key-marker upload-id-marker "
    "encoding-type prefix delimiter bucketInfo objectMeta response-expires max-keys marker x-oss-date list-type "
    "lifecycle tagging delete location continuation-token start-after fetch-owner sequential callback callback-var "
    "x-oss-traffic-limit x-oss-process versionId x-oss-signature-version Signature Action symlink append position"
)
VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "1", "2", "1000", "url", "a/", "-1", "9" * 30, "\x00", "e30=", "OSS4-HMAC-SHA256", "819200"]
    ),
    ANYTHING,
)
HEADER_NAMES = words(
    "content-type content-md5 x-oss-meta-a x-oss-object-acl x-oss-acl x-oss-tagging x-oss-forbid-overwrite range "
    "x-oss-storage-class x-oss-complete-all if-match if-none-match if-modified-since if-unmodified-since origin "
    "x-oss-server-side-encryption x-oss-range-behavior access-control-request-method x-oss-security-token "
    "x-oss-copy-source x-oss-copy-source-range x-oss-copy-source-if-match x-oss-metadata-directive x-oss-callback "
    "x-oss-callback-var x-oss-traffic-limit x-oss-server-side-encryption-key-id x-oss-tagging-directive expires "
    "x-oss-allow-same-action-overlap x-oss-additional-headers x-oss-content-sha256 content-encoding"
)
HEADER_VALUES = st.one_of(
    st.sampled_from(
        "yes true bytes=0- bytes=-0 bytes=5-1 * AES256 KMS a=b a=b&a=c /demo-bucket/there /demo-bucket/%FF e30= 819200 "
        "public-read REPLACE Archive http://a Fri,_99_Foo_0000_99:99:99_GMT".replace("_", "\u00a0").split(" ")
    ),
    PRINTABLE,
)

TAGS = words(
    "CORSConfiguration CORSRule AllowedOrigin AllowedMethod AllowedHeader ExposeHeader MaxAgeSeconds ResponseVary "
    "CompleteMultipartUpload Part PartNumber ETag Delete Quiet Object Key Tagging TagSet Tag Value "
    "LifecycleConfiguration Rule ID Prefix Status Expiration Days CreatedBeforeDate AbortMultipartUpload Filter Not "
    "Transition StorageClass CreateBucketConfiguration"
)
TEXTS = st.one_of(words("* GET PUT 1 0 -1 10001 Enabled Disabled true there 2020-01-01T00:00:00.000Z x IA"), PRINTABLE)
ELEMENTS: st.SearchStrategy[str] = st.recursive(
    st.builds(lambda tag, text: f"<{tag}>{text.replace('&', '&amp;').replace('<', '&lt;')}</{tag}>", TAGS, TEXTS),
    lambda inner: st.builds(
        lambda tag, children: f"<{tag}>{''.join(children)}</{tag}>", TAGS, st.lists(inner, max_size=4)
    ),
    max_leaves=12,
)
BOMB = (
    '<!DOCTYPE a [<!ENTITY b "'
    + "x" * 100
    + '"><!ENTITY c "'
    + "&b;" * 100
    + '"><!ENTITY d SYSTEM "file:///etc/passwd">]>'
    "<Delete><Object><Key>&c;&d;</Key></Object></Delete>"
)
BODIES = st.one_of(
    st.binary(max_size=64),
    ELEMENTS.map(str.encode),
    st.sampled_from(
        [BOMB.encode(), BOMB.encode("utf-16"), b"<a>" * 5000, b'<?xml version="1.0" encoding="cp037"?><a/>']
    ),
)


@enough(800, 200, 204, 400, 404)
@given(
    method=METHODS,
    key=KEYS,
    query=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    headers=st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=4),
    body=BODIES,
)
def test_whatever_is_signed_is_answered(
    private: Wire, method: str, key: str, query: list[tuple[str, str]], headers: dict[str, str], body: bytes
) -> None:
    answered(private.call(method, key, query, headers, body))


ROOTS = words("cors lifecycle tagging delete uploadId acl")


@enough(220, 200, 400)
@given(method=words("PUT POST"), subresource=ROOTS, key=st.sampled_from(["", "there"]), body=BODIES)
def test_whatever_document_is_sent_is_answered(
    private: Wire, method: str, subresource: str, key: str, body: bytes
) -> None:
    private.put("there", b"x")
    SENT["200"] += 1
    answered(private.call(method, key, [(subresource, "1" if subresource == "uploadId" else "")], content=body))


PIECES = st.one_of(
    st.sampled_from(
        [b"/", b"?", b"&", b"=", b"%", b"%2F", b"%00", b"..", b"//", b"#", b"demo-bucket", b"uploads", b"/-/"]
    ),
    st.sampled_from([b"faults", b"callback_pub_key.pem", b"Action=AssumeRole", b"delete"]),
    st.binary(max_size=4).map(lambda piece: quote(piece, safe="").encode()),
    st.binary(max_size=3),
)
LINES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"Content-Length: -1",
            b"Content-Length: 99999999999999999999",
            b"Content-Length: 10\r\nContent-Length: 20",
            b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Expect: 100-continue",
            b"Range: bytes=" + b"0-1," * 1000,
            b"X: " + b"a" * 15_000,
            b"Authorization: OSS",
            b"Authorization: OSS4-HMAC-SHA256 Credential=a/b/c/d/e,Signature=x",
            b"Authorization: ACS3-HMAC-SHA256 x",
            b"Content-Type: multipart/form-data; boundary=x",
        ]
    ),
)


def status_of(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert found, answer[:100]
    return int(found[1])


@enough(320, 400, 403)
@given(
    method=METHODS,
    pieces=st.lists(PIECES, max_size=12),
    lines=st.lists(LINES, max_size=3),
    host=st.sampled_from([b"127.0.0.1", b"demo-bucket.localhost", b"", b"[::1", b"\xff", b"a..b:x"]),
    body=st.binary(max_size=40),
)
def test_whatever_comes_over_the_wire_is_answered(
    private: Wire, method: str, pieces: list[bytes], lines: list[bytes], host: bytes, body: bytes
) -> None:
    head = [method.encode() + b" /" + b"".join(pieces) + b" HTTP/1.1", b"Host: " + host, b"Connection: close", *lines]
    answer = raw(private.server, b"\r\n".join(head) + b"\r\n\r\n" + body, end=True)
    SENT[str(status_of(answer.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")))] += 1
    assert not re.match(rb"HTTP/1\.1 50[0234]", answer), answer


FIELDS = st.dictionaries(
    words(
        "key policy Signature OSSAccessKeyId x-oss-signature x-oss-credential x-oss-date x-oss-signature-version "
        "x-oss-security-token success_action_status success_action_redirect x-oss-object-acl x-oss-meta-a callback "
        "x:a x-oss-content-type x-oss-forbid-overwrite x-oss-storage-class x-oss-traffic-limit content-type other"
    ),
    VALUES,
    max_size=6,
)


@enough(190, 204, 400, 403)
@given(own=FIELDS, changed=FIELDS, content=st.binary(max_size=50), cut=st.integers(0, 3000), filename=PRINTABLE)
def test_whatever_form_is_sent_is_answered(
    private: Wire, own: dict[str, str], changed: dict[str, str], content: bytes, cut: int, filename: str
) -> None:
    fields: Mapping[str, str] = {
        **post.signed_fields(private.context(), private.bucket, {"key": "there", **own}, (0, 99), 60),
        **(changed if cut % 2 else {}),
    }
    pieces = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    body = "".join([*pieces, head]).encode() + content + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answered(private.target("POST", f"/{private.bucket}", kind, body if cut > len(body) or cut % 3 else body[:cut]))


@enough(100, 400)
@given(
    given_=st.dictionaries(
        words("Action Version Format AccessKeyId Signature SignatureMethod SignatureVersion SignatureNonce Timestamp "
              "RoleArn RoleSessionName DurationSeconds Policy SecurityToken Other"),
        st.one_of(words("AssumeRole 2015-04-01 JSON XML demo-key-id HMAC-SHA1 1.0 900 -1 {}"), VALUES),
    ),
    in_body=st.booleans(),
)  # fmt: skip
def test_whatever_sts_is_asked_is_answered(private: Wire, given_: dict[str, str], in_body: bool) -> None:
    asked = {"Action": "AssumeRole", **given_}
    url = private.server.url
    answer = http.post(url, data=asked) if in_body else http.post(url, params=asked)
    answered(answer)
