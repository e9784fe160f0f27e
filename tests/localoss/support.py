"""An HTTP client for tests, which sends exactly the target, the headers and the bytes that a test gives.

Rule: requests are signed by `uploads.oss.signing` unless a test says otherwise. Responses are not decoded.
"""

import base64
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

import httpx

from tests import http
from uploads.localoss.testing import LocalServer
from uploads.oss import markup, signing
from uploads.oss.limits import MIN_PART_SIZE
from uploads.oss.messages import Part, bare
from uploads.oss.signing import Credentials, OssRequest, SigningContext

LIMIT_SECONDS = 60.0
"""A limit for what never ends, far above the time that anything takes."""

Query = Iterable[tuple[str, str]]


def credentials_of(server: LocalServer) -> Credentials:
    return Credentials(server.access_key_id, server.access_key_secret)


def encoded(key: str) -> str:
    """A key as it stands in a request line."""
    return signing.canonical_uri("b", key).removeprefix("/b/")


class Wire:
    """One bucket on one server, in path style."""

    def __init__(self, server: LocalServer, bucket: str) -> None:
        self.server = server
        self.bucket = bucket
        self.credentials = credentials_of(server)
        self.http = http.Client(timeout=LIMIT_SECONDS)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def context(self, now: datetime | None = None, credentials: Credentials | None = None) -> SigningContext:
        """Who signs, and when."""
        return SigningContext(credentials or self.credentials, self.server.region, now or datetime.now(UTC))

    def call(
        self,
        method: str,
        key: str = "",
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] = b"",
        *,
        signed: bool = True,
        now: datetime | None = None,
        credentials: Credentials | None = None,
        unsigned: Mapping[str, str] | None = None,
        bucket: str | None = None,
        region: str | None = None,
    ) -> httpx.Response:
        """`headers` are signed, `unsigned` are added after that. A Host header that names the bucket takes it out of
        the path."""
        name, query = self.bucket if bucket is None else bucket, list(query)
        sent = dict(headers or {})
        if signed:
            context = replace(self.context(now, credentials), region=region or self.server.region)
            sent = signing.authorization(context, OssRequest(method, name, key, query, sent))
        in_host = name and (unsigned or {}).get("Host", "").startswith(f"{name}.")
        target = f"/{name}/{encoded(key)}" if name and not in_host else f"/{encoded(key)}"
        if query:
            target += f"?{signing.canonical_query(query)}"
        return self.target(method, target, {**sent, **(unsigned or {})}, content)

    def target(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes | Iterator[bytes] = b""
    ) -> httpx.Response:
        """Exactly this request line."""
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        return self.http.request(
            method, self.server.url, headers=pairs, content=content, extensions={"target": target.encode()}
        )

    def presigned(self, method: str, key: str, query: Query = (), *, expires: int = 60, now: datetime | None = None,
                  headers: Mapping[str, str] | None = None) -> str:  # fmt: skip
        """The target of a presigned URL."""
        request = OssRequest(method, self.bucket, key, list(query), headers or {})
        return signing.presign(self.context(now), request, f"/{self.bucket}/{encoded(key)}", expires)

    # What most tests begin with

    def put(self, key: str, content: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        answer = self.call("PUT", key, headers=headers, content=content)
        assert answer.status_code == 200, answer.text
        return answer

    def initiate(self, key: str, headers: Mapping[str, str] | None = None) -> str:
        document = result(self.call("POST", key, [("uploads", "")], headers), "InitiateMultipartUploadResult")
        return document.findtext("UploadId") or ""

    def part(self, key: str, upload: str, number: int | str, content: bytes, headers: Mapping[str, str] | None = None,
             ) -> httpx.Response:  # fmt: skip
        return self.call("PUT", key, [("partNumber", str(number)), ("uploadId", upload)], headers, content)

    def parts(self, key: str, upload: str, contents: Iterable[bytes]) -> list[Part]:
        """Upload them as 1, 2, 3 …"""
        done = []
        for number, content in enumerate(contents, 1):
            answer = self.part(key, upload, number, content)
            assert answer.status_code == 200, answer.text
            done.append(Part(number, bare(answer.headers["ETag"]), len(content)))
        return done

    def complete(self, key: str, upload: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.call("POST", key, [("uploadId", upload)], headers, body)


def result(answer: httpx.Response, root: str) -> Element:
    """The document of a 200."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/xml"
    assert b"xmlns" not in answer.content
    document = markup.parse(answer.content)
    assert document.tag == root
    return document


def refused(answer: httpx.Response, status: int, code: str) -> Element:
    """The <Error> of a refusal, with what every one of them must hold."""
    in_header = answer.request.method == "HEAD"
    body = base64.b64decode(answer.headers["x-oss-err"]) if in_header else answer.content
    assert (answer.status_code, body and markup.parse(body).findtext("Code")) == (status, code), body
    document = markup.parse(body)
    assert document.tag == "Error"
    assert [child.tag for child in document][:4] == ["Code", "Message", "RequestId", "HostId"]
    assert document.findtext("RequestId") == answer.headers["x-oss-request-id"]
    return document


def bytes_of(size: int, seed: int) -> bytes:
    """Some bytes that differ from those of every other seed."""
    return (seed.to_bytes(8, "big") * (size // 8 + 1))[:size]


SMALLEST = MIN_PART_SIZE
LARGE = 64 << 20


class Unfinished:
    """A PUT of LARGE bytes of which half is sent: so much that the server must have written some of it by then."""

    def __init__(self, wire: Wire, key: str, query: Query = (), headers: Mapping[str, str] | None = None) -> None:
        sent = {"Host": "127.0.0.1", "Content-Length": str(LARGE), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        target = wire.presigned("PUT", key, query, headers=headers)
        self.connection = socket.create_connection(("127.0.0.1", wire.server.port), timeout=LIMIT_SECONDS)
        self.connection.sendall(f"PUT {target} HTTP/1.1\r\n{lines}\r\n".encode())
        self.connection.sendall(bytes(LARGE // 2))

    def __enter__(self) -> "Unfinished":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def finish(self) -> bytes:
        """Send the rest; the answer, or the first of it."""
        self.connection.sendall(bytes(LARGE // 2))
        return answer_on(self.connection)


def answer_on(connection: socket.socket) -> bytes:
    """One answer with its body; the connection stays."""
    received = b""
    while b"\r\n\r\n" not in received and (chunk := connection.recv(65536)):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    while found and len(body) < int(found[1]) and (chunk := connection.recv(65536)):
        body += chunk
    return head + b"\r\n\r\n" + body


def raw(server: LocalServer, sent: bytes, *, end: bool = False) -> bytes:
    """What a server says to these very bytes, until it closes. `end`: nothing more will come from us."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(sent)
        if end:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def check_disk(wire: Wire) -> None:
    """Only our own names, only in the root."""
    root = wire.server.root
    around = root.parent.parent.parent
    for path in (path for path in around.rglob("*") if path.is_file()):
        name = path.relative_to(root).as_posix()
        assert re.fullmatch(
            r"lock|(?:sts|callback)\.key|index\.sqlite3(-wal|-shm)?|blobs/([0-9a-f]{2})/\2[0-9a-f]{30}", name
        ), name
