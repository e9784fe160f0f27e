"""Hashing in a real Chromium, beside what a quiet run does not meet."""

from tests.bench.chromium import Front
from tests.stack import ROOT, Stack
from uploads.oss.crc64 import crc64

BUILT = ROOT / "uploads" / "static" / "uploads"
BLOCK, PART, PARTS = 1 << 20, 8, 8
"""Bytes, blocks hashed as one, and how many of these."""
HASHES = """
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


def block(at: int) -> bytes:
    return bytes((index * 7 + at) % 251 for index in range(BLOCK))


def test_a_browser_that_tidies_up_meanwhile_loses_no_hash(stack: Stack) -> None:
    """Chromium collects a reader that only its own pending read knows, and that read never ends."""
    module = next(BUILT.glob("oss-uploads-hash-crc64-*.js")).name
    constants = {"module": f"/static/uploads/{module}", "part": PART, "parts": PARTS, "block": BLOCK}
    with Front(stack) as front:
        hashes = front.drive(HASHES, constants, flags=["--js-flags=--expose-gc"], seconds=60)
    blocks = [block(at) for at in range(PART * PARTS)]
    parts = [b"".join(blocks[at : at + PART]) for at in range(0, len(blocks), PART)]
    assert hashes == [str(crc64(part)) for part in parts]
