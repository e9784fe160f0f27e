"""The RPC signature of STS against the vendor's SDKs."""

from typing import Any

import pytest

from tests.vectors_reader import vectors
from uploads.localoss import sts_rpc
from uploads.oss.sts import canonical_query

VECTORS = vectors("sts_assume_role")


@pytest.mark.parametrize("vector", VECTORS["rpc"], ids=lambda v: v.get("id") or v.get("sdk"))
def test_rpc(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    assert canonical_query(given["parameters"]) == expected["canonical_query"]
    text = sts_rpc.string_to_sign(given["method"], given["parameters"])
    assert text == expected["string_to_sign"]
    assert sts_rpc.signature(given["access_key_secret"], text) == expected["signature"]


@pytest.mark.parametrize("vector", vectors("sdk_unit_signatures")["sts_rpc"])
def test_rpc_as_other_suites_have_it(vector: dict[str, Any]) -> None:
    text = sts_rpc.string_to_sign(vector["method"], vector["params"])
    assert sts_rpc.signature(vector["secret"], text) == vector["expected"]
