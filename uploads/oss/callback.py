"""Upload callbacks: what OSS is asked to call, what it sends, and how that is signed.

Rule: pure, and for both sides: who asks encodes and verifies; who calls parses, renders and signs. Proven by
`tests/vectors/callback_parameters.json` and `upload_callbacks.json`, some of which OSS itself signed.

The signature is RSA with MD5, and OSS's own key has 512 bits: it keeps noise out and proves nothing. What a callback
says is to be asked of OSS again.
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
MAX_PARAMETER_BYTES = 5 * 1024
KEY_URL_PREFIXES = ("http://gosspublic.alicdn.com/", "https://gosspublic.alicdn.com/")
"""Where OSS's own public keys lie, and nothing else."""


class CallbackRefused(ValueError):
    """Parameters that OSS does not take: which of the two, and why."""

    def __init__(self, argument: str, message: str, ec: str = "") -> None:
        self.argument, self.message, self.ec = argument, message, ec
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class CallbackParameters:
    """`urls` are tried in their order. `body` is a template with `${name}`; `variables` are named `x:…`."""

    urls: tuple[str, ...]
    body: str
    host: str = ""
    body_type: str = FORM
    sni: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


# Asking for a callback


def encode(parameters: CallbackParameters) -> tuple[str, str]:
    """The values of x-oss-callback and x-oss-callback-var; the second is empty without variables."""
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
    """JSON in base64, as each of the two travels."""
    return base64.b64encode(json.dumps(dict(content), separators=(",", ":"), ensure_ascii=False).encode()).decode()


def request_headers(callback: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The headers that ask for a callback in PutObject and CompleteMultipartUpload; none for an empty `callback`.

    `callback` is the first value that `encode` returns; `variables` are the custom variables by name.
    """
    return {"x-oss-callback": callback, "x-oss-callback-var": encoded(variables)} if callback else {}


def parse(callback: str, callback_var: str = "") -> CallbackParameters:
    """What the two values ask for. Raises CallbackRefused."""
    asked = _decoded(callback, "callback")
    variables = _decoded(callback_var, "callback-var") if callback_var else {}
    return CallbackParameters(
        urls=_urls(_text(asked, "callbackUrl")),
        body=_template(_text(asked, "callbackBody")),
        host=_host(_text(asked, "callbackHost")),
        body_type=_body_type(_text(asked, "callbackBodyType")),
        sni=str(asked.get("callbackSNI", False)).lower() == "true",
        variables=_variables(variables),
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
        raise CallbackRefused("callback", f"{name} must be a text.")
    return value


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in text.split(";") if url.strip())
    if len(urls) > MAX_URLS:
        raise CallbackRefused("callback", f"callbackUrl holds more than {MAX_URLS} addresses.", "0007-00000005")
    if not urls:
        raise CallbackRefused("callback", "callbackUrl is missing.", "0007-00000004")
    return tuple(map(_url, urls))


def _url(text: str) -> str:
    """An address that can be called; http without a scheme."""
    url = text if "://" in text else f"http://{text}"
    wrong = CallbackRefused("callback", "callbackUrl is not a valid address.", "0007-00000004")
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
    if not text.isascii() or not text.isprintable() or any(letter in " /@" for letter in text):
        raise CallbackRefused("callback", "callbackHost is not a host.")
    return text


def _body_type(text: str) -> str:
    if text and text not in BODY_TYPES:
        raise CallbackRefused("callback", f"callbackBodyType must be one of {', '.join(BODY_TYPES)}.")
    return text or FORM


def _variables(given: Mapping[str, Any]) -> dict[str, str]:
    for name, value in given.items():
        if not name.startswith("x:") or name != name.lower() or not isinstance(value, str):
            raise CallbackRefused(
                "callback-var", "Custom variables are texts whose names start with x:, in lower case."
            )
    return dict(given)


def string_to_sign(target: str, body: bytes) -> bytes:
    """`target`: path and query as they stand in the request line. The path is decoded, the query is not."""
    path, mark, query = target.partition("?")
    return unquote_to_bytes(path) + (mark + query).encode() + b"\n" + body


# Being called


def key_url(header: str, prefixes: Sequence[str] = KEY_URL_PREFIXES) -> str | None:
    """The address in x-oss-pub-key-url, if it lies where OSS keeps its keys: nothing else may be fetched."""
    try:
        url = base64.b64decode(header, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    allowed = url.isprintable() and " " not in url and any(url.startswith(prefix) for prefix in prefixes)
    return url if allowed else None


def verify(public_key_pem: bytes, authorization: str, target: str, body: bytes) -> bool:
    """Whether the holder of that key signed this request."""
    try:
        key = serialization.load_pem_public_key(public_key_pem)
        mark = base64.b64decode(authorization, validate=True)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(mark, string_to_sign(target, body), padding.PKCS1v15(), hashes.MD5())  # noqa: S303
    except InvalidSignature:
        return False
    return True
