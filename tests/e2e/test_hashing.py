"""Hashing in a real Chromium: every implementation against the backend's, and what a quiet run does not meet."""

import base64
import hashlib
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.bench.chromium import Front
from tests.stack import ROOT, Stack
from tests.vectors_reader import vectors
from uploads.oss.crc64 import crc64

BUILT = ROOT / "uploads" / "static" / "uploads"
BLOCK, PART, PARTS = 1 << 20, 8, 8
"""Bytes, blocks hashed as one, and how many of these."""
UNDER_GARBAGE_COLLECTION = """
const { crc64Of } = await import(CONSTANTS.module);
const { part, parts, block } = CONSTANTS;
const handle = await (await navigator.storage.getDirectory()).getFileHandle("film", { create: true });
const writer = await handle.createWritable();
for (let at = 0; at < part * parts; at++) await writer.write(new Uint8Array(block).map((_, i) => (i * 7 + at) % 251));
await writer.close();
const file = await handle.getFile();
setInterval(gc, 3);
const hashes = [];
const size = part * block;
for (let at = 0; at < file.size; at += size) hashes.push(await crc64Of(file.slice(at, at + size)));
return hashes;
"""
MESSAGES = """
const bytes = Uint8Array.from(atob(CONSTANTS.bytes), (character) => character.charCodeAt(0));
const content = new Blob([bytes]);
const messages = CONSTANTS.ranges.map(([start, end]) => content.slice(start, end));
"""
IN_PAGE = """
const { crc64Of } = await import(CONSTANTS.module);
let kernels = 0;
const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance { constructor(module) { super(module); kernels += 1; } };
const hashes = [];
for (const message of messages) hashes.push(await crc64Of(message));
return { hashes, kernels };
"""
IN_WORKER = """
const worker = new Worker(CONSTANTS.worker, { type: "module" });
const hashes = [];
await new Promise((resolve, reject) => {
  worker.onerror = () => reject(new Error("The worker is broken."));
  worker.onmessage = ({ data: { id, value, error } }) => {
    hashes[id] = value ?? error;
    if (id === messages.length - 1) resolve();
  };
  messages.forEach((blob, id) => worker.postMessage({ id, blob }));
});
return { hashes };
"""
WITHOUT_WEBASSEMBLY = """
const frame = document.createElement("iframe");
frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="script-src 'self' 'unsafe-inline'">
<script type="module">
  const { crc64Of } = await import("${CONSTANTS.module}");
  addEventListener("message", async ({ data: messages }) => {
    const hashes = [];
    for (const message of messages) hashes.push(await crc64Of(message).catch(String));
    const header = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
    const forbidden = await WebAssembly.compile(header).then(() => false, () => true);
    parent.postMessage({ hashes, forbidden });
  });
  parent.postMessage("ready");
</` + "script>";
const next = () => new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data), { once: true }));
const ready = next();
document.documentElement.append(frame);
await ready;
const result = next();
frame.contentWindow.postMessage(messages, "*");
return await result;
"""


def built(pattern: str) -> str:
    (file,) = BUILT.glob(pattern)
    return f"/static/uploads/{file.relative_to(BUILT)}"


def block(at: int) -> bytes:
    return bytes((index * 7 + at) % 251 for index in range(BLOCK))


@pytest.fixture(scope="module")
def front(stack: Stack) -> Iterator[Front]:
    with Front(stack) as front:
        yield front


def test_a_browser_that_collects_garbage_meanwhile_loses_no_hash(front: Front) -> None:
    """Chromium collects a reader that only its own pending read knows, and that read never ends."""
    constants = {"module": built("oss-uploads-crc64-of-blob-*.js"), "part": PART, "parts": PARTS, "block": BLOCK}
    flags = ["--js-flags=--expose-gc"]
    hashes = front.drive(UNDER_GARBAGE_COLLECTION, constants, flags=flags, seconds=60)
    blocks = [block(at) for at in range(PART * PARTS)]
    parts = [b"".join(blocks[at : at + PART]) for at in range(0, len(blocks), PART)]
    assert hashes == [str(crc64(part)) for part in parts]


# The vendor's values, and the backend's for random bytes


def data_of(data: dict[str, Any]) -> bytes:
    match data["kind"]:
        case "utf8":
            return str(data["value"]).encode()
        case "hex":
            return bytes.fromhex(data["value"])
        case "repeat":
            return bytes.fromhex(data["byte_hex"]) * int(data["count"])
        case "sha256_counter":
            size = int(data["count"])
            blocks = (hashlib.sha256(f"{data['seed']}:{at}".encode()).digest() for at in range(-(-size // 32)))
            return b"".join(blocks)[:size]
    raise ValueError(data["kind"])


@cache
def messages() -> tuple[bytes, list[tuple[int, int]], list[str]]:
    """Bytes, the start and end of each message in them, and the CRC64 of each message."""
    content, ranges, expected = b"", [], []
    for vector in vectors("crc64")["values"]:
        data = data_of(vector["data"])
        ranges.append((len(content), len(content) + len(data)))
        expected.append(vector["crc64_decimal"])
        content += data
    source = random.Random(64)
    offset = len(content)
    content += source.randbytes(BLOCK)
    # Around what the kernel leaves to tables, and around the size of its memory.
    lengths = [*range(130), *range(10_300, 10_420), *range(355_960, 356_060), *source.choices(range(900_000), k=100)]
    for length in lengths:
        start = offset + length % 67
        ranges.append((start, start + length))
        expected.append(str(crc64(content[start : start + length])))
    return content, ranges, expected


def hash_messages(front: Front, script: str) -> tuple[dict[str, Any], list[str]]:
    """What the script returns, and the expected hashes."""
    content, ranges, expected = messages()
    constants = {
        "bytes": base64.b64encode(content).decode(),
        "ranges": ranges,
        "module": built("oss-uploads-crc64-of-blob-*.js"),
        "worker": built("assets/crc64.worker-*.js"),
    }
    return front.drive(MESSAGES + script, constants, seconds=120), expected


def test_the_page_hashes_by_the_kernel(front: Front) -> None:
    result, expected = hash_messages(front, IN_PAGE)
    assert result["hashes"] == expected
    assert result["kernels"] == 1


def test_the_worker_hashes(front: Front) -> None:
    result, expected = hash_messages(front, IN_WORKER)
    assert result["hashes"] == expected


def test_tables_hash_where_a_policy_forbids_webassembly(front: Front) -> None:
    result, expected = hash_messages(front, WITHOUT_WEBASSEMBLY)
    assert result["hashes"] == expected
    assert result["forbidden"]
