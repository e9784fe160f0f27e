"""nginx in front of a site, with the documented configuration and a certificate for this machine."""

import datetime
import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.http import TIMEOUT
from tests.stack import ROOT, accepts, free_port, wait_until


def nginx_is_installed() -> bool:
    """Installs it where that may be done, as `make browser` installs Chromium."""
    if not shutil.which("nginx") and os.geteuid() == 0 and shutil.which("apt-get"):
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "nginx-light"]):
            subprocess.run(["apt-get", *arguments], check=False, stdout=subprocess.DEVNULL, timeout=300)
    return bool(shutil.which("nginx"))


@contextmanager
def started_nginx(directory: Path, site_port: int, changes: Sequence[tuple[str, str]] = ()) -> Iterator[int]:
    """nginx with the documented configuration. Yields its port.

    Only addresses and paths are replaced, and the texts of `changes`: pairs of what is documented and what is used.
    """
    write_certificate(directory)
    port = free_port()
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for documented, used in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("server_name uploads.example", "server_name 127.0.0.1"),
        ("server 127.0.0.1:8000", f"server 127.0.0.1:{site_port}"),
        ("/etc/ssl/certs/uploads.example.pem", str(directory / "site.pem")),
        ("/etc/ssl/private/uploads.example.key", str(directory / "site.key")),
        ("/run/nginx.pid", str(directory / "nginx.pid")),
        ("/var/log/nginx/access.log", str(directory / "access.log")),
        *changes,
    ):
        assert documented in text
        text = text.replace(documented, used)
    (directory / "nginx.conf").write_text(text)
    # Not a pipe: nginx stops at the 64 KiB that nobody reads.
    errors = directory / "error.log"
    command = ["nginx", "-p", str(directory), "-c", str(directory / "nginx.conf"), "-g", "daemon off;"]
    with errors.open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or accepts(port), "nginx to accept connections")
        assert process.poll() is None, errors.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT)


def write_certificate(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "site.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "site.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
