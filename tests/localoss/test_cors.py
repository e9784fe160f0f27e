"""CORS: no header without rules, and with rules the headers of the first that matches."""

import httpx
import pytest

from tests.localoss.support import Wire, refused, result

ORIGIN = "https://app.example.com"
RULES = """<CORSConfiguration>
<CORSRule><AllowedOrigin>https://app.example.com</AllowedOrigin><AllowedOrigin>https://*.example.net</AllowedOrigin>
<AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod>
<AllowedHeader>Content-Type</AllowedHeader><AllowedHeader>x-oss-*</AllowedHeader>
<ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-oss-request-id</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds>
</CORSRule>
<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>
</CORSConfiguration>"""


def put_rules(wire: Wire, rules: str = RULES) -> None:
    answer = wire.call("PUT", query=[("cors", "")], content=rules.encode())
    assert answer.status_code == 200, answer.text


def preflight(wire: Wire, origin: str = ORIGIN, method: str = "PUT", headers: str = "", key: str = "a"
              ) -> httpx.Response:  # fmt: skip
    sent = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        sent["Access-Control-Request-Headers"] = headers
    return wire.call("OPTIONS", key, headers={}, unsigned=sent, signed=False)


def shared(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_rules_are_kept_replaced_and_deleted(wire: Wire) -> None:
    refused(wire.call("GET", query=[("cors", "")]), 404, "NoSuchCORSConfiguration")
    put_rules(wire)
    document = result(wire.call("GET", query=[("cors", "")]), "CORSConfiguration")
    assert [rule.findtext("AllowedOrigin") for rule in document.iterfind("CORSRule")] == [ORIGIN, "*"]
    assert [text.text for text in document.iterfind("CORSRule/AllowedHeader")] == ["content-type", "x-oss-*"]
    assert document.findtext("CORSRule/MaxAgeSeconds") == "600"
    assert document.findtext("ResponseVary") == "false"
    one = "<AllowedOrigin>https://one.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
    put_rules(wire, f"<CORSConfiguration><CORSRule>{one}</CORSRule></CORSConfiguration>")
    document = result(wire.call("GET", query=[("cors", "")]), "CORSConfiguration")
    assert [rule.findtext("AllowedOrigin") for rule in document.iterfind("CORSRule")] == ["https://one.example"]
    assert wire.call("DELETE", query=[("cors", "")]).status_code == 204
    refused(wire.call("GET", query=[("cors", "")]), 404, "NoSuchCORSConfiguration")


RULE = "<CORSRule>{}</CORSRule>"
GOOD = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ("", "MalformedXML"),
        (RULE.format("<AllowedOrigin>*</AllowedOrigin>"), "MalformedXML"),
        (RULE.format("<AllowedMethod>PUT</AllowedMethod>"), "MalformedXML"),
        (RULE.format("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>"), "InvalidArgument"),
        (RULE.format("<AllowedOrigin>*.*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"), "InvalidArgument"),
        (RULE.format(f"{GOOD}<ExposeHeader>*</ExposeHeader>"), "InvalidArgument"),
        (RULE.format(f"{GOOD}<ExposeHeader>a&#13;\nb: c</ExposeHeader>"), "InvalidArgument"),
        (RULE.format(f"{GOOD}<MaxAgeSeconds>soon</MaxAgeSeconds>"), "InvalidArgument"),
        (RULE.format(GOOD) * 21, "CORSRuleBeyondLimit"),
        (RULE.format(f"{GOOD}<AllowedHeader>{'x' * 16384}</AllowedHeader>"), "MalformedXML"),
    ],
    ids=str,
)
def test_bad_rules_are_refused_and_the_old_ones_stay(wire: Wire, rules: str, code: str) -> None:
    put_rules(wire)
    body = f"<CORSConfiguration>{rules}</CORSConfiguration>".encode()
    refused(wire.call("PUT", query=[("cors", "")], content=body), 400, code)
    assert preflight(wire).status_code == 200


def test_twenty_rules_are_taken(wire: Wire) -> None:
    put_rules(wire, f"<CORSConfiguration>{RULE.format(GOOD) * 20}</CORSConfiguration>")


@pytest.mark.parametrize("origin", [ORIGIN, "https://deep.sub.example.net"])
def test_preflight_that_a_rule_allows(wire: Wire, origin: str) -> None:
    put_rules(wire)
    answer = preflight(wire, origin, headers="content-type, X-OSS-Meta-Owner", key="not/there?really")
    assert (answer.status_code, answer.content) == (200, b"")
    assert shared(answer) == {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "PUT, GET, HEAD",
        "access-control-allow-headers": "content-type, X-OSS-Meta-Owner",
        "access-control-expose-headers": "ETag, x-oss-request-id",
        "access-control-max-age": "600",
    }
    assert "vary" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://evil.example.com", "PUT", ""),
        ("http://app.example.com", "PUT", ""),
        ("https://app.example.com.evil.example", "PUT", ""),
        (ORIGIN, "DELETE", ""),
        (ORIGIN, "PUT", "content-type, x-other"),
    ],
)
def test_preflight_that_no_rule_allows(wire: Wire, origin: str, method: str, headers: str) -> None:
    put_rules(wire)
    answer = preflight(wire, origin, method, headers)
    refused(answer, 403, "AccessForbidden")
    assert shared(answer) == {}


def test_preflight_without_rules_is_refused(wire: Wire) -> None:
    answer = preflight(wire)
    document = refused(answer, 403, "AccessForbidden")
    assert document.findtext("Message") == "CORSResponse: CORS is not enabled for this bucket."
    assert shared(answer) == {}


def test_preflight_must_name_origin_and_method(wire: Wire) -> None:
    put_rules(wire)
    document = refused(wire.call("OPTIONS", "a", signed=False), 400, "BadRequest")
    assert document.findtext("Message") == "Insufficient information. Origin request header needed."
    lonely = wire.call("OPTIONS", "a", signed=False, headers={"Origin": ORIGIN})
    document = refused(lonely, 400, "BadRequest")
    assert "Access-Control-Request-Method" in (document.findtext("Message") or "")


def test_preflight_on_a_bucket_that_is_not_there(wire: Wire) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}
    refused(wire.call("OPTIONS", "a", signed=False, unsigned=headers, bucket="no-such-bucket"), 404, "NoSuchBucket")


def test_bucket_without_rules_answers_no_cors_header(wire: Wire) -> None:
    """The browser then refuses, as with OSS; the request itself is done all the same."""
    answer = wire.call("PUT", "a", content=b"x", unsigned={"Origin": ORIGIN})
    assert answer.status_code == 200
    assert shared(answer) == {}


def test_answers_and_errors_carry_the_first_matching_rule(wire: Wire) -> None:
    put_rules(wire)
    expected = {
        "access-control-allow-origin": ORIGIN,
        "access-control-allow-methods": "PUT, GET, HEAD",
        "access-control-expose-headers": "ETag, x-oss-request-id",
        "access-control-max-age": "600",
    }
    done = wire.call("PUT", "a", content=b"x", unsigned={"Origin": ORIGIN})
    assert (done.status_code, shared(done)) == (200, expected)
    absent = wire.call("GET", "b", unsigned={"Origin": ORIGIN})
    refused(absent, 404, "NoSuchKey")
    assert shared(absent) == expected
    anonymous = wire.call("PUT", "a", content=b"x", unsigned={"Origin": ORIGIN}, signed=False)
    refused(anonymous, 403, "AccessDenied")
    assert shared(anonymous) == expected
    forged = wire.target("PUT", wire.presigned("PUT", "a") + "0", {"Origin": ORIGIN})
    refused(forged, 403, "SignatureDoesNotMatch")
    assert shared(forged) == expected


def test_rule_for_everybody_answers_a_star_and_others_nothing(wire: Wire) -> None:
    put_rules(wire)
    wire.put("a", b"x")
    answer = wire.call("GET", "a", unsigned={"Origin": "https://else.where"})
    assert shared(answer) == {"access-control-allow-origin": "*", "access-control-allow-methods": "GET"}
    assert shared(wire.call("PUT", "a", content=b"y", unsigned={"Origin": "https://else.where"})) == {}
    assert shared(wire.call("GET", "a")) == {}


def test_response_vary_is_on_every_answer(wire: Wire) -> None:
    put_rules(wire, RULES.replace("</CORSConfiguration>", "<ResponseVary>true</ResponseVary></CORSConfiguration>"))
    wire.put("a", b"x")
    assert wire.call("GET", "a").headers["Vary"] == "Origin"
    assert wire.call("GET", "b", unsigned={"Origin": ORIGIN}).headers["Vary"] == "Origin"
    assert preflight(wire).headers["Vary"] == "Origin"
