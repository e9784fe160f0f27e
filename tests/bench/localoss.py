"""CPU seconds of the local OSS per GiB received, beside the least work: MD5, CRC64 and writing of the same bytes.

Rule: both take turns, so that a busy machine slows both. The client sends from the page cache by sendfile, and its CPU
does not count.
"""

import hashlib
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.receiving import _group, _part_urls
from tests.localoss.support import LIMIT_SECONDS, answer_on
from tests.stack import client_for
from uploads.localoss.body import CHUNK
from uploads.localoss.testing import LocalServer
from uploads.oss.crc64 import crc64
from uploads.oss.limits import MIB

PART, PARTS, ROUNDS = 8 * MIB, 32, 4
PER_GIB = 1024 * MIB / (PART * PARTS)


def run() -> dict[str, Any]:
    figures: dict[str, list[float]] = {name: [] for name in ("local OSS", "least", "MD5", "CRC64", "write")}
    body = os.urandom(PART)
    with LocalServer() as server, tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / "content"
        content.write_bytes(body)
        with client_for(server) as client:
            for index in range(ROUNDS + 1):
                urls = _part_urls(client, server.bucket, f"round-{index}", PARTS)
                before = _cpu_seconds(server)
                _send(urls, content)
                figures["local OSS"].append((_cpu_seconds(server) - before) * PER_GIB)
                parts = [_least(body, Path(folder) / f"{index}-{number}") for number in range(PARTS)]
                for name, seconds in zip(("MD5", "CRC64", "write"), zip(*parts, strict=True), strict=True):
                    figures[name].append(sum(seconds) * PER_GIB)
                figures["least"].append(sum(map(sum, parts)) * PER_GIB)
    median = {name: statistics.median(values[1:]) for name, values in figures.items()}
    return {
        "title": f"CPU seconds per GiB received in parts of 8 MiB, medians of {ROUNDS} in turn",
        "figures": {
            "local OSS": f"{median['local OSS']:.2f} s",
            "MD5, CRC64 and write alone": f"{median['least']:.2f} s",
            "  of these MD5, which every ETag needs": f"{median['MD5']:.2f} s",
            "  of these CRC64": f"{median['CRC64']:.2f} s",
            "  of these write": f"{median['write']:.2f} s",
        },
        "ratio": median["least"] / median["local OSS"],
        "goal": 0.7,
    }


def _least(body: bytes, target: Path) -> tuple[float, float, float]:
    """Seconds for MD5, CRC64 and writing of one part, in the chunks of the server."""
    view, digest, crc, spent = memoryview(body), hashlib.md5(), 0, [0.0, 0.0, 0.0]
    with target.open("wb", buffering=0) as file:
        for start in range(0, len(view), CHUNK):
            chunk = view[start : start + CHUNK]
            marks = [time.thread_time()]
            digest.update(chunk)
            marks.append(time.thread_time())
            crc = crc64(chunk, crc)
            marks.append(time.thread_time())
            file.write(chunk)
            marks.append(time.thread_time())
            spent = [total + after - before for total, before, after in zip(spent, marks, marks[1:], strict=False)]
    return spent[0], spent[1], spent[2]


def _send(urls: list[str], content: Path) -> None:
    """PUT the content to each URL over one connection."""
    split = urlsplit(urls[0])
    address = (split.hostname or "", split.port or 80)
    with socket.create_connection(address, timeout=LIMIT_SECONDS) as connection, content.open("rb") as file:
        for url in urls:
            target = url.partition(split.netloc)[2]
            head = f"PUT {target} HTTP/1.1\r\nHost: {split.netloc}\r\nContent-Length: {PART}\r\n\r\n"
            connection.sendall(head.encode())
            connection.sendfile(file, 0)
            if not (answer := answer_on(connection)).startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"not a 200: {answer[:200]!r}")


def _cpu_seconds(server: LocalServer) -> float:
    """The CPU time of the server's processes, in user and in system mode."""
    ticks = 0
    for process in _group(server):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
