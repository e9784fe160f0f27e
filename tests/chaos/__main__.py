"""python -m tests.chaos: uploads without end while everything around them fails, and then the reckoning.

Clients begin, sign, send, checkpoint, complete and abort at random, by our own API; OSS fails by random rules, and
site and OSS are killed with -9 again and again. Afterwards every upload that is `completed` must be what was sent,
nothing else may lie in the bucket, and the sweep must leave no multipart upload open.
"""

import hashlib
import os
import random
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx

from tests import http
from tests.stack import Stack, deliver, wait_until

MINUTES = float(os.environ.get("CHAOS_MINUTES") or 60)
CLIENTS = 6
SIZES = (0, 5, 200_000, 9_000_000, 30_000_000)
RULES: list[dict[str, Any]] = [
    {"operation": "UploadPart", "probability": 0.1, "error": {"status": 503, "code": "ServiceUnavailable"}},
    {"operation": "UploadPart", "probability": 0.05, "reset": "middle"},
    {"operation": "UploadPart", "probability": 0.05, "lose_answer": True},
    {"operation": "UploadPart", "probability": 0.03, "flip_byte": True},
    {"operation": "PostObject", "probability": 0.1, "lose_answer": True},
    {"operation": "CompleteMultipartUpload", "probability": 0.2, "lose_answer": True},
    {"operation": "CompleteMultipartUpload", "probability": 0.1, "error": {"status": 500, "code": "InternalError"}},
    {"operation": "ListParts", "probability": 0.1, "reset": "before"},
    {"operation": "HeadObject", "probability": 0.1, "error": {"status": 503, "code": "ServiceUnavailable"}},
    {"operation": "AbortMultipartUpload", "probability": 0.3, "lose_answer": True},
    {"operation": "InitiateMultipartUpload", "probability": 0.1, "lose_answer": True},
]


class Client(threading.Thread):
    """One user's page, without manners: it gives up at random, and tries again at random."""

    def __init__(self, stack: Stack, seed: int, until: float) -> None:
        super().__init__(daemon=True)
        self._stack, self._luck, self._until = stack, random.Random(seed), until
        self.sent: dict[str, bytes] = {}
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        with self._stack.api() as api:
            api.timeout = httpx.Timeout(60)
            while time.monotonic() < self._until:
                with suppress(httpx.HTTPError):
                    self._upload(api)

    def _upload(self, api: httpx.Client) -> None:
        size = self._luck.choice(SIZES)
        content = self._luck.randbytes(size)
        body = {"destination": "default", "filename": "chaos.bin", "size": size, "sign": 16}
        created = api.post("uploads/", json=body)
        self.counts[f"create {created.status_code}"] += 1
        if created.status_code != 201:
            return
        upload = created.json()
        self.sent[upload["id"]] = hashlib.sha256(content).digest()
        for _ in range(self._luck.randint(1, 6)):
            if self._luck.random() < 0.05:
                aborted = api.delete(f"uploads/{upload['id']}/")
                self.counts[f"abort {aborted.status_code}"] += 1
                return
            self._send(api, upload, content)
            done = api.post(f"uploads/{upload['id']}/complete/", json={})
            self.counts[f"complete {done.status_code}"] += 1
            if done.status_code in (200, 404, 409) and done.json().get("state") == "completed":
                return

    def _send(self, api: httpx.Client, upload: dict[str, Any], content: bytes) -> None:
        numbers = [{"number": number} for number in range(1, upload["part_count"] + 1)]
        signed = api.post(f"uploads/{upload['id']}/parts/sign/", json={"parts": numbers})
        if signed.status_code != 200:
            return
        done = []
        for part in signed.json()["parts"]:
            start = (part["number"] - 1) * upload["part_size"]
            piece = content[start : start + upload["part_size"]]
            with suppress(httpx.HTTPError):
                answer = deliver(part, piece)
                if answer.status_code == 200:
                    done.append({"number": part["number"], "size": len(piece), "crc64": _crc64(piece)})
        api.post(f"uploads/{upload['id']}/parts/", json={"parts": done})


def _crc64(piece: bytes) -> str:
    from uploads.oss.crc64 import crc64

    return str(crc64(piece))


def main() -> int:
    seed = int(os.environ.get("CHAOS_SEED") or time.time())
    print(f"chaos for {MINUTES:g} minutes, CHAOS_SEED={seed}", flush=True)
    luck = random.Random(seed)
    until = time.monotonic() + MINUTES * 60
    with Stack(oss_arguments=["--allow-faults"]) as stack:
        stack.site.environment |= {"OSS_UPLOADS_CHAOS": "1", "LOG_LEVEL": "CRITICAL"}
        clients = [Client(stack, seed + index, until) for index in range(CLIENTS)]
        for client in clients:
            client.start()
        kills = _torment(stack, luck, until)
        for client in clients:
            client.join()
        return _reckon(stack, clients, kills)


def _torment(stack: Stack, luck: random.Random, until: float) -> Counter[str]:
    """New rules and a kill, every few seconds."""
    kills: Counter[str] = Counter()
    pause = threading.Event()
    while time.monotonic() < until:
        rules = [{**rule, "seed": luck.randrange(1 << 30)} for rule in luck.sample(RULES, k=5)]
        with suppress(httpx.HTTPError):
            http.put(f"{stack.oss_server.url}/-/faults", json=rules)
        pause.wait(min(luck.uniform(2, 8), max(0.1, until - time.monotonic())))
        match luck.randrange(4):
            case 0:
                stack.site.kill()
                stack.site.start()
                kills["site"] += 1
            case 1:
                stack.oss_server.kill()
                stack.oss_server.start()
                kills["OSS"] += 1
    http.delete(f"{stack.oss_server.url}/-/faults")
    return kills


def _reckon(stack: Stack, clients: list[Client], kills: Counter[str]) -> int:
    """What everybody was told must be so."""
    sent = {identifier: digest for client in clients for identifier, digest in client.sent.items()}
    wrong: list[str] = []
    states: Counter[str] = Counter()
    wait_until(lambda: http.get(f"{stack.site.url}/healthz").status_code == 200, "the site to be ready")
    # Give up what is unfinished, and say again what OSS missed: as if a day had passed.
    late = (
        "from datetime import timedelta; from django.utils import timezone; from uploads.models import Upload; "
        "Upload.objects.update(expires_at=timezone.now(), claimed_until=None, "
        "updated_at=timezone.now() - timedelta(days=1))"
    )
    for _ in range(3):
        stack.site.manage("shell", "--verbosity", "0", "--command", late)
        stack.site.manage("sweep_uploads", "--orphans")
    with stack.api() as api:
        for identifier, digest in sent.items():
            upload = api.get(f"uploads/{identifier}/").json()
            states[upload["state"]] += 1
            if upload["state"] == "completed":
                found = hashlib.sha256()
                for chunk in stack.object_bytes(upload):
                    found.update(chunk)
                if found.digest() != digest:
                    wrong.append(f"{identifier}: completed, and not what was sent")
            elif upload["state"] in ("uploading", "completing"):
                wrong.append(f"{identifier}: still {upload['state']} after the sweep")
    oss = stack.oss()
    left = [held.key for held in oss.all_uploads(stack.oss_server.bucket)]
    oss.close()
    print(
        "uploads:", dict(states), "kills:", dict(kills), "answers:", dict(sum((c.counts for c in clients), Counter()))
    )
    # An Initiate whose answer was lost leaves an upload nobody knows; it is an orphan only after an hour.
    print(f"open at OSS: {len(left)} (Initiates whose answer was lost, too young to be called orphans)")
    for line in wrong:
        print("WRONG:", line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
