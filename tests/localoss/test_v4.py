"""Signature version 4: requests recorded from SDKs are accepted, invalid ones get the errors of OSS."""

import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.localoss.support import Wire, refused
from tests.vectors_reader import vectors
from uploads.localoss.auth import identify
from uploads.localoss.config import Config
from uploads.localoss.errors import Refusal
from uploads.localoss.keys import AccessKey, KeyRing
from uploads.localoss.request import Request, from_environ
from uploads.oss import signing
from uploads.oss.signing import Credentials, OssRequest, SigningContext, authorization, presign

LONG = AccessKey("LTAI5tExampleKeyId", "ExampleSecretForTestsOnly0000000")
TOKEN = "CAISExampleFakeToken/with+plus/and=equals=="
TEMPORARY_SECRET = "ExampleTempSecretForTestsOnly0000000000000000"


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def request(method: str, target: str, headers: Mapping[str, str], config: Config) -> Request:
    """As the server makes one of what it read from a socket: header bytes dressed as Latin-1."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "RAW_URI": target, "wsgi.input": io.BytesIO()}
    for name, value in headers.items():
        variable = name.upper().replace("-", "_")
        prefix = "" if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_"
        environ[prefix + variable] = value.encode().decode("latin-1")
    return from_environ(environ, config, "0" * 24)


def target_of(url: str) -> tuple[str, str]:
    """Host and request target, nothing decoded on the way."""
    rest = url.partition("://")[2]
    host, slash, target = rest.partition("/")
    return host, slash + target


CASES = vectors("v4_verification_cases")["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_signed_url_is_judged_as_oss_judges_it(case: dict[str, Any]) -> None:
    server, sent, expected = case["server"], case["request"], case["expected"]
    expires = moment(server.get("token_expires", "20260115T120000Z"))
    keys = KeyRing([LONG, AccessKey("STS.NExampleTempKeyId", TEMPORARY_SECRET, TOKEN, expires)])
    config = Config(root=Path("unused"), region=server["region"])
    received = request(sent["method"], sent["target"], sent["headers"], config)
    if expected["outcome"] == "accept":
        assert identify(received, config, keys, moment(server["now"])).key is not None
        return
    with pytest.raises(Refusal) as caught:
        identify(received, config, keys, moment(server["now"]))
    assert caught.value.code in expected["codes"]
    assert (caught.value.status, caught.value.ec) == (expected["http_status"], expected["ec"])


WIRE = [case for case in vectors("sdk_wire_requests")["requests"] if case["signature_version"] == "v4"]


@pytest.mark.parametrize("case", WIRE, ids=[case["id"] for case in WIRE])
def test_what_an_sdk_sent_is_accepted(case: dict[str, Any]) -> None:
    config = Config(root=Path("unused"))
    headers = {name.lower(): value for name, value in case["headers"]}
    query = {name: values[0] for name, values in parse_qs(urlsplit(case["target"]).query).items()}
    now = moment(query.get("x-oss-date") or headers["x-oss-date"])
    credential = query.get("x-oss-credential") or headers["authorization"].partition("Credential=")[2]
    key = AccessKey(credential.partition("/")[0], case["access_key_secret"], case["security_token"])
    received = request(case["method"], case["target"], headers, config)
    assert identify(received, config, KeyRing([key]), now).key == key


def keyring(given: Mapping[str, Any]) -> KeyRing:
    return KeyRing([AccessKey(given["access_key_id"], given["access_key_secret"], given["security_token"])])


def config_of(given: Mapping[str, Any]) -> Config:
    cnames = {given["host"]: given["bucket"]} if given["style"] == "cname" else {}
    domain = given["host"].partition(":")[0] if given["style"] == "path" else ""
    return Config(
        root=Path("unused"),
        region=given["region"],
        product=given["product"],
        base_domain=domain,
        cnames=cnames,
    )


URLS = [
    pytest.param(vector, sdk, id=f"{vector['id']}-{sdk}")
    for vector in vectors("v4_presigned_urls")["vectors"]
    for sdk in vector["sdk_urls"]
]


@pytest.mark.parametrize(("vector", "sdk"), URLS)
def test_url_of_every_sdk_is_accepted(vector: dict[str, Any], sdk: str) -> None:
    given = vector["input"]
    config = config_of(given)
    host, target = target_of(vector["sdk_urls"][sdk])
    received = request(given["method"], target, {**given["headers"], "Host": host}, config)
    assert (received.bucket, received.key) == (given["bucket"], given["key"])
    assert identify(received, config, keyring(given), moment(given["signing_time"])).key is not None


AUTHORIZATIONS = [
    pytest.param(vector, sdk, id=f"{vector['id']}-{sdk}")
    for vector in vectors("v4_header_authorization")["vectors"]
    for sdk in vector["sdk_authorizations"]
]


@pytest.mark.parametrize(("vector", "sdk"), AUTHORIZATIONS)
def test_authorization_of_every_sdk_is_accepted(vector: dict[str, Any], sdk: str) -> None:
    given, expected = vector["input"], vector["expected"]
    config = config_of(given)
    host, target = target_of(expected["url"])
    headers = {**expected["headers_sent"], "Authorization": vector["sdk_authorizations"][sdk], "Host": host}
    received = request(given["method"], target, headers, config)
    assert identify(received, config, keyring(given), moment(given["signing_time"])).key is not None


def test_signature_of_another_day_or_key_is_refused() -> None:
    """The vectors above pass for the right reason: one changed byte of a signature and none does."""
    vector = vectors("v4_header_authorization")["vectors"][0]
    given, expected = vector["input"], vector["expected"]
    value = expected["headers_sent"]["Authorization"]
    broken = value[:-1] + ("0" if value[-1] != "0" else "1")
    config = config_of(given)
    host, target = target_of(expected["url"])
    received = request(
        given["method"], target, {**expected["headers_sent"], "Authorization": broken, "Host": host}, config
    )
    with pytest.raises(Refusal) as caught:
        identify(received, config, keyring(given), moment(given["signing_time"]))
    assert (caught.value.code, caught.value.ec) == ("SignatureDoesNotMatch", "0002-00000201")
    assert caught.value.fields["CanonicalRequest"] == expected["canonical_request"]
    assert caught.value.fields["StringToSign"] == expected["string_to_sign"]


def test_url_expires(wire: Wire) -> None:
    wire.put("a", b"x")
    past = datetime.now(UTC) - timedelta(seconds=120)
    assert wire.target("GET", wire.presigned("GET", "a", expires=300, now=past), {}).status_code == 200
    document = refused(wire.target("GET", wire.presigned("GET", "a", expires=60, now=past), {}), 403, "AccessDenied")
    assert document.findtext("Message") == "Request has expired."
    assert document.findtext("EC") == "0002-00000069"
    for name in ("Expires", "ServerTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", document.findtext(name) or "")
    ahead = datetime.now(UTC) + timedelta(minutes=16)
    refused(wire.target("GET", wire.presigned("GET", "a", now=ahead), {}), 403, "AccessDenied")


def test_clock_may_differ_by_fifteen_minutes(wire: Wire) -> None:
    wire.put("a", b"x")
    now = datetime.now(UTC)
    for minutes in (-14, 14):
        assert wire.call("GET", "a", now=now + timedelta(minutes=minutes)).status_code == 200
    for minutes in (-16, 16):
        document = refused(wire.call("GET", "a", now=now + timedelta(minutes=minutes)), 403, "RequestTimeTooSkewed")
        assert document.findtext("MaxAllowedSkewMilliseconds") == "900000"
        assert document.findtext("RequestTime")
        assert document.findtext("ServerTime")
        assert document.findtext("EC") == "0002-00000504"


def test_additional_header_that_is_declared_must_be_sent(wire: Wire) -> None:
    request = OssRequest("GET", wire.bucket, "a", headers={"range": "bytes=0-1"}, additional=["range"])
    target = presign(wire.context(), request, f"/{wire.bucket}/a", 60)
    wire.put("a", b"xyz")
    assert wire.target("GET", target, {"Range": "bytes=0-1"}).content == b"xy"
    refused(wire.target("GET", target, {"Range": "bytes=0-2"}), 403, "SignatureDoesNotMatch")
    assert refused(wire.target("GET", target, {}), 400, "InvalidArgument").findtext("ArgumentValue") == "range"


@pytest.mark.parametrize(
    ("date", "message"), [("00010101", "Request has expired."), ("99991231", "Request is not valid yet.")]
)
def test_url_of_another_date_is_refused(wire: Wire, date: str, message: str) -> None:
    now = datetime.now(UTC)
    target = wire.presigned("GET", "a", now=now).replace(now.strftime("%Y%m%d"), date)
    assert refused(wire.target("GET", target, {}), 403, "AccessDenied").findtext("Message") == message


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -2359", "soon", ""])
def test_date_must_be_valid(wire: Wire, date: str) -> None:
    sent = authorization(wire.context(), OssRequest("GET", wire.bucket, "a"))
    del sent["x-oss-date"]
    document = refused(wire.target("GET", f"/{wire.bucket}/a", sent | {"Date": date}), 403, "AccessDenied")
    assert document.findtext("Message") == "OSS authentication requires a valid Date."


def test_tampering_is_refused_and_explained(wire: Wire) -> None:
    target = wire.presigned("PUT", "a")
    for changed, headers in (
        (target.replace("/a?", "/b?"), {}),
        (target.replace("x-oss-expires=60", "x-oss-expires=600"), {}),
        (f"{target}&partNumber=1", {}),
        (target, {"Content-Type": "text/plain"}),
        (target, {"x-oss-object-acl": "public-read"}),
    ):
        document = refused(wire.target("PUT", changed, headers, b"x"), 403, "SignatureDoesNotMatch")
        assert document.findtext("EC") == "0002-00000040"
        assert (document.findtext("CanonicalRequest") or "").startswith("PUT\n/")
        assert (document.findtext("StringToSign") or "").startswith("OSS4-HMAC-SHA256\n")
        assert wire.credentials.access_key_secret not in "".join(document.itertext())
    refused(wire.target("GET", target, {}), 403, "SignatureDoesNotMatch")
    wrong = Credentials(wire.credentials.access_key_id, "wrong")
    document = refused(wire.call("GET", "a", credentials=wrong), 403, "SignatureDoesNotMatch")
    assert document.findtext("EC") == "0002-00000201"
    assert (document.findtext("OSSAccessKeyId")) == wire.credentials.access_key_id
    refused(wire.call("GET", "a", credentials=Credentials("nobody", "x")), 403, "InvalidAccessKeyId")
    refused(wire.call("HEAD", "a"), 404, "NoSuchKey")


def test_other_region_and_other_forms_are_refused(wire: Wire) -> None:
    context = SigningContext(wire.credentials, "cn-beijing", datetime.now(UTC))
    headers = authorization(context, OssRequest("GET", wire.bucket, "a"))
    document = refused(wire.target("GET", f"/{wire.bucket}/a", headers), 400, "InvalidArgument")
    assert document.findtext("EC") == "0002-00000226"
    both = wire.call("GET", "a", [("x-oss-signature-version", "OSS4-HMAC-SHA256")])
    refused(both, 400, "InvalidRequest")
    for value in ("OSS4-HMAC-SHA256", "OSS4-HMAC-SHA256 Credential=a/b", "Bearer x", ""):
        refused(wire.call("GET", "a", signed=False, unsigned={"Authorization": value}), 400, "InvalidArgument")
    refused(wire.call("GET", "a", signed=False, unsigned={"Authorization": "OSS a:b"}), 403, "AccessDenied")


def test_date_header_may_be_signed_in_place_of_x_oss_date(wire: Wire) -> None:
    """As the Go SDK V1 does: it signs the text of the header as it stands, with the day of that date."""
    wire.put("a", b"hello")
    now = datetime.now(UTC)
    early = now - timedelta(minutes=16)

    def sent(signed_date: str, at: datetime = now) -> dict[str, str]:
        scope = signing.Scope(at.strftime("%Y%m%d"), wire.server.region, "oss")
        headers = {"x-oss-content-sha256": signing.UNSIGNED_PAYLOAD}
        canonical = signing.canonical_request(
            "GET",
            signing.canonical_uri(wire.bucket, "a"),
            "",
            *signing.canonical_headers(headers, ()),
            signing.UNSIGNED_PAYLOAD,
        )
        text = signing.string_to_sign(canonical, signed_date, scope)
        signature = signing.signature(signing.signing_key(wire.credentials.access_key_secret, scope), text)
        credential = f"{wire.credentials.access_key_id}/{scope}"
        return {
            **headers,
            "Date": format_datetime(at, usegmt=True),
            "Authorization": f"{signing.ALGORITHM} Credential={credential},Signature={signature}",
        }

    assert wire.target("GET", f"/{wire.bucket}/a", sent(format_datetime(now, usegmt=True))).content == b"hello"
    refused(wire.target("GET", f"/{wire.bucket}/a", sent(signing.timestamp(now))), 403, "SignatureDoesNotMatch")
    signed = sent(format_datetime(early, usegmt=True), early)  # It may be the day before.
    refused(wire.target("GET", f"/{wire.bucket}/a", signed), 403, "RequestTimeTooSkewed")
