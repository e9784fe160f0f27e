"""A tab of a chaos run, whose site may be down when it is opened."""

import random
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.chaos.files import Mix
from tests.chaos.ledger import Ledger
from tests.chaos.tab import Tab
from tests.e2e.conftest import PATIENCE

PAGE = """<!doctype html><script>
window.ossUploads = { OssUploader: class { upload() { return { done: new Promise(() => {}) }; }
  folders() { return new Promise(() => {}); } } };
</script><oss-uploader></oss-uploader>"""


class Site(ThreadingHTTPServer):
    """Answers as nginx does whose site is down, until `up`."""

    up = False


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = (PAGE if server.up else "<h1>502 Bad Gateway</h1>").encode()
            self.send_response(200 if server.up else 502)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with Site(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_page_of_a_site_that_is_down_is_opened_again(
    context: BrowserContext, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.chaos.tab.READY_MS", PATIENCE)
    browser: Any = SimpleNamespace(
        world=SimpleNamespace(url=f"http://127.0.0.1:{site.server_port}/"), ledger=Ledger(), user="user", mix=Mix(),
        engine="chromium", luck=random.Random(1), notes=Counter(), protocols=set(), finishing=SimpleNamespace(
            is_set=lambda: False), has_worked=False,
    )  # fmt: skip
    tab = Tab(browser, "tab")
    tab.step(context)
    assert browser.notes == {"page not opened: the site answered 502": 1}, "it did not wait for the element"
    assert context.pages == []
    assert not browser.has_worked
    site.up = True
    tab.step(context)
    tab.step(context)
    assert browser.has_worked
    assert {entry.spec.how for entry in browser.ledger.entries()} == {"folder"}
