"""Callbacks: what is asked for, what is sent, and whose signature is believed."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import vectors
from uploads.oss.callback import CallbackParameters, CallbackRefused, encode, key_url, parse, render, sign, verify

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
    assert render(parameters, PARAMETERS["context"]).decode() == expected["body"]
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
def test_signatures_as_other_suites_have_them(case: dict[str, Any]) -> None:
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
        {"callbackUrl": "http:///cb"},
        {"callbackHost": "a b"},
        {"callbackHost": "a\r\nX: y"},
        {"callbackBody": ["a"]},
        {"callbackBodyType": "text/plain"},
    ],
)
def test_what_cannot_be_called_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused):
        parse(asking(**changed))


def test_without_a_scheme_it_is_http() -> None:
    assert parse(asking(callbackUrl="app.example.com:8000/cb")).urls == ("http://app.example.com:8000/cb",)


@pytest.mark.parametrize("variables", [{"X:a": "1"}, {"x:A": "1"}, {"x:a": 1}, {"a": "1"}])
def test_custom_variables_have_their_names(variables: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused) as caught:
        parse(asking(), base64.b64encode(json.dumps(variables).encode()).decode())
    assert caught.value.argument == "callback-var"


@given(st.text(), st.text())
def test_any_text_is_taken_or_refused(callback: str, variables: str) -> None:
    with pytest.raises(CallbackRefused):
        parse(callback, variables)


@given(st.text(max_size=50), st.dictionaries(st.sampled_from(["size", "object", "x:a"]), st.text(max_size=20)))
def test_a_json_body_stays_json_whatever_the_values(value: str, values: dict[str, str]) -> None:
    template = '{"object":${object},"a":${x:a},"none":${imageInfo.format}}'
    parameters = CallbackParameters(("http://a/",), template, body_type="application/json", variables={"x:a": value})
    read = json.loads(render(parameters, {name: text for name, text in values.items() if name != "size"}))
    assert read == {"object": values.get("object"), "a": value, "none": None}


def test_what_is_signed_is_verified_and_nothing_else() -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    mark = sign(key, "/a%20b?c=%2F", b"body")
    assert verify(public, mark, "/a%20b?c=%2F", b"body")
    assert verify(public, mark, "/a b?c=%2F", b"body")
    for target, body in (("/a%20b?c=/", b"body"), ("/a%20b", b"body"), ("/a%20b?c=%2F", b"Body")):
        assert not verify(public, mark, target, body)
    assert not verify(b"no key", mark, "/", b"")
    assert not verify(public, "not base64!", "/", b"")


@pytest.mark.parametrize(
    "url",
    [
        "http://gosspublic.alicdn.com.evil.example/k.pem",
        "http://gosspublic.alicdn.com",
        "https://gosspublic.alicdn.com\\@evil.example/",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "https://gosspublic.alicdn.com/k.pem\r\nX: y",
        "",
    ],
)
def test_no_other_address_is_ever_fetched(url: str) -> None:
    assert key_url(base64.b64encode(url.encode()).decode()) is None
