"""One huge file through Chromium: the page's memory does not grow with it.

A sparse file of ENDURANCE_GIB (50) in the browser's own file system, which takes no room on the disk, nor does its
object at the local OSS. Every byte is read, hashed, sent, received and hashed again. At each GiB the file has a mark of
its own, so that parts in a wrong order have another CRC64.
"""

import os
from contextlib import closing
from typing import Any

from tests.bench.chromium import Front
from tests.endurance.result import Result
from tests.stack import Stack
from uploads.oss.crc64 import combine_all, crc64

GIB, MIB = 1 << 30, 1 << 20
SIZE = int(float(os.environ.get("ENDURANCE_GIB") or 50) * GIB)
HEAP = 100 * MIB
DISK = 2 * GIB
"""Which the object may take. Parts around the marks hold bytes."""
SECONDS = 12 * 3600
FLAGS = ["--enable-precise-memory-info"]
PAGE = """
const { OssUploader } = await import("/static/uploads/oss-uploads.js");
const { size, every } = CONSTANTS;
const handle = await (await navigator.storage.getDirectory()).getFileHandle("sparse", { create: true });
const writer = await handle.createWritable();
await writer.truncate(size);
for (let at = 0; at < size; at += every) {
  const mark = new Uint8Array(new BigUint64Array([BigInt(at / every + 1)]).buffer);
  await writer.write({ type: "write", position: at, data: mark });
}
await writer.close();
const file = await handle.getFile();
let heap = 0;
const look = () => { heap = Math.max(heap, performance.memory.usedJSHeapSize); };
const looking = setInterval(look, 20);
const started = performance.now();
const upload = new OssUploader({ headers }).upload(file);
upload.addEventListener("progress", look);
const done = await upload.done;
clearInterval(looking);
return { heap, took: performance.now() - started, done };
"""


def expected_crc64(size: int, every: int = GIB) -> int:
    """Of the file with its marks: a number of eight bytes, the lowest first, at each `every` bytes."""
    pieces: list[tuple[int, int]] = []
    for number, at in enumerate(range(0, size, every), 1):
        mark = number.to_bytes(8, "little")
        pieces += [(crc64(mark), len(mark)), *_zeros(min(every, size - at) - len(mark))]
    return combine_all(pieces)


def _zeros(count: int) -> list[tuple[int, int]]:
    """The CRC64 of so many zeros, in pieces of at most a MiB."""
    block = (crc64(bytes(MIB)), MIB)
    rest = count % MIB
    return [block] * (count // MIB) + [(crc64(bytes(rest)), rest)] * bool(rest)


def run() -> Result:
    with Stack() as stack, Front(stack) as front:
        seen = front.drive(PAGE, {"size": SIZE, "every": GIB}, flags=FLAGS, seconds=SECONDS)
        with closing(stack.oss()) as client:
            stored = client.head(seen["done"]["bucket"], seen["done"]["key"])
        disk = sum(path.stat().st_blocks * 512 for path in stack.oss_server.root.rglob("*") if path.is_file())
    seconds = seen["took"] / 1000
    return Result(
        f"A sparse file of {SIZE / GIB:g} GiB",
        {
            "Speed": f"{SIZE / MIB / seconds:.0f} MiB a second ({seconds:.0f} s)",
            "JavaScript heap, the most seen": f"{seen['heap'] / MIB:.1f} MiB",
            "Calls to the backend": f"{len(front.calls)}",
            "On the disk of the local OSS": f"{disk / MIB:.0f} MiB",
        },
        _wrongs(seen, stored, disk),
    )


def _wrongs(seen: dict[str, Any], stored: Any, disk: int) -> list[str]:
    wrong = []
    if (seen["done"]["state"], stored.size) != ("completed", SIZE):
        wrong.append(f"the upload is {seen['done']['state']}, and the object has {stored.size} bytes of {SIZE}")
    if stored.crc64 != expected_crc64(SIZE):
        wrong.append("the object has the CRC64 of another file")
    if seen["heap"] > HEAP:
        wrong.append(f"the heap had {seen['heap'] / MIB:.0f} MiB; {HEAP // MIB} are allowed")
    if disk > DISK:
        wrong.append(f"the object takes {disk // MIB} MiB of the disk")
    return wrong
