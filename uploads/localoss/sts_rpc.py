"""The RPC signature (HMAC-SHA1) of STS, which older SDKs send.

Manual: "Request syntax and signature method V2 for RPC APIs".

Rule: pure, one function for each step of the manual. Our own backend signs with ACS3 only (`uploads.oss.sts`).
`tests/vectors/sts_assume_role.json` holds the signatures of the vendor's SDKs.
"""

import base64
import hmac
from collections.abc import Mapping

from uploads.oss.signing import percent_encode
from uploads.oss.sts import canonical_query


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """The text that is signed. `parameters` are those of the query and of a form body; Signature is left out."""
    signed = {name: value for name, value in parameters.items() if name != "Signature"}
    return f"{method}&{percent_encode('/')}&{percent_encode(canonical_query(signed))}"


def signature(access_key_secret: str, text: str) -> str:
    """Base64 HMAC-SHA1; the key is the secret followed by `&`."""
    return base64.b64encode(hmac.digest(f"{access_key_secret}&".encode(), text.encode(), "sha1")).decode()
