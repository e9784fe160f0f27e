"""Upload callbacks: the parameters that ask OSS for one, and the verification of the request that OSS sends.

Manual, "Callback": https://www.alibabacloud.com/help/doc-detail/31989.htm

The signature is RSA with MD5, and OSS's key has 512 bits, which is too short to prove anything. So a callback is only
a hint, and the backend asks OSS whether the object exists.

Rule: pure. `tests/vectors/callback_parameters.json` and `upload_callbacks.json` hold parameters and signatures, some of
them signed by OSS itself.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
BODY_TYPES = (FORM, JSON)
MAX_URLS = 5
"""URLs in one callbackUrl."""

MAX_PARAMETER_BYTES = 5 * 1024
"""Bytes of x-oss-callback, and of x-oss-callback-var, in base64."""

KEY_URL_PREFIXES = ("http://gosspublic.alicdn.com/", "https://gosspublic.alicdn.com/")
"""The URLs of OSS's public keys start so. No other URL may be fetched."""


class CallbackRefused(ValueError):
    """Parameters that OSS refuses. `argument` is callback or callback-var; `ec` is OSS's EC where it is known."""

    def __init__(self, argument: str, message: str, ec: str = "") -> None:
        self.argument, self.message, self.ec = argument, message, ec
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class CallbackParameters:
    """A callback to ask for. OSS tries the `urls` in order.

    `body` is a template with `${name}`; the names of `variables` start with `x:`. `sni` asks for SNI with https.
    """

    urls: tuple[str, ...]
    body: str
    host: str = ""
    body_type: str = FORM
    sni: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


# The request to OSS


def encode(parameters: CallbackParameters) -> tuple[str, str]:
    """The values of x-oss-callback and x-oss-callback-var. The second is empty without variables."""
    asked: dict[str, Any] = {
        "callbackUrl": ";".join(parameters.urls),
        "callbackBody": parameters.body,
        "callbackBodyType": parameters.body_type,
    }
    if parameters.host:
        asked["callbackHost"] = parameters.host
    if parameters.sni:
        asked["callbackSNI"] = True
    return encoded(asked), encoded(parameters.variables) if parameters.variables else ""


def encoded(content: Mapping[str, Any]) -> str:
    """The content as JSON in base64, which is the form of both values."""
    return base64.b64encode(json.dumps(dict(content), separators=(",", ":"), ensure_ascii=False).encode()).decode()


def request_headers(callback: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The headers that ask for a callback in PutObject and CompleteMultipartUpload; none for an empty `callback`.

    `callback` is the first value that `encode` returns; `variables` are the custom variables by name.
    """
    return {"x-oss-callback": callback, "x-oss-callback-var": encoded(variables)} if callback else {}


def parse(callback: str, callback_var: str = "", *, any_names: bool = False) -> CallbackParameters:
    """The parameters in the two values. Raises CallbackRefused for values that OSS refuses.

    With `any_names`, custom variables whose names the manual does not allow are dropped instead, as OSS does.
    """
    asked = _decoded(callback, "callback")
    variables = _decoded(callback_var, "callback-var") if callback_var else {}
    return CallbackParameters(
        urls=_urls(_text(asked, "callbackUrl")),
        body=_template(_text(asked, "callbackBody")),
        host=_host(_text(asked, "callbackHost")),
        body_type=_body_type(_text(asked, "callbackBodyType")),
        sni=str(asked.get("callbackSNI", False)).lower() == "true",
        variables=_variables(_known(variables) if any_names else variables),
    )


def _decoded(value: str, argument: str) -> dict[str, Any]:
    if len(value) > MAX_PARAMETER_BYTES:
        name = argument.replace("-", " ")
        raise CallbackRefused(argument, f"The length of {name} exceed max value.")
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CallbackRefused(argument, "The callback configuration is not base64 encoded.") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CallbackRefused(argument, "The callback configuration is not json format.") from error
    if not isinstance(content, dict):
        raise CallbackRefused(argument, "The callback configuration is not json format.")
    return content


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise CallbackRefused("callback", f"{name} must be a string.")
    return value


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in text.split(";") if url.strip())
    if len(urls) > MAX_URLS:
        raise CallbackRefused("callback", f"callbackUrl has more than {MAX_URLS} URLs.", "0007-00000005")
    if not urls:
        raise CallbackRefused("callback", "callbackUrl is missing.", "0007-00000004")
    return tuple(map(_url, urls))


def _url(text: str) -> str:
    """A URL that OSS can call; without a scheme it means http."""
    url = text if "://" in text else f"http://{text}"
    wrong = CallbackRefused("callback", "callbackUrl is not a valid URL.", "0007-00000004")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise wrong from error
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or ":" in host or "@" in parts.netloc or port == 0:
        raise wrong
    return url


def _template(text: str) -> str:
    if not text:
        raise CallbackRefused("callback", "callbackBody is empty.", "0007-00000011")
    if "$(" in text:
        raise CallbackRefused("callback", "Variables in callbackBody are written ${name}.")
    return text


def _host(text: str) -> str:
    if not text.isascii() or not text.isprintable() or any(character in " /@" for character in text):
        raise CallbackRefused("callback", "callbackHost is not a host name.")
    return text


def _body_type(text: str) -> str:
    if text and text not in BODY_TYPES:
        raise CallbackRefused("callback", f"callbackBodyType must be one of {', '.join(BODY_TYPES)}.")
    return text or FORM


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name.startswith("x:") and name == name.lower()}


def _variables(given: Mapping[str, Any]) -> dict[str, str]:
    for name, value in given.items():
        if not name.startswith("x:") or name != name.lower() or not isinstance(value, str):
            raise CallbackRefused(
                "callback-var", "Custom variables must be strings whose names start with x: and are in lower case."
            )
    return dict(given)


def string_to_sign(target: str, body: bytes) -> bytes:
    """The bytes that OSS signs. `target` is the path and query of the request line, as received.

    The path is percent-decoded, the query is not.
    """
    path, separator, query = target.partition("?")
    return unquote_to_bytes(path) + (separator + query).encode() + b"\n" + body


# The request from OSS


def key_url(header: str, prefixes: Sequence[str] = KEY_URL_PREFIXES) -> str | None:
    """The URL in the header x-oss-pub-key-url, or None unless it starts with one of the `prefixes`."""
    try:
        url = base64.b64decode(header, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    allowed = url.isprintable() and " " not in url and any(url.startswith(prefix) for prefix in prefixes)
    return url if allowed else None


def verify(public_key_pem: bytes, authorization: str, target: str, body: bytes) -> bool:
    """Whether the holder of this public key signed the request.

    `authorization` is the value of that header, `target` is as for `string_to_sign`. False, too, for a key or a
    signature that cannot be read.
    """
    try:
        key = serialization.load_pem_public_key(public_key_pem)
        signature = base64.b64decode(authorization, validate=True)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, string_to_sign(target, body), padding.PKCS1v15(), hashes.MD5())  # noqa: S303
    except InvalidSignature:
        return False
    return True
