"""Callbacks: their parameters, and the verification of their signature."""

import base64
import json
from typing import Any

import pytest

from tests.vectors_reader import vectors
from uploads.oss.callback import CallbackRefused, encode, key_url, parse, verify

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
        {"callbackUrl": "http:///cb"},
        {"callbackHost": "a b"},
        {"callbackHost": "a\r\nX: y"},
        {"callbackBody": ["a"]},
        {"callbackBodyType": "text/plain"},
    ],
)
def test_parameters_that_oss_refuses(changed: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused):
        parse(asking(**changed))


def test_a_url_without_a_scheme_is_http() -> None:
    assert parse(asking(callbackUrl="app.example.com:8000/cb")).urls == ("http://app.example.com:8000/cb",)


@pytest.mark.parametrize("variables", [{"X:a": "1"}, {"x:A": "1"}, {"x:a": 1}, {"a": "1"}])
def test_custom_variables_are_strings_with_lower_case_names(variables: dict[str, Any]) -> None:
    with pytest.raises(CallbackRefused) as caught:
        parse(asking(), base64.b64encode(json.dumps(variables).encode()).decode())
    assert caught.value.argument == "callback-var"


@pytest.mark.parametrize(
    "url",
    [
        "http://gosspublic.alicdn.com.evil.example/k.pem",
        "http://gosspublic.alicdn.com",
        "https://gosspublic.alicdn.com\\@evil.example/",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "https://gosspublic.alicdn.com/k.pem\r\nX: y",
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
