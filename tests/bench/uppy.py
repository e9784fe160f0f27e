"""Our engine beside Uppy 6, which goes through our Companion routes: one large file, the same with 50 ms added to each
request, and 2,000 small files.

The ratio is the narrowest margin of all: 1 is at the limit, more is better. Both sides have the same server, origin
and delays; each call to the backend passes through the page's little server, which costs either a millisecond. Uppy
has its own defaults. Its limit is of files: it sends the parts of one file one after another, each asked for by itself.

Uppy checks nothing. Where two cores are the limit, ours with crc64 is held up by the hashing (`tests.bench.upload` has
the account), so that the same is also measured with integrity none.

Uppy takes small files as multipart uploads of one part too, as `uppyOptions()` sets it up: four requests for each.
When Companion's route for forms was still there, small files cost, in CPU seconds for 2,000: Uppy 25.6, ours 14.4
(site 3.9, page 3.9, local OSS 3.4, browser and network 3.2), of which two cores make 7.2 at best. Uppy's are over
when OSS has them, and the backend never hears of it; ours are looked at at OSS and recorded, each step with its line
in the history.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests import uppy
from tests.bench.chromium import Front
from tests.stack import Stack

ROUNDS = 5
SIZE, LANES = 1 << 30, 3
FAR_SIZE, FAR = 512 << 20, 0.05
"""Bytes, and the seconds that each request waits: to the backend, to OSS, preflights too."""
FILES, SMALL = 2000, 10_000
LIMITS = {"large": 1.5, "far": 3, "small": 2}
"""How many times as fast as Uppy."""
PAGE = """
const { OssUploader, uppyOptions } = await import("/static/uploads/oss-uploads.js");
const { rounds, lanes, sizes, delay, files, small } = CONSTANTS;
const given = await uppyOptions({ headers });

async function timed(work) {
  await settle();
  const started = performance.now();
  await work();
  return performance.now() - started;
}
const ours = (blobs, options) => timed(() => {
  const uploader = new OssUploader({ headers, ...options });
  return Promise.all(blobs.map((blob) => uploader.upload(blob).done));
});
const uppys = (blobs, options) => timed(async () => {
  const uppy = new Uppy({ autoProceed: false }).use(AwsS3, { ...given, ...options });
  uppy.addFiles(blobs.map((data) => ({ name: data.name, type: data.type, data })));
  const { successful, failed } = await uppy.upload();
  if (failed.length || successful.length !== blobs.length) throw new Error(`Uppy failed: ${failed[0]?.error}`);
});

const results = {};
async function inTurn(what, rounds, blobsOf, ourOptions, uppyOptions) {
  const times = (results[what] = { ours: [], uppy: [] });
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await ours(blobsOf(`ours ${what} ${round}`), ourOptions));
    times.uppy.push(await uppys(blobsOf(`uppy ${what} ${round}`), uppyOptions));
  }
}
const large = await fileOnDisk(sizes.large), far = await fileOnDisk(sizes.far);
const named = (blob) => (name) => [new File([blob], name)];
const many = (name) => Array.from({ length: files }, (_, index) => (
  new File([new Uint8Array(small).fill(index)], `${name} ${index}.bin`, { type: "application/octet-stream" })
));
await ours([new File([large.slice(0, 2 ** 26)], "warm up")]);
await inTurn("large", rounds, named(large), { parallel: lanes }, { limit: lanes });
await inTurn("plain", rounds, named(large), { parallel: lanes, integrity: "none" }, { limit: lanes });
await inTurn("small", rounds, many, {}, {});
await hinder({ delay });
await inTurn("far", rounds, named(far), { parallel: lanes }, { limit: lanes });
return results;
"""


def run() -> dict[str, Any]:
    sizes = {"large": SIZE, "far": FAR_SIZE}
    given = {"rounds": ROUNDS, "lanes": LANES, "sizes": sizes, "delay": FAR, "files": FILES, "small": SMALL}
    with (
        tempfile.TemporaryDirectory() as out,
        Stack(oss_arguments=["--allow-faults"], settings="tests.unthrottled") as stack,
        Front(stack) as front,
    ):
        results = front.drive(PAGE, given, scripts=[uppy.bundle(Path(out))], seconds=3600)
    took = {
        what: {who: statistics.median(times) / 1000 for who, times in each.items()} for what, each in results.items()
    }
    ratios = {what: each["uppy"] / each["ours"] for what, each in took.items()}
    figures = {}
    for what, title in {
        "large": f"{SIZE >> 20:,} MiB, {LANES} lanes",
        "plain": "the same, ours with integrity none",
        "far": f"{FAR_SIZE >> 20:,} MiB, {FAR * 1000:.0f} ms added to each request",
        "small": f"{FILES:,} files of {SMALL // 1000} KB",
    }.items():
        seconds = f"{took[what]['ours']:.1f} s, Uppy {took[what]['uppy']:.1f} s"
        goal = f" (goal {LIMITS[what]})" if what in LIMITS else ""
        figures[title + goal] = f"{ratios[what]:.2f} ({seconds})"
    return {
        "title": "beside Uppy 6, ours with crc64, medians of 5 in turn",
        "figures": figures,
        "ratio": min(ratios[what] / limit for what, limit in LIMITS.items()),
        "goal": 1,
    }
