"""The request of an upload callback: its body, and that its signature verifies."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors_reader import vectors
from uploads.localoss.callback_requests import render, sign
from uploads.oss.callback import CallbackParameters, CallbackRefused, parse, verify

PARAMETERS = vectors("callback_parameters")
ACCEPTED = [case for case in PARAMETERS["cases"] if case["expected"]["accepted"]]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case["id"])
def test_the_body_is_the_manuals(case: dict[str, Any]) -> None:
    asked = case["input"]
    parameters = parse(asked["callback_base64"], asked["callback_var_base64"] or "")
    assert render(parameters, PARAMETERS["context"]).decode() == case["expected"]["body"]


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


@given(st.text(), st.text())
def test_any_text_is_refused(callback: str, variables: str) -> None:
    with pytest.raises(CallbackRefused):
        parse(callback, variables)
