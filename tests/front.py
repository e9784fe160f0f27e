"""A page of somebody's own beside the API: files from a folder, everything else passed on to the site, one origin.

Rule: it adds nothing to what the site says and hides nothing of it; a web server in front of both does the same, and
answers 503 where it does not reach the site.
"""

import mimetypes
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from tests import http
from tests.stack import Stack

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding", "content-encoding"}


class Front:
    """Within the `with`, `url` serves `folder` at /pages/, and its origin may send to the bucket."""

    unreached: re.Pattern[str] | None = None
    """Paths at which the site is not reached now."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path)
                if not path.startswith("/pages/"):
                    return self._pass_on()
                file = folder / path.removeprefix("/pages/")
                file = file / "index.html" if path.endswith("/") else file
                if not file.is_file():
                    return self._answer(404, [], b"")
                kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                self._answer(200, [("Content-Type", kind)], file.read_bytes())

            def do_POST(self) -> None:
                self._pass_on()

            def do_DELETE(self) -> None:
                self._pass_on()

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if front.unreached and front.unreached.match(self.path):
                    return self._answer(503, [], b"")
                headers = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP]
                answer = client.request(self.command, stack.site.url + self.path, content=body, headers=headers)
                self._answer(answer.status_code, answer.headers.multi_items(), answer.content)

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        client = self._client = http.Client(timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        stack.configure_bucket(self.url)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()
