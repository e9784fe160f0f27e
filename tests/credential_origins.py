"""Where a server's credentials come from, on this machine: the metadata service of ECS in its hardened mode, the OIDC
exchange of STS, and a credentials URI. The credentials are those of the local STS.

The vendor's package asks 100.100.100.200 for metadata, by HTTP; tests name this server as the proxy. It asks STS by
HTTPS only; `certificate` is what it has to trust.
"""

import ipaddress
import json
import secrets
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import http
from tests.localoss.assume_role import ROLE
from uploads.localoss.testing import LocalServer
from uploads.oss import sts
from uploads.oss.signing import Credentials
from uploads.oss.sts import AssumeRole

METADATA = "/latest/meta-data/ram/security-credentials/"
ROLE_NAME = "site-role"
PROVIDER_ARN = "acs:ram::1000000000000001:oidc-provider/ack-rrsa"
SERVICE_ACCOUNT_ROLE = "acs:ram::1000000000000001:role/site"


class CredentialOrigin:
    """The server. `now` is its time; `oidc_token` the one that it accepts; `failing`: it answers 500.

    `requests` are the paths that it was asked for, `issued` the number of credentials.
    """

    def __init__(self, oss: LocalServer, now: Callable[[], datetime], certificate: Path | None = None) -> None:
        self._oss, self._now = oss, now
        self.oidc_token = "token-1"
        self.failing = False
        self.requests: list[str] = []
        self.issued = 0
        self._metadata_tokens: set[str] = set()
        self._http = http.Client()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                self.respond()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.respond()

            def do_GET(self) -> None:
                self.respond()

            def respond(self) -> None:
                status, body = origin.answer(self.command, self.path, self.headers)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._http.close()

    def answer(self, method: str, url: str, headers: Any) -> tuple[int, bytes]:
        """The status and the body of a response."""
        parts = urlsplit(url)
        self.requests.append(f"{method} {parts.path}")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.failing:
            return 500, b"{}"
        if parts.path == "/latest/api/token" and method == "PUT":
            if not 1 <= int(headers.get("X-aliyun-ecs-metadata-token-ttl-seconds", 0)) <= 21600:
                return 400, b""
            self._metadata_tokens.add(f"metadata-{len(self._metadata_tokens)}")
            return 200, f"metadata-{len(self._metadata_tokens) - 1}".encode()
        if parts.path.startswith(METADATA):
            return self._metadata(parts.path.removeprefix(METADATA), headers)
        if query.get("Action") == "AssumeRoleWithOIDC":
            return self._exchange(query)
        if parts.path == "/credentials":
            return 200, json.dumps({"Code": "Success", **self._credentials()}).encode()
        return 404, b""

    def _metadata(self, name: str, headers: Any) -> tuple[int, bytes]:
        """As in the hardened mode: without a token nothing is told."""
        if headers.get("X-aliyun-ecs-metadata-token") not in self._metadata_tokens:
            return 403, b""
        if not name:
            return 200, ROLE_NAME.encode()
        if name != ROLE_NAME:
            return 404, b""
        return 200, json.dumps({"Code": "Success", **self._credentials()}).encode()

    def _exchange(self, query: dict[str, str]) -> tuple[int, bytes]:
        wanted = (SERVICE_ACCOUNT_ROLE, PROVIDER_ARN, self.oidc_token)
        if tuple(query.get(name) for name in ("RoleArn", "OIDCProviderArn", "OIDCToken")) != wanted:
            return 400, json.dumps({"Code": "AuthenticationFail.OIDCToken.Invalid", "Message": "…"}).encode()
        return 200, json.dumps({"Credentials": self._credentials()}).encode()

    def _credentials(self) -> dict[str, str]:
        """Credentials of 15 minutes, as STS issues them."""
        self.issued += 1
        caller = Credentials(self._oss.access_key_id, self._oss.access_key_secret)
        request, host = AssumeRole(ROLE, "site", 900), self._oss.url.partition("//")[2]
        query, headers = sts.sign_assume_role(caller, request, host, self._now(), secrets.token_hex(8))
        answer = self._http.post(f"{self._oss.url}/?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        credentials: dict[str, str] = answer.json()["Credentials"]
        return credentials


def certificate(directory: Path) -> Path:
    """A file with a certificate for 127.0.0.1, which is its own authority, and with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path
