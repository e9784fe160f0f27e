"""Users who upload without a pause, through nginx, and every answer that is not what it should be."""

import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from tests import http
from tests.stack import deliver, wait_until

PART = 102_400
PARTS = 3


class Load:
    """`users` upload files of three parts until the `with` block is left; their names are their passwords.

    `failures`: requests that failed, each in a line. `uploaded`: the completed uploads. `slowest`: seconds of the
    slowest request.
    """

    def __init__(self, url: str, certificate: str, users: Sequence[str]) -> None:
        self._url, self._context = url, ssl.create_default_context(cafile=certificate)
        self._tokens = {user: self._log_in(user) for user in users}
        self._ended = threading.Event()
        self.failures: list[str] = []
        self.answers: Counter[str] = Counter()
        self.uploaded = 0
        self.slowest = 0.0

    @contextmanager
    def running(self) -> Iterator["Load"]:
        threads = [threading.Thread(target=self._upload_on, args=[user]) for user in self._tokens]
        for thread in threads:
            thread.start()
        try:
            self.wait_for(len(threads))
            yield self
            self.wait_for(len(threads))
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def wait_for(self, uploads: int) -> None:
        """Returns when so many more uploads have been completed, or one request has failed."""
        enough = self.uploaded + uploads
        wait_until(lambda: self.uploaded >= enough or self.failures, "uploads to be completed")

    def _log_in(self, user: str) -> str:
        with http.Client(base_url=self._url, verify=self._context) as client:
            answer = client.post("/api/token/", json={"username": user, "password": user})
            answer.raise_for_status()
            token: str = answer.json()["token"]
        return token

    def _upload_on(self, user: str) -> None:
        headers = {"Authorization": f"Token {self._tokens[user]}"}
        with http.Client(base_url=f"{self._url}/api/", headers=headers, verify=self._context) as api:
            while not self._ended.is_set() and not self.failures:
                self._upload(api, f"{user}.bin")

    def _upload(self, api: httpx.Client, name: str) -> None:
        content = random.randbytes(PART * PARTS - 1)
        body = {"filename": name, "size": len(content), "part_size": PART, "sign": PARTS}
        created = self._ask(api, "POST", "uploads/", json=body)
        for part in created.get("parts", []):
            answer = deliver(part, content[(part["number"] - 1) * PART :][:PART])
            if answer.status_code != 200:
                self.failures.append(f"part: {answer.status_code} {answer.text[:200]}")
        path = f"uploads/{created.get('id')}/"
        done = self._ask(api, "POST", f"{path}complete/", json={}) if created else {}
        if done.get("state") == "completed" and self._ask(api, "GET", path).get("state") == "completed":
            self.uploaded += 1
        elif not self.failures:
            self.failures.append(f"not completed: {done}")

    def _ask(self, api: httpx.Client, method: str, path: str, **given: Any) -> dict[str, Any]:
        began = time.monotonic()
        try:
            answer = api.request(method, path, **given)
        except httpx.HTTPError as error:
            self.failures.append(f"{method} {path}: {error!r} after {time.monotonic() - began:.1f} s")
            return {}
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.answers[f"{method} {answer.status_code}"] += 1
        if not answer.is_success:
            self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            return {}
        found: dict[str, Any] = answer.json()
        return found
