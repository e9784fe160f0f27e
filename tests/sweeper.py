"""One of several sweeps at once, in a process of its own: prints what it did, how often it told OSS, and when.

It prints a line when it is ready, and begins when it reads one, so that all begin together.
"""

import json
import os
import time
from collections import Counter

import django
from django.conf import settings

django.setup()
settings.DATABASES["default"]["NAME"] = json.loads(os.environ["SWEEP_DB"])
settings.UPLOADS["OSS_ENDPOINT"] = os.environ["SWEEP_OSS"]

from uploads import services  # noqa: E402  # Django is set up first
from uploads.oss.client import OssClient  # noqa: E402

counts: Counter[str] = Counter()
_abort = OssClient.abort


def _counted(self: OssClient, bucket: str, key: str, upload_id: str) -> None:
    counts["aborts at OSS"] += 1
    _abort(self, bucket, key, upload_id)


OssClient.abort = _counted
print("ready", flush=True)
input()
began, spent = time.time(), time.process_time()
counts.update(swept.what for swept in services.sweep())
print(json.dumps({"counts": counts, "began": began, "ended": time.time(), "cpu": time.process_time() - spent}))
