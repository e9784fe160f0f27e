"""Clients without manners: they use the API by themselves, stop in the middle, and repeat themselves at random."""

import random
import threading
from contextlib import suppress
from typing import Any

import httpx

from tests.chaos.files import MIB, Spec, content, random_size
from tests.chaos.ledger import Ledger
from tests.chaos.world import World
from tests.stack import deliver
from uploads.oss.crc64 import crc64

MAX_BYTES = 12 * MIB
ENDED = ("aborted", "failed", "deleted")


class RudeClient(threading.Thread):
    """`finishing` set: it begins nothing new."""

    engine = "python"

    def __init__(self, world: World, ledger: Ledger, number: int, luck: random.Random) -> None:
        super().__init__(name=f"python-{number}", daemon=True)
        self.user = f"user-python-{number}"
        self._world, self._ledger, self._luck = world, ledger, luck
        self.finishing = threading.Event()

    def run(self) -> None:
        count, pause = 0, threading.Event()
        with self._world.client() as api:
            while not self.finishing.is_set():
                if not self._logged_in(api):
                    pause.wait(1)
                    continue
                count += 1
                spec = self._spec(f"{self.name}-{count}")
                self._ledger.begin(self.engine, [spec])
                with suppress(httpx.HTTPError, ValueError):
                    self._upload(api, spec)
                if self._leave(spec):
                    pause.wait(0.5)  # The site may be down.

    def _spec(self, name: str) -> Spec:
        size = min(random_size(self._luck), MAX_BYTES)
        destination = self._luck.choice(("default", "small", "staged", "called"))
        return Spec(name, self._luck.randrange(1, 1 << 31), size, "rude", destination)

    def _logged_in(self, api: httpx.Client) -> bool:
        """Whether it has a token, which it asks for until it gets one. The site may be down, or busy with logins."""
        if "Authorization" not in api.headers:
            with suppress(httpx.HTTPError, ValueError, KeyError):
                answer = api.post("/api/token/", json={"username": self.user, "password": self.user})
                api.headers["Authorization"] = f"Token {answer.json()['token']}"
        return "Authorization" in api.headers

    def _leave(self, spec: Spec) -> bool:
        """Whether it was told nothing. It does not wait for it."""
        waits = not self._ledger.outcome(spec.name)
        if waits:
            self._ledger.tell(spec.name, "left")
        return waits

    def _upload(self, api: httpx.Client, spec: Spec) -> None:
        sent = content(spec)
        body = {"destination": spec.destination, "filename": spec.name, "size": spec.size, "sign": 16}
        created = api.post("/api/uploads/", json={**body, "crc64": str(crc64(sent))})
        if created.status_code != 201:
            return
        upload = created.json()
        for _ in range(self._luck.randint(1, 6)):
            if self._luck.random() < 0.05:
                self._abort(api, spec, upload)
                return
            self._send(api, upload, sent)
            if self._told(spec, api.post(f"/api/uploads/{upload['id']}/complete/", json={})):
                return

    def _abort(self, api: httpx.Client, spec: Spec, upload: dict[str, Any]) -> None:
        if api.delete(f"/api/uploads/{upload['id']}/").is_success:
            self._ledger.tell(spec.name, "aborted", upload=upload["id"])

    def _told(self, spec: Spec, answer: httpx.Response) -> bool:
        """Whether the answer to a request to complete says that the upload has ended."""
        given = answer.json()
        if answer.status_code == 200 and given.get("state") == "completed":
            self._ledger.tell(spec.name, "completed", upload=given["id"])
        elif given.get("code") == "object_mismatch" or given.get("state") in ENDED:
            code = given.get("code") or (given.get("error") or {}).get("code", "")
            self._ledger.tell(spec.name, "failed", code, given.get("id", ""))
        else:
            return False
        return True

    def _send(self, api: httpx.Client, upload: dict[str, Any], sent: bytes) -> None:
        numbers = [{"number": number} for number in range(1, upload["part_count"] + 1)]
        signed = api.post(f"/api/uploads/{upload['id']}/parts/sign/", json={"parts": numbers})
        if signed.status_code != 200:
            return
        done = []
        for part in signed.json()["parts"]:
            start = (part["number"] - 1) * upload["part_size"]
            piece = sent[start : start + upload["part_size"]]
            with suppress(httpx.HTTPError):
                if deliver(part, piece).status_code == 200:
                    done.append({"number": part["number"], "size": len(piece), "crc64": str(crc64(piece))})
        if self._luck.random() < 0.8:
            api.post(f"/api/uploads/{upload['id']}/parts/", json={"parts": done})
