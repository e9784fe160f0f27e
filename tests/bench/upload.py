"""1 GiB from Chromium through our engine, beside bare XHR PUTs of the same parts, and beside ali-oss.

The ratio is the narrowest margin of all three: 1 is at the limit, more is better.

No debugging protocol is attached while it runs, since that slows request bodies down: the page drives itself and
reports to a small server of ours.
"""

import json
import os
import signal
import statistics
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.browser import FLAGS, executable
from tests.stack import ROOT, Stack, wait_until

SIZE = 1 << 30
ROUNDS = 5
SDK = ROOT / "frontend" / "node_modules" / "ali-oss" / "dist" / "aliyun-oss-sdk.min.js"
LIMITS = {"none": 0.97, "crc64": 0.9, "vendor": 1.2}
"""Of the speed of bare PUTs; and how many times as fast as ali-oss the checked upload must be."""
PAGE = """<!doctype html><meta charset="utf-8"><script src="/ali-oss.js"></script><script type="module">
import { OssUploader } from "/static/uploads/oss-uploads.js";
const token = new URLSearchParams(location.search).get("token");
const headers = { Authorization: `Token ${token}` };
// A file on disk, as a chosen one is: the browser's own file system makes it without anybody choosing.
const handle = await (await navigator.storage.getDirectory()).getFileHandle("film", { create: true });
const writer = await handle.createWritable();
for (let at = 0; at < SIZE; at += 2 ** 24) await writer.write(new Uint8Array(2 ** 24).fill(at / 2 ** 24));
await writer.close();
const blob = await handle.getFile();
const call = async (path, body) => (await fetch(`/api/${path}`, {
  method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body),
})).json();

async function bare(name) {
  const up = await call("uploads/", { destination: "default", filename: name, size: blob.size, sign: 1000 });
  const parts = [...up.parts];
  const started = performance.now();
  const lane = async () => {
    for (let part = parts.shift(); part; part = parts.shift()) {
      const start = (part.number - 1) * up.part_size;
      await new Promise((resolve, reject) => {
        const xhr = new XMLHttpRequest();
        xhr.onload = resolve; xhr.onerror = () => reject(`part ${part.number} of ${name}`);
        xhr.open("PUT", part.url); xhr.send(blob.slice(start, start + up.part_size));
      });
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  const took = performance.now() - started;
  await fetch(`/api/uploads/${up.id}/`, { method: "DELETE", headers });
  return took;
}

async function engine(name, integrity) {
  const uploader = new OssUploader({ parallel: 4, headers, integrity });
  const upload = uploader.upload(blob, { filename: name });
  let first = 0, last = 0;
  upload.addEventListener("statechange", ({ state }) => {
    if (state === "uploading") first = performance.now();
    if (state === "completing") last = performance.now();
  });
  await upload.done;
  return last - first;
}

async function vendor(name) {
  const client = new OSS({ ...ALI, authorizationV4: true, secure: false, sldEnable: true });
  const started = performance.now();
  await client.multipartUpload(name, blob, { parallel: 4, partSize: 8 * 2 ** 20 });
  return performance.now() - started;
}

const results = { bare: [], none: [], crc64: [], vendor: [] };
try {
  await bare("warm up");
  for (let round = 0; round < ROUNDS; round++) {
    results.bare.push(await bare(`bare ${round}`));
    results.none.push(await engine(`none ${round}`, "none"));
    results.crc64.push(await engine(`crc64 ${round}`, "crc64"));
    results.vendor.push(await vendor(`vendor ${round}`));
  }
} catch (error) { results.error = String(error); }
await fetch("/report", { method: "POST", body: JSON.stringify(results) });
</script>"""


def run() -> dict[str, Any]:
    with Stack() as stack, _Front(stack) as front:
        token = httpx.post(f"{stack.site.url}/api/token/", json={"username": "demo", "password": "demo"}).json()
        stack.site.manage("configure_bucket", "--origin", front.url)
        results = front.drive(f"{front.url}/?token={token['token']}")
    took = {name: statistics.median(results[name]) for name in ("bare", "none", "crc64", "vendor")}
    ratios = {
        "none": took["bare"] / took["none"],
        "crc64": took["bare"] / took["crc64"],
        "vendor": took["vendor"] / took["crc64"],
    }
    speed = {name: f"{SIZE / 2**20 / milliseconds * 1000:,.0f} MiB/s" for name, milliseconds in took.items()}
    return {
        "title": "1 GiB from Chromium, 4 lanes, medians of 5 in turn",
        "figures": {
            "bare XHR PUTs of the same parts": speed["bare"],
            "ours, integrity none (goal 0.97 of it)": f"{speed['none']}, {ratios['none']:.2f}",
            "ours, integrity crc64 (goal 0.9 of it)": f"{speed['crc64']}, {ratios['crc64']:.2f}",
            "ali-oss in V4 (ours goal 1.2 times it)": f"{speed['vendor']}, {ratios['vendor']:.2f}",
        },
        "ratio": min(ratios[name] / limit for name, limit in LIMITS.items()),
        "goal": 1,
    }


def _ali_oss(stack: Stack) -> dict[str, str]:
    server = stack.oss_server
    return {
        "endpoint": server.url,
        "bucket": server.bucket,
        "region": f"oss-{server.region}",
        "accessKeyId": server.access_key_id,
        "accessKeySecret": server.access_key_secret,
    }


class _Front:
    """Serves the page and the API under one origin, and hears the report."""

    def __init__(self, stack: Stack) -> None:
        front = self
        self.results: dict[str, Any] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if urlsplit(self.path).path == "/":
                    page = PAGE.replace("SIZE", str(SIZE)).replace("ROUNDS", str(ROUNDS))
                    self._answer(200, "text/html", page.replace("ALI", json.dumps(_ali_oss(stack))).encode())
                elif self.path == "/ali-oss.js":
                    self._answer(200, "text/javascript", SDK.read_bytes())
                else:
                    self._pass_on("GET")

            def do_POST(self) -> None:
                if self.path == "/report":
                    front.results = json.loads(self._body())
                    self._answer(204, "text/plain", b"")
                else:
                    self._pass_on("POST")

            def do_DELETE(self) -> None:
                self._pass_on("DELETE")

            def _body(self) -> bytes:
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def _pass_on(self, method: str) -> None:
                headers = {n: self.headers[n] for n in ("Authorization", "Content-Type") if n in self.headers}
                answer = httpx.request(
                    method, stack.site.url + self.path, content=self._body(), headers=headers, timeout=60
                )
                self._answer(answer.status_code, answer.headers.get("Content-Type", "text/plain"), answer.content)

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "_Front":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()

    def drive(self, url: str) -> dict[str, Any]:
        assert "token" in parse_qs(urlsplit(url).query)
        browser = executable() or "chromium"
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            process = subprocess.Popen(
                [browser, "--headless", *FLAGS, f"--user-data-dir={profile}", url],
                cwd=ROOT,
                env={**os.environ, "HOME": str(Path(profile))},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                wait_until(lambda: self.results, "the page to report", 600)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if "error" in self.results:
            raise RuntimeError(self.results["error"])
        return self.results
