"""WebKitGTK's MiniBrowser under a display of its own, driven over WebDriver (https://www.w3.org/TR/webdriver2/)."""

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx

from tests.browsers.page import ELEMENT, PATIENCE, Page
from tests.stack import accepts, free_port, wait_until

ELEMENT_KEY = "element-6066-11e4-a52e-4f735466cecf"
"""Under which WebDriver names an element of the page."""
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " "}
BRIEF = 5
"""Seconds for a question that is asked again."""
SANDBOX = "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"
"""WebKit's sandbox needs namespaces that containers do not give. The pages are our own."""
NARROW = "* { padding: 0; margin: 0; min-width: 0; border-width: 0; letter-spacing: -1px; }"
"""Otherwise the browser's own buttons make its windows wider than a phone."""
ASK = """const done = arguments[arguments.length - 1];
Promise.resolve().then(() => (FUNCTION)(...arguments[0]))
  .then((value) => done({ value }), (error) => done({ error: String(error) + error.stack }));"""


def executable() -> str | None:
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    return str(found[-1]) if found and shutil.which("WebKitWebDriver") and shutil.which("Xvfb") else None


class Session:
    """A browser. Commands go to its current tab."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=PATIENCE * 2)
        self._path = ""
        options = {"binary": executable(), "args": ["--automation"]}
        wanted = {"webkitgtk:browserOptions": options, "unhandledPromptBehavior": "accept"}
        answer = self("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._path = f"/session/{answer['sessionId']}"
        self.set_timeout(PATIENCE)

    def __call__(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The value of the answer. Raises RuntimeError with what the browser says."""
        given = {} if method == "POST" and body is None else body
        value = self._client.request(method, self._path + path, json=given).json()["value"]
        if isinstance(value, dict) and value.get("error"):
            raise RuntimeError(f"{method} {path}: {value['error']}: {value.get('message')}")
        return value

    def set_timeout(self, seconds: int) -> None:
        """Of the scripts that follow."""
        self("POST", "/timeouts", {"script": seconds * 1000, "pageLoad": PATIENCE * 1000})

    def end(self) -> None:
        self("DELETE", "")
        self._client.close()


class WebKitPage(Page):
    """A tab of a session, which becomes the current one whenever it is asked something."""

    def __init__(self, session: Session, handle: str) -> None:
        self._session, self._handle = session, handle

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self._session("POST", "/window", {"handle": self._handle})
        return self._session(method, path, body)

    def open(self, url: str) -> None:
        self._send("POST", "/url", {"url": url})
        # WebKit may give the page another process then, and forgets a script that it was given before.
        self._session.set_timeout(BRIEF)
        wait_until(self._answers, "the page to answer")
        self._session.set_timeout(PATIENCE)

    def _answers(self) -> bool:
        script = "return document.readyState === 'complete'"
        try:
            return bool(self._send("POST", "/execute/sync", {"script": script, "args": []}))
        except RuntimeError:
            return False

    def evaluate(self, function: str, *arguments: Any) -> Any:
        script = ASK.replace("FUNCTION", function)
        answer = self._send("POST", "/execute/async", {"script": script, "args": [list(arguments)]})
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("value")

    def click(self, testid: str) -> None:
        self._send("POST", f"/element/{self._await_element(testid)}/click")

    def press(self, key: str) -> None:
        value = KEYS[key]
        actions = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._send("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def choose(self, paths: Sequence[Path], testid: str = "file-input") -> None:
        text = "\n".join(map(str, paths))
        self._send("POST", f"/element/{self._element(testid)}/value", {"text": text})

    def fill(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            using = {"using": "css selector", "value": f"[name={name}]"}
            found = self._send("POST", "/element", using)[ELEMENT_KEY]
            self._send("POST", f"/element/{found}/value", {"text": value})
        before = self.evaluate("() => performance.timeOrigin")
        self.press("Enter")
        self.wait_for(
            "(before) => performance.timeOrigin !== before && document.readyState === 'complete'", "the page", before
        )

    def forget_login(self) -> None:
        self._send("DELETE", "/cookie")

    def resize(self, width: int, height: int) -> None:
        """The window's frame is a part of its size, and not known before."""
        for _ in range(2):
            inner = self.evaluate("() => [innerWidth, innerHeight]")
            outer = self._send("GET", "/window/rect")
            more = {"width": width - inner[0] + outer["width"], "height": height - inner[1] + outer["height"]}
            self._send("POST", "/window/rect", more)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._send("GET", "/screenshot")))

    def new_tab(self) -> Self:
        self._session("POST", "/window", {"handle": self._handle})
        return type(self)(self._session, self._session("POST", "/window/new", {"type": "window"})["handle"])

    def close(self) -> None:
        self._send("DELETE", "/window")

    def _element(self, testid: str) -> str | None:
        """The last one: of several buttons that of the newest upload is above, and hidden ones come first."""
        script = f"return [...{ELEMENT}.shadowRoot.querySelectorAll('[data-testid={testid}]')].at(-1) ?? null"
        found = self._send("POST", "/execute/sync", {"script": script, "args": []})
        return str(found[ELEMENT_KEY]) if found else None

    def _await_element(self, testid: str) -> str:
        self.await_visible(testid)
        return str(self._element(testid))


@contextmanager
def launched() -> Iterator[Session]:
    """A browser that remembers nothing, on a display that nobody sees."""
    with TemporaryDirectory(prefix="uploads-webkit-") as home, _display() as display:
        (Path(home) / "gtk-3.0").mkdir()
        (Path(home) / "gtk-3.0" / "gtk.css").write_text(NARROW)
        own = {"DISPLAY": display, "XDG_CONFIG_HOME": home, SANDBOX: "1", "LIBGL_ALWAYS_SOFTWARE": "1"}
        port = free_port()
        command = ["WebKitWebDriver", f"--port={port}"]
        with subprocess.Popen(command, env={**os.environ, **own}, stderr=subprocess.DEVNULL) as driver:
            try:
                wait_until(lambda: accepts(port), "WebKitWebDriver")
                session = Session(f"http://127.0.0.1:{port}")
                yield session
                session.end()
            finally:
                driver.kill()


@contextmanager
def _display() -> Iterator[str]:
    """An X server of its own. Its name, such as `:1`."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout
        try:
            yield ":" + server.stdout.readline().decode().strip()
        finally:
            server.kill()


@contextmanager
def opened(session: Session) -> Iterator[WebKitPage]:
    """A new tab. Whoever was logged in before still is."""
    handles = session("GET", "/window/handles")
    session("POST", "/window", {"handle": handles[0]})
    page = WebKitPage(session, session("POST", "/window/new", {"type": "window"})["handle"])
    try:
        yield page
    finally:
        for handle in session("GET", "/window/handles"):
            if handle not in handles:
                WebKitPage(session, handle).close()
