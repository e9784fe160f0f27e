"""A page in a Chromium that no debugging protocol is attached to: one drives request bodies through itself, which
makes them slow. The page drives itself and reports to a small server, which also passes its calls on to the backend.

Rule: what the page sees of the backend is the backend's; the only thing added is a delay where one is asked for.
"""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from tests.browser import FLAGS, executable
from tests.http import TIMEOUT
from tests.stack import ROOT, Stack, wait_until

SCRIPT = """<!doctype html><meta charset="utf-8">%s<script type="module">
const token = "%s", CONSTANTS = %s;
const headers = { Authorization: `Token ${token}` };
const say = (what) => fetch("/say", { method: "POST", body: JSON.stringify(what) });
const settle = () => fetch("/settle", { method: "POST" });
// A file on disk, as a chosen one is: the browser's own file system makes it without anybody choosing.
async function fileOnDisk(size) {
  const handle = await (await navigator.storage.getDirectory()).getFileHandle(`film ${size}`, { create: true });
  const writer = await handle.createWritable();
  for (let at = 0; at < size; at += 2 ** 24) {
    await writer.write(new Uint8Array(Math.min(2 ** 24, size - at)).fill(at / 2 ** 24));
  }
  await writer.close();
  return handle.getFile();
}
const hinder = (how) => fetch("/hinder", { method: "POST", body: JSON.stringify(how) });
try {
  await say({ results: await (async () => {%s})() });
} catch (error) { await say({ error: String(error?.stack ?? error) }); }
</script>"""
PASSED_ON = ("Host", "Authorization", "Content-Type", "Idempotency-Key", "Accept")
HANDED_BACK = ("Content-Type", "Retry-After", "Location")


class Front:
    """Serves pages and the backend under one origin, and hears what the pages report."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.delay = 0.0
        self.calls: list[str] = []
        """What was passed on to the backend: method and path."""
        self.page = ""
        self.files: dict[str, bytes] = {}
        self.said: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False  # `server_close` waits for them, and none is left behind.
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._token = ""

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        login = {"username": "demo", "password": "demo"}
        answer = httpx.post(f"{self.stack.site.url}/api/token/", json=login, timeout=TIMEOUT)
        self._token = answer.json()["token"]
        self.stack.configure_bucket(self.url)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settle(self) -> None:
        """Discards what was uploaded and lets the disk catch up, so that no run pays for the one before."""
        with closing(self.stack.oss()) as client:
            bucket = self.stack.oss_server.bucket
            for page in client.list_objects(bucket, ""):
                for key in page.keys:
                    client.delete_object(bucket, key)
        os.sync()

    def hinder(self, delay: float = 0, slow: int = 0) -> None:
        """From now on each request, to the backend, to OSS, preflights too, waits so many seconds; each request to
        OSS is held to so many bytes a second."""
        self.delay = delay
        rules = [{"delay": delay, "slow": slow}] if delay or slow else []
        httpx.put(f"{self.stack.oss_server.url}/-/faults", json=rules, timeout=TIMEOUT).raise_for_status()

    def drive(
        self,
        script: str,
        constants: object = None,
        *,
        scripts: Sequence[Path] = (),
        flags: Sequence[str] = (),
        seconds: float = 900,
        at_end: Callable[[int], None] = lambda _: None,
    ) -> Any:
        """What the script returns, run in a Chromium of its own. It is given `CONSTANTS`, `headers`, `token`,
        `settle()`, `hinder({ delay, slow })` and `fileOnDisk(size)`; `scripts` are loaded before. `at_end` is told the
        browser's process group while it still runs."""
        self.said, self.calls = {}, []
        self.files = {f"/{file.name}": file.read_bytes() for file in scripts}
        tags = "".join(f'<script src="/{file.name}"></script>' for file in scripts)
        self.page = SCRIPT % (tags, self._token, json.dumps(constants), script)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            process = subprocess.Popen(
                [executable() or "chromium", "--headless", *FLAGS, *flags, f"--user-data-dir={profile}", self.url],
                cwd=ROOT,
                env={**os.environ, "HOME": str(Path(profile))},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

            try:
                wait_until(lambda: self.said, "the page to report", seconds)
                at_end(process.pid)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if "error" in self.said:
            raise RuntimeError(self.said["error"])
        return self.said["results"]


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    backend = urlsplit(front.stack.site.url).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self._backend = http.client.HTTPConnection(backend, timeout=120)

        def finish(self) -> None:
            self._backend.close()
            super().finish()

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/":
                self._answer(200, {"Content-Type": "text/html"}, front.page.encode())
            elif path == "/favicon.ico":
                self._answer(204, {}, b"")
            elif path in front.files:
                self._answer(200, {"Content-Type": "text/javascript"}, front.files[path])
            else:
                self._pass_on()

        def do_POST(self) -> None:
            if self.path == "/say":
                front.said = json.loads(self._body())
                self._answer(204, {}, b"")
            elif self.path == "/settle":
                front.settle()
                self._answer(204, {}, b"")
            elif self.path == "/hinder":
                front.hinder(**json.loads(self._body()))
                self._answer(204, {}, b"")
            else:
                self._pass_on()

        def do_DELETE(self) -> None:
            self._pass_on()

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _pass_on(self) -> None:
            if not self.path.startswith("/static/"):
                front.calls.append(f"{self.command} {self.path.partition('?')[0]}")
                time.sleep(front.delay)
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            answer, body = self._ask(self._body(), headers)
            given = {name: answer.headers[name] for name in HANDED_BACK if name in answer.headers}
            self._answer(answer.status, given, body)

        def _ask(self, body: bytes, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
            """Over a connection that stays open as long as the page's own; anew where the backend has closed it."""
            for _ in range(2):
                try:
                    self._backend.request(self.command, self.path, body or None, headers)
                    answer = self._backend.getresponse()
                    return answer, answer.read()
                except (http.client.HTTPException, ConnectionError):
                    self._backend.close()
            raise ConnectionError("The backend does not answer.")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
