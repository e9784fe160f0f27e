"""Forms as browsers send them, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.localoss.support import Wire
from uploads.localoss import signing_v1
from uploads.oss import post
from uploads.oss.signing import ALGORITHM, Credentials, timestamp

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def body_of(fields: dict[str, str], content: bytes | None, filename: str = "film.mp4", mime: str = "video/mp4",
            after: bytes = b"", end: bytes = b"--") -> bytes:  # fmt: skip
    """The form in bytes; without a content, without a file."""
    pieces = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if content is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        kind = f"Content-Type: {mime}\r\n" if mime else ""
        pieces.append(f"{head}{kind}\r\n".encode() + content + b"\r\n")
    return b"".join(pieces) + after + f"--{BOUNDARY}".encode() + end + b"\r\n"


def send(wire: Wire, fields: dict[str, str], content: bytes | None = b"hello", **more: Any) -> httpx.Response:
    return wire.target("POST", f"/{wire.bucket}", {"Content-Type": TYPE}, body_of(fields, content, **more))


def v4_form(wire: Wire, fields: dict[str, str], sizes: tuple[int, int] = (0, 1000), *, expires: int = 60,
            now: datetime | None = None, credentials: Credentials | None = None) -> dict[str, str]:  # fmt: skip
    return post.signed_fields(wire.context(now, credentials), wire.bucket, fields, sizes, expires)


def signed(wire: Wire, *conditions: object, version: int = 4, expires: float = 60, **fields: str) -> dict[str, str]:
    """The fields of a form whose policy has these conditions and the required ones."""
    now = datetime.now(UTC)
    end = (now + timedelta(seconds=expires)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if version == 1:
        policy = post.encode(end, conditions)
        signature = signing_v1.signature(wire.credentials.access_key_secret, policy)
        return {"OSSAccessKeyId": wire.credentials.access_key_id, "policy": policy, "Signature": signature, **fields}
    scope = wire.context(now).scope
    proof = {
        "x-oss-signature-version": ALGORITHM,
        "x-oss-credential": f"{wire.credentials.access_key_id}/{scope}",
        "x-oss-date": timestamp(now),
    }
    policy = post.encode(end, [*({name: value} for name, value in proof.items()), *conditions])
    signature = post.signature(wire.credentials.access_key_secret, scope, policy)
    return {**proof, "policy": policy, "x-oss-signature": signature, **fields}


def stored(wire: Wire, key: str) -> httpx.Response:
    answer = wire.call("GET", key)
    assert answer.status_code == 200, answer.text
    return answer
