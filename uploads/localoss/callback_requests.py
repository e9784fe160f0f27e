"""The request that OSS sends for an upload callback: its body and its signature.

Manual: "Callback", sections on callbackBody and on the signature. The order of bytes that is signed is in
`uploads.oss.callback.string_to_sign`.

Rule: pure. `uploads.localoss.callbacks` sends the request.
"""

import base64
import json
import re
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from uploads.oss.callback import JSON, CallbackParameters, string_to_sign
from uploads.oss.signing import percent_encode

LIMIT_SECONDS = 5.0
"""Seconds that OSS waits for the application's answer."""

MAX_ANSWER_BYTES = 1024 * 1024
"""Bytes. OSS relays no longer answer."""

NUMBERS = ("size", "imageInfo.height", "imageInfo.width")
"""The variables that stand in a JSON body without quotes."""

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


def render(parameters: CallbackParameters, values: Mapping[str, str]) -> bytes:
    """The body with each `${variable}` replaced: percent-encoded in a form, as a JSON value in JSON."""
    known = {**values, **parameters.variables}
    write = _as_json if parameters.body_type == JSON else _as_form
    return _VARIABLE.sub(lambda found: write(found[1], known), parameters.body).encode()


def _as_form(name: str, known: Mapping[str, str]) -> str:
    return percent_encode(known.get(name, ""))


def _as_json(name: str, known: Mapping[str, str]) -> str:
    """A string with its quotes, a number, or null for an unknown variable."""
    value = known.get(name, "" if name.startswith("x:") else None)
    if name in NUMBERS:
        return value or "null"
    return json.dumps(value, ensure_ascii=False)


def sign(key: RSAPrivateKey, target: str, body: bytes) -> str:
    """The value of the Authorization header: base64 RSA with MD5. `target` is the path and query of the request."""
    return base64.b64encode(key.sign(string_to_sign(target, body), padding.PKCS1v15(), hashes.MD5())).decode()  # noqa: S303
