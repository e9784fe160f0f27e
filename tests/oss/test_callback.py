"""Callbacks: their parameters, and the verification of their signature."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.vectors_reader import vectors
from uploads.oss.callback import MAX_PARAMETER_BYTES, CallbackRefused, encode, key_url, parse, request_headers, verify

PARAMETERS = vectors("callback_parameters")
SIGNED = vectors("upload_callbacks")


@pytest.mark.parametrize("case", PARAMETERS["cases"], ids=lambda case: case["id"])
def test_parameters(case: dict[str, Any]) -> None:
    asked, expected = case["input"], case["expected"]
    if not expected["accepted"]:
        with pytest.raises(CallbackRefused) as caught:
            parse(asked["callback_base64"], asked["callback_var_base64"] or "")
        assert caught.value.argument in ("callback", "callback-var")
        assert caught.value.message == expected.get("message", caught.value.message)
        return
    parameters = parse(asked["callback_base64"], asked["callback_var_base64"] or "")
    assert list(parameters.urls) == expected["urls"]
    assert parameters.body_type == expected["content_type"]
    assert parse(*encode(parameters)) == parameters


@pytest.mark.parametrize("case", [*SIGNED["vectors"], *SIGNED["recorded"]], ids=lambda case: case["id"])
def test_signatures(case: dict[str, Any]) -> None:
    asked, expected = case["input"], case["expected"]
    body, sent = base64.b64decode(asked["body_base64"]), asked["headers"]
    url = key_url(sent["x-oss-pub-key-url"])
    assert url == (expected["pub_key_url"] if expected["pub_key_url_allowed"] else None)
    signed = verify(asked["public_key_pem"].encode(), sent["Authorization"], asked["target"], body)
    assert signed is expected["signature_valid"]
    assert (signed and url is not None) is expected["verified"]


@pytest.mark.parametrize("case", vectors("sdk_unit_signatures")["callback"])
def test_signatures_of_the_sdks_own_unit_tests(case: dict[str, Any]) -> None:
    target, body = case["path"] + case["query_string"], case["body"].encode()
    signed = verify(case["public_key"].encode(), case["authorization"], target, body)
    assert (signed and key_url(case["x_oss_pub_key_url"]) is not None) is case["valid"]


def asking(**changed: Any) -> str:
    asked = {"callbackUrl": "http://app.example.com/cb", "callbackBody": "a=${size}", **changed}
    return base64.b64encode(json.dumps(asked).encode()).decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"callbackUrl": ""},
        {"callbackUrl": 1},
        {"callbackUrl": "ftp://app.example.com"},
        {"callbackUrl": "http://user@app.example.com"},
        {"callbackUrl": "http://[::1]/cb"},
        {"callbackUrl": "http://app.example.com:99999/"},
        {"callbackUrl": "http://app.example.com/ü"},
        {"callbackUrl": "http://app.example.com/\r\nHost: x"},
        {"callbackUrl": "http://app.example.com/a b"},
        {"callbackUrl": "http://app.example.com:0/"},
        {"callbackUrl": "http:///cb"},
        {"callbackHost": "a b"},
        {"callbackHost": "a\r\nX: y"},
        {"callbackHost": "ü.example.com"},
        {"callbackHost": "a/b"},
        {"callbackHost": "user@a"},
        {"callbackBody": ["a"]},
        {"callbackBodyType": "text/plain"},
    ],
)
def test_parameters_that_oss_refuses(changed: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused) as caught:
        parse(asking(**changed))
    assert caught.value.argument == "callback"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"callbackUrl": ""}, "0007-00000004"),
        ({"callbackUrl": "ftp://app.example.com"}, "0007-00000004"),
        ({"callbackUrl": ";".join(["http://app.example.com"] * 6)}, "0007-00000005"),
        ({"callbackBody": ""}, "0007-00000011"),
    ],
)
def test_the_ec_of_a_refusal(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        parse(asking(**changed))
    assert caught.value.ec == code


def test_a_refusal_without_an_ec_names_none() -> None:
    with pytest.raises(CallbackRefused) as caught:
        parse(asking(callbackHost="a b"))
    assert (caught.value.ec, str(caught.value)) == ("", "callbackHost is not a host name.")
    assert parse(asking(callbackHost="X.example.com")).host == "X.example.com"


def test_values_are_compact_json_in_utf_8() -> None:
    callback, variables = encode(parse(asking(callbackBody="a=ü"), base64.b64encode(b'{"x:a": "\xc3\xbc"}').decode()))
    assert "a=ü".encode() in base64.b64decode(callback)
    assert base64.b64decode(variables) == '{"x:a":"ü"}'.encode()
    assert encode(parse(asking()))[1] == ""
    assert request_headers(callback, {"x:a": "ü"}) == {"x-oss-callback": callback, "x-oss-callback-var": variables}
    assert request_headers("", {"x:a": "ü"}) == {}


def test_a_url_without_a_scheme_is_http() -> None:
    assert parse(asking(callbackUrl="app.example.com:8000/cb")).urls == ("http://app.example.com:8000/cb",)


@pytest.mark.parametrize("variables", [{"X:a": "1"}, {"x:A": "1"}, {"x:a": 1}, {"a": "1"}])
def test_custom_variables_are_strings_with_lower_case_names(variables: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused) as caught:
        parse(asking(), base64.b64encode(json.dumps(variables).encode()).decode())
    assert caught.value.argument == "callback-var"


def test_other_custom_variables_are_dropped_where_oss_drops_them() -> None:
    variables = {"x:a": "1", "X:b": "2", "x:C": "3", "d": "4"}
    callback_var = base64.b64encode(json.dumps(variables).encode()).decode()
    assert parse(asking(), callback_var, any_names=True).variables == {"x:a": "1"}


def test_values_are_strict_base64_of_at_most_five_kilobytes() -> None:
    callback = asking()
    with pytest.raises(CallbackRefused, match="base64"):
        parse(callback[:8] + "\n" + callback[8:])
    longest = base64.b64encode(b'{"x:a":"' + b"a" * (MAX_PARAMETER_BYTES // 4 * 3 - 10) + b'"}').decode()
    assert len(longest) == MAX_PARAMETER_BYTES
    assert parse(callback, longest).variables
    with pytest.raises(CallbackRefused, match="length of callback var exceed max value"):
        parse(callback, longest + "AAAA")


@pytest.mark.parametrize(
    "url",
    [
        "http://gosspublic.alicdn.com.evil.example/k.pem",
        "http://gosspublic.alicdn.com",
        "https://gosspublic.alicdn.com\\@evil.example/",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "https://gosspublic.alicdn.com/k.pem\r\nX: y",
        "https://gosspublic.alicdn.com/k .pem",
        "https://evil.example/?https://gosspublic.alicdn.com/",
        "http://127.0.0.1/#http://gosspublic.alicdn.com/",
        "http://gosspublic.alicdn.com/@evil.example/".replace("/@", "@"),
        " https://gosspublic.alicdn.com/k.pem",
        "HTTPS://gosspublic.alicdn.com:443@evil.example/",
        "",
    ],
)
def test_no_other_url_is_fetched(url: str) -> None:
    assert key_url(base64.b64encode(url.encode()).decode()) is None


def test_a_key_url_is_strict_base64() -> None:
    header = base64.b64encode(b"https://gosspublic.alicdn.com/k.pem").decode()
    assert key_url(header) == "https://gosspublic.alicdn.com/k.pem"
    assert key_url(header[:8] + "\r\n" + header[8:]) is None


def test_what_cannot_be_read_is_not_signed() -> None:
    case = next(case for case in SIGNED["vectors"] if case["expected"]["signature_valid"])["input"]
    pem, signature = case["public_key_pem"].encode(), case["headers"]["Authorization"]
    target, body = case["target"], base64.b64decode(case["body_base64"])
    assert verify(pem, signature, target, body)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    not_rsa = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for key, header in (
        (b"", signature),
        (b"-----BEGIN PUBLIC KEY-----", signature),
        (not_rsa, signature),
        (pem, ""),
        (pem, "ü"),
        (pem, signature[:8] + "\r\n" + signature[8:]),
    ):
        assert not verify(key, header, target, body), (key, header)
