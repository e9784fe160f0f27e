"""One, two and three addresses of a bucket, at 200 ms and 1 % loss, from Chromium with our engine.

The link is the kernel's own TCP in a network namespace (`tests.bench.lossy_link`). One connection then gets about
100 KB/s, whatever the line, and six connections to one host are the limit of a browser. Parts are of 1 MiB, so that a
run takes minutes and not an hour; all runs together take an hour. The losses of a run are random: about 5 % of its
time is chance. So the goal of 3 % beside a bad address is a bound for the median here, and exact in
frontend/tests/engine/addresses.test.ts, where nothing is random.
"""

import json
import statistics
import sys
from typing import Any

from tests.bench.chromium import Front
from tests.bench.lossy_link import Link, LossyLinks, host, inside, is_inside
from tests.stack import Stack

MIB = 1 << 20
SIZE = 64 * MIB
PART = MIB
FAR = Link(0.2, 0.01)
LINKS = {1: FAR, 2: FAR, 3: Link(0.8, 0.1)}
CLOSED = "http://10.9.4.2:1"
"""Where nothing listens."""
PAGE = """
const { OssUploader } = await import("/static/uploads/oss-uploads.js");
const blob = await fileOnDisk(CONSTANTS.size);
const upload = new OssUploader({ headers, integrity: "none" }).upload(blob, { filename: "film" });
let first = 0, last = 0;
upload.addEventListener("statechange", ({ state }) => {
  if (state === "uploading") first = performance.now();
  if (state === "completing") last = performance.now();
});
await upload.done;
const sent = performance.getEntriesByType("resource").filter(({ name }) => name.includes("partNumber"));
const origins = {};
for (const { name } of sent) origins[new URL(name).hostname] = (origins[new URL(name).hostname] ?? 0) + 1;
return { seconds: (last - first) / 1000, origins };
"""
ROUNDS = 3


class FarStack(Stack):
    """A site whose local OSS is at the far ends of the links, and near for the backend."""

    addresses: tuple[str, ...] = ()

    def _environment(self) -> dict[str, str]:
        port = self.oss_server.url.rpartition(":")[2]
        urls = [address if "://" in address else f"http://{address}:{port}" for address in self.addresses]
        return {
            **super()._environment(),
            "OSS_ENDPOINT": urls[0],
            "OSS_MORE_ENDPOINTS": ",".join(urls[1:]),
            "OSS_INTERNAL_ENDPOINT": f"http://127.0.0.1:{port}",
            "UPLOADS_DESTINATIONS": json.dumps({"default": {"part_size": PART}}),
        }

    def use(self, *addresses: str) -> None:
        """Restart the site with these addresses of its bucket."""
        self.addresses = addresses
        self.site.environment = self._environment()
        self.site.kill()
        self.site.start()


RUNS = {
    "one": (host(1),),
    "two": (host(1), host(2)),
    "one and a bad one": (host(1), host(3)),
    "one and a closed one": (host(1), CLOSED),
    "a bad one first": (host(3), host(1)),
}


def measure() -> dict[str, list[dict[str, Any]]]:
    """Seconds of each run, in turn."""
    links, found = LossyLinks(), {name: list[dict[str, Any]]() for name in RUNS}
    FarStack.addresses = (host(1),)
    with FarStack(oss_arguments=["--allow-faults", "--host", "0.0.0.0"]) as stack, Front(stack) as front:
        links.links = LINKS
        for _ in range(ROUNDS):
            for name, addresses in RUNS.items():
                stack.use(*addresses)
                found[name].append(front.drive(PAGE, {"size": SIZE}))
                print(name, found[name][-1], file=sys.stderr, flush=True)
                front.settle()
    return found


def run() -> dict[str, Any]:
    results = json.loads(inside("tests.bench.addresses").splitlines()[-1])
    took = {name: statistics.median(one["seconds"] for one in runs) for name, runs in results.items()}
    faster = took["one"] / took["two"]
    slower = {name: took[name] / took["one"] for name in RUNS if name not in ("one", "two")}
    return {
        "title": f"{SIZE / MIB:.0f} MiB at 200 ms and 1 % loss, medians of {ROUNDS} in turn",
        "figures": {
            **{f"{name}, seconds": f"{seconds:.1f}" for name, seconds in took.items()},
            "two against one (goal 1.8)": f"{faster:.2f}",
            **{f"{name}: time of the best one (goal 1.03)": f"{ratio:.3f}" for name, ratio in slower.items()},
        },
        "ratio": min(faster / 1.8, *(1.03 / ratio for ratio in slower.values())),
        "goal": 1,
    }


if __name__ == "__main__":
    if not is_inside():
        raise SystemExit("Run it as: python -m tests.bench addresses")
    print(json.dumps(measure()))
