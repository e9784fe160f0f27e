"""The signer against the vendor's own signers, on keys and headers that hypothesis finds."""

import os
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import oss2
import oss2.auth
from alibabacloud_oss_v2 import credentials as v2_credentials
from alibabacloud_oss_v2 import types as v2_types
from alibabacloud_oss_v2.signer.v4 import SignerV4
from hypothesis import given, settings
from hypothesis import strategies as st

from uploads.oss import signing
from uploads.oss.endpoint import Endpoint
from uploads.oss.signing import Credentials, OssRequest, SigningContext

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60)
KEYS = TEXT.filter(lambda key: key[0] not in "/\\")
META = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
EXAMPLES = 500 * int(os.environ.get("FUZZ_SCALE") or 1)


@settings(max_examples=EXAMPLES, deadline=None)
@given(key=KEYS, number=st.integers(1, 10_000), token=st.none() | META, content_type=st.none() | META)
def test_agrees_with_alibabacloud_oss_v2(key: str, number: int, token: str | None, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    address = Endpoint("https://oss-cn-hangzhou.aliyuncs.com").url_of("bucket", key)
    query = [("partNumber", str(number)), ("uploadId", "0004B9894A22E5B1888A1E29F8236E2D")]
    context = SigningContext(Credentials("id", "secret", token), "cn-hangzhou", NOW)
    ours = signing.presign(context, OssRequest("PUT", "bucket", key, query, headers), address, 900)
    request = v2_types.HttpRequest("PUT", f"{address}?partNumber={number}&uploadId={query[1][1]}", headers=headers)
    theirs = v2_types.SigningContext(
        product="oss",
        region="cn-hangzhou",
        bucket="bucket",
        key=key,
        request=request,
        credentials=v2_credentials.Credentials("id", "secret", token),
        signing_time=NOW,
    )
    theirs.expiration_time = NOW + timedelta(seconds=900)
    theirs.auth_method_query = True
    SignerV4().sign(theirs)
    assert dict(parse_qsl(urlsplit(ours).query, True)) == dict(parse_qsl(urlsplit(request.url).query, True))


@settings(max_examples=EXAMPLES, deadline=None)
@given(key=KEYS, number=st.integers(1, 10_000))
def test_agrees_with_oss2(key: str, number: int) -> None:
    given, query = {"x-oss-meta-a": "b", "Content-Type": "video/mp4"}, {"partNumber": str(number), "uploadId": "U"}
    request = oss2.http.Request(
        "PUT", "https://example", params=query, headers=dict(given), region="cn-hangzhou", product="oss"
    )
    oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider("id", "secret"))._sign_request(
        request, "bucket", key
    )
    now = datetime.strptime(request.headers["x-oss-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    context = SigningContext(Credentials("id", "secret"), "cn-hangzhou", now)
    sent = signing.authorization(context, OssRequest("PUT", "bucket", key, query.items(), given))
    assert signature_of(sent["Authorization"]) == signature_of(request.headers["authorization"])


def signature_of(authorization: str) -> str:
    return authorization.partition("Signature=")[2].partition(",")[0]
