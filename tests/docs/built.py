"""What must hold of the built site: its links lead somewhere, it needs no other host, and it keeps a strict policy."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

from tests.browser import FLAGS, without_windows
from tests.docs.links import is_external, is_well_formed
from tests.http import TIMEOUT

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and LOADED[tag] in given and given.get("rel") != "canonical":
            self.loaded.append(given[LOADED[tag]])
        self.inline += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if (tag == "script" and "src" not in given and given.get("type") != "application/json") or tag == "style":
            self.inline.append(tag)


def problems(site: Path) -> Iterator[str]:
    """A sentence for each link that leads nowhere, each request to another host, and each inline script or style."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        yield from (f"{name}: {what} is inline" for what in page.inline)
        yield from (f"{name} loads {target}" for target in page.loaded if is_external(target) and "data:" not in target)
        for target in [*page.links, *page.loaded]:
            if target.startswith("data:"):
                continue
            if is_external(target):
                if not is_well_formed(target):
                    yield f"{name}: {target} is no address of a page"
            elif not _leads_somewhere(path, target, site, pages):
                yield f"{name}: {target} leads nowhere"


def _read(path: Path) -> _Reader:
    reader = _Reader()
    reader.feed(path.read_text())
    return reader


def _leads_somewhere(path: Path, target: str, site: Path, pages: dict[Path, _Reader]) -> bool:
    parts = urlsplit(target)
    if path.name == "404.html":  # Its links are from the root, because it may be shown anywhere.
        return parts.path.startswith("/")
    file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if file.is_dir():
        file /= "index.html"
    if not file.is_relative_to(site.resolve()) or not file.exists():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or file not in pages or anchor in pages[file].anchors or anchor.startswith("only-")


# In a browser


def refusals(site: Path) -> Iterator[str]:
    """What Chromium reports when it opens each page under POLICY, with a search in the first: violations, errors, and
    requests to other hosts."""
    with _served(site) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=without_windows(), args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(TIMEOUT * 1000)
        found: list[str] = []
        page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on("request", lambda request: request.url.startswith((origin, "data:")) or found.append(request.url))
        for path in sorted(site.rglob("*.html")):
            name = path.relative_to(site).as_posix()
            if name == "404.html":
                continue
            page.goto(f"{origin}/{name}", wait_until="load")
            yield from (f"{name}: {text}" for text in found)
            found.clear()
        page.goto(f"{origin}/index.html")
        page.keyboard.press("/")
        page.keyboard.type("presigned")
        page.locator(".md-search-result__item").first.wait_for()
        yield from (f"search: {text}" for text in found)
        browser.close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the requests are those of this check."""


@contextmanager
def _served(site: Path) -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
