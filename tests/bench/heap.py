"""What a huge file costs the page: its heap with 20 GiB beside 100 MiB, and how often the backend is asked for 10 GiB.

The ratio is the narrowest margin of all: 1 is at the limit, more is better. The files are sparse ones on disk, in the
browser's own file system; every byte of them is read, hashed, sent and stored. How often the backend is asked depends
on how long it takes, too: where no call for URLs carries the record of parts along, it goes by itself after 15 s, 45 s
and so on.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.front import Front
from tests.stack import Stack

MIB, GIB = 1 << 20, 1 << 30
SMALL, LARGE, COUNTED = 100 * MIB, 20 * GIB, 10 * GIB
LIMIT = 64 * MIB
CALLS = {"url": 22, "sts": 3}
CALL = re.compile("[0-9a-f-]{36}")
"""What differs between the paths of two uploads."""
FLAGS = ["--enable-precise-memory-info", "--js-flags=--expose-gc"]
EVERY = 20
"""Milliseconds between two looks at the heap."""
PAGE = """
const { OssUploader } = await import("/static/uploads/oss-uploads.js");
const { size, signing, every } = CONSTANTS;
const handle = await (await navigator.storage.getDirectory()).getFileHandle("sparse", { create: true });
const writer = await handle.createWritable();
await writer.truncate(size);
await writer.close();
const file = await handle.getFile();
gc();
let most = 0;
const look = () => { most = Math.max(most, performance.memory.usedJSHeapSize); };
const looking = setInterval(look, every);
const upload = new OssUploader({ headers, signing }).upload(file);
upload.addEventListener("progress", look);
const done = await upload.done;
clearInterval(looking);
return { most, size: done.size, state: done.state };
"""


def run() -> dict[str, Any]:
    with Stack() as stack, Front(stack) as front:
        heap, memory = {}, {}
        for size in (SMALL, LARGE):
            heap[size], memory[size] = _upload(front, size, "url")
        calls = {}
        for signing in CALLS:
            _upload(front, COUNTED, signing)
            calls[signing] = Counter(CALL.sub("…", call) for call in front.calls)
    more = heap[LARGE] - heap[SMALL]
    margins = [LIMIT / max(more, 1), *(CALLS[signing] / each.total() for signing, each in calls.items())]
    return {
        "title": "what a huge file costs the page and the backend",
        "figures": {
            "JS heap, the most seen: 100 MiB": f"{heap[SMALL] / MIB:.1f} MiB",
            "JS heap, the most seen: 20 GiB (limit 64 more)": f"{heap[LARGE] / MIB:.1f} MiB",
            "the page's process with its workers: 100 MiB": f"{memory[SMALL] / MIB:.0f} MiB",
            "the page's process with its workers: 20 GiB": f"{memory[LARGE] / MIB:.0f} MiB",
            "calls to the backend for 10 GiB (limit 22)": _told(calls["url"]),
            "the same with STS (limit 3)": _told(calls["sts"]),
        },
        "ratio": min(margins),
        "goal": 1,
    }


def _told(calls: Counter[str]) -> str:
    each = ", ".join(f"{count} {call.replace('/api/', '')}" for call, count in calls.items())
    return f"{calls.total()}: {each}"


def _upload(front: Front, size: int, signing: str) -> tuple[int, int]:
    """The most bytes of the page's heap, and of its process."""
    peaks: list[int] = []
    constants = {"size": size, "signing": signing, "every": EVERY}
    result = front.drive(
        PAGE, constants, flags=FLAGS, seconds=3600, at_end=lambda group: peaks.append(max(_pages(group)))
    )
    assert (result["size"], result["state"]) == (size, "completed")
    front.settle()
    return result["most"], peaks[0]


def _pages(group: int) -> Iterator[int]:
    """The peak of each process of the browser that shows pages."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getpgid(int(process.name)) == group and b"--type=renderer" in (process / "cmdline").read_bytes():
                lines = (process / "status").read_text().splitlines()
                yield next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
