"""A small issuer of tokens on loopback: it serves a discovery document and its keys, and signs tokens."""

import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.loopback import Loopback, Received, Reply

AUDIENCE = "uploads"
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def private_key(name: str) -> PrivateKey:
    """One key for each name. Names that begin with `ec` have keys of elliptic curves."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if name == "short" else 2048)


def public_jwk(name: str, **more: Any) -> dict[str, Any]:
    """The public key as a JSON Web Key, whose id is its name."""
    key = private_key(name)
    if isinstance(key, rsa.RSAPrivateKey):
        made: Any = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {**made, "kid": name, "use": "sig", **more}
    made = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": name, "use": "sig", **more}


class TestIssuer:
    """`keys`: what it publishes. `document` replaces parts of its discovery document, `replies` whole answers."""

    __test__ = False

    def __init__(self) -> None:
        self.server = Loopback(self._reply)
        self.url = self.server.url
        self.keys: list[dict[str, Any]] = [public_jwk("first")]
        self.document: dict[str, Any] = {}
        self.replies: dict[str, Reply] = {}

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__(None, None, None)

    def _reply(self, request: Received) -> Reply:
        if request.path in self.replies:
            return self.replies[request.path]
        if request.path == DISCOVERY:
            found: Any = {"issuer": self.url, "jwks_uri": self.url + KEYS, **self.document}
        elif request.path == KEYS:
            found = {"keys": self.keys}
        else:
            return Reply(404)
        return Reply(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a valid token; None removes one."""
        now = int(time.time())
        made = {"iss": self.url, "aud": AUDIENCE, "sub": "u-17", "iat": now, "exp": now + 300, **changed}
        return {name: value for name, value in made.items() if value is not None}

    def token(self, key: str = "first", headers: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token that is signed with this key, by the algorithm that fits."""
        algorithm = "ES256" if key.startswith("ec") else "RS256"
        named = {"kid": key, **(headers or {})}
        return jwt.encode(
            self.claims(**claims), private_key(key), algorithm=algorithm, headers={k: v for k, v in named.items() if v}
        )

    def asked(self, path: str) -> int:
        """How often this was fetched."""
        return sum(request.path == path for request in self.server.received)
