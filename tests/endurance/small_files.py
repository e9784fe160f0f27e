"""Very many small files in one page of Chromium: all arrive, in little memory, and the last as fast as the first.

ENDURANCE_FILES (100,000) of 10 KB, in one folder that is dropped on the element. They share their bytes, so that the
browser's memory holds those once. The first tenth ends later than it might, because the folder is read meanwhile.
"""

import os
from contextlib import closing

from tests.bench.chromium import Front
from tests.bench.folder import DROP, FLAGS, HEAP, MIB, SIZE
from tests.endurance.flat import Sample, slowdown, tenths
from tests.endurance.result import Result
from tests.stack import Stack

FILES = int(os.environ.get("ENDURANCE_FILES") or 100_000)
SECONDS = 12 * 3600


def run() -> Result:
    with Stack(settings="tests.unthrottled") as stack, Front(stack) as front:
        constants = {"size": SIZE, "files": FILES, "until": FILES + 1}
        seen = front.drive(DROP, constants, flags=FLAGS, seconds=SECONDS)
        with closing(stack.oss()) as client:
            pages = client.list_objects(stack.oss_server.bucket, "", page_size=1000)
            sizes = [each.size for page in pages for each in page.objects]
    times = [Sample(count, milliseconds / 1000) for milliseconds, count in seen["counts"]]
    parts, longest = tenths(times, FILES), max((duration for _, duration in seen["tasks"]), default=0)
    wrong = [] if sizes == [SIZE] * FILES else [f"{sizes.count(SIZE)} of {FILES} objects have the bytes of a file"]
    if seen["heap"] > HEAP:
        wrong.append(f"the heap had {seen['heap'] / MIB:.0f} MiB; {HEAP // MIB} are allowed")
    return Result(
        f"{FILES:,} files of {SIZE // 1000} KB in one page",
        {
            "Files a second": f"{FILES / times[-1].value:.1f} ({times[-1].value:.0f} s)",
            "Read after": f"{seen['begun'] / 1000:.1f} s",
            "Objects": f"{len(sizes):,}",
            "JavaScript heap, the most seen": f"{seen['heap'] / MIB:.0f} MiB",
            "Tasks of more than 50 ms": f"{len(seen['tasks'])}, the longest {longest} ms",
            "Seconds of each tenth": ", ".join(f"{each:.1f}" for each in parts),
        },
        [*wrong, *slowdown(parts[0], parts[-1])],
    )
