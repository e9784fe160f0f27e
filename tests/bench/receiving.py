"""Receiving 8 MiB parts over 4 connections: the local OSS beside a bare gunicorn sink that hashes MD5 and writes.

Also the figures that have a limit of their own: memory while large parts arrive, pages of lists, completing.
"""

import hashlib
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.stack import ROOT, accepts, client_for, free_port, wait_until
from uploads.localoss.testing import LocalServer
from uploads.oss.client import OssClient
from uploads.oss.limits import MIB, MIN_PART_SIZE
from uploads.oss.signing import OssRequest, PartSigner

CONNECTIONS, ROUNDS = 4, 5
PART, PARTS = 8 * MIB, 64
MANY = 10_000
LARGE, LARGE_COUNT = 1024 * MIB, 4


def sink(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The least that a server must do: read, hash, write."""
    digest = hashlib.md5()
    # It stays, as a part does: an unlinked file would never have to reach the disk.
    with tempfile.NamedTemporaryFile(dir=os.environ["SINK_DIR"], delete=False) as file:
        while piece := environ["wsgi.input"].read(MIB):
            digest.update(piece)
            file.write(piece)
    start_response("200 OK", [("ETag", digest.hexdigest()), ("Content-Length", "0")])
    return []


def run() -> dict[str, Any]:
    body = os.urandom(PART)
    with LocalServer() as server, _sink() as address:
        client = client_for(server)
        rates: dict[str, list[float]] = {"sink": [], "local OSS": []}
        for index in range(ROUNDS + 1):
            urls = _part_urls(client, server.bucket, f"round-{index}", PARTS)
            rates["sink"].append(_send([f"{address}/"] * PARTS, body))
            rates["local OSS"].append(_send(urls, body))
        mib = {name: statistics.median(values[1:]) for name, values in rates.items()}
        figures = {
            "bare gunicorn sink (MD5, write)": f"{mib['sink']:,.0f} MiB/s",
            "local OSS (MD5, CRC64, write, index)": f"{mib['local OSS']:,.0f} MiB/s",
            **_many_parts(client, server.bucket),
            **_many_uploads(client, server.bucket),
        }
        client.close()
    return {
        "title": "8 MiB parts over 4 connections, medians of 5 in turn",
        "figures": figures | _memory(),
        "ratio": mib["local OSS"] / mib["sink"],
        "goal": 0.8,
    }


@contextmanager
def _sink() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "tests.bench.receiving:sink", "--bind", f"127.0.0.1:{port}"),
                *("--worker-class", "gthread", "--threads", "64", "--log-level", "error"),
            ],
            env={**os.environ, "SINK_DIR": folder},
            cwd=ROOT,
        )
        try:
            wait_until(lambda: accepts(port), "the sink to accept connections")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _part_urls(client: OssClient, bucket: str, key: str, count: int) -> list[str]:
    upload_id = client.initiate(bucket, key)
    address = client.endpoint.url_of(bucket, key)
    request = OssRequest("PUT", bucket, key, [("uploadId", upload_id)])
    signer = PartSigner(client.context(), request, address, 3600)
    return list(signer.urls(range(1, count + 1)))


def _send(urls: list[str], body: bytes | tuple[Path, int]) -> float:
    """PUT a body to each URL, over so many connections; MiB a second. A body on disk is (path, size)."""
    waiting, failures = list(urls), []

    def lane() -> None:
        split = urlsplit(urls[0])
        connection = http.client.HTTPConnection(split.hostname or "", split.port)
        while True:
            try:
                target = waiting.pop(0).partition(split.netloc)[2]
            except IndexError:
                break
            if isinstance(body, bytes):
                connection.request("PUT", target, body)
            else:
                with body[0].open("rb") as file:
                    connection.request("PUT", target, file, {"Content-Length": str(body[1])})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)
        connection.close()

    started = time.perf_counter()
    lanes = [threading.Thread(target=lane) for _ in range(CONNECTIONS)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    if failures:
        raise RuntimeError(f"answers other than 200: {failures}")
    size = len(body) if isinstance(body, bytes) else body[1]
    return len(urls) * size / MIB / (time.perf_counter() - started)


def _many_parts(client: OssClient, bucket: str) -> dict[str, str]:
    urls = _part_urls(client, bucket, "many-parts", MANY)
    _send(urls, bytes(MIN_PART_SIZE))
    upload_id = urls[0].partition("uploadId=")[2].partition("&")[0]
    started = time.perf_counter()
    parts = client.list_parts(bucket, "many-parts", upload_id)
    page = (time.perf_counter() - started) / (MANY / 1000)
    started = time.perf_counter()
    client.complete(bucket, "many-parts", upload_id, parts)
    complete = time.perf_counter() - started
    return {
        "ListParts, a page of 1,000 of 10,000 (limit 50)": f"{page * 1000:.0f} ms",
        "Complete of 10,000 parts (limit 1,000)": f"{complete * 1000:.0f} ms",
    }


def _many_uploads(client: OssClient, bucket: str) -> dict[str, str]:
    for index in range(MANY):
        client.initiate(bucket, f"many/{index:05d}")
    pages, marker = [], [("key-marker", ""), ("upload-id-marker", "")]
    for _ in range(MANY // 1000):
        started = time.perf_counter()
        query = [("uploads", ""), ("prefix", "many/"), ("max-uploads", "1000"), *marker]
        body = client.call("ListMultipartUploads", OssRequest("GET", bucket, query=query)).content.decode()
        pages.append(time.perf_counter() - started)
        marker = [
            ("key-marker", body.partition("<NextKeyMarker>")[2].partition("<")[0]),
            ("upload-id-marker", body.partition("<NextUploadIdMarker>")[2].partition("<")[0]),
        ]
    name = "ListMultipartUploads, a page of 1,000 of 10,000 (limit 50)"
    return {name: f"{statistics.median(pages) * 1000:.0f} ms"}


def _memory() -> dict[str, str]:
    """The most that the server's processes ever held while four large parts arrived at once."""
    with LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        client = client_for(server)
        urls = _part_urls(client, server.bucket, "large", LARGE_COUNT)
        large = Path(folder) / "large"
        with large.open("wb") as file:
            file.truncate(LARGE)
        _send(urls, (large, LARGE))
        client.close()
        peak = sum(_peak_kib(pid) for pid in _group(server)) / 1024
    return {"memory while four 1 GiB parts arrive (limit 150)": f"{peak:.0f} MiB"}


def _group(server: LocalServer) -> list[int]:
    assert server.process
    return [int(p.name) for p in Path("/proc").glob("[0-9]*") if _group_of(p) == server.process.pid]


def _group_of(process: Path) -> int:
    try:
        return os.getpgid(int(process.name))
    except OSError:
        return -1


def _peak_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
