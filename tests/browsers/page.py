"""What the journeys ask of a page, in few words, whatever drives the browser.

Everything that a page can be asked by a script is asked by one here. A driver adds what only a browser can do: open
pages, choose files, click, press keys, and take pictures.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.stack import Stack, wait_until

PATIENCE = 120
"""Seconds. A machine that is busy with other work takes its time."""
ELEMENT = "document.querySelector('oss-uploader')"
FIND = f"""(testid, state) => [...{ELEMENT}.shadowRoot.querySelectorAll(`[data-testid="${{testid}}"]`)]
  .filter((element) => !state || element.dataset.state === state)"""
SENT = """() => {
  window.sent = [];
  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.part = Number(new URL(url, location).searchParams.get("partNumber"));
    return open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (body) {
    if (this.part) sent.push(this.part);
    return send.call(this, body);
  };
}"""


class Page(ABC):
    """One tab."""

    @abstractmethod
    def open(self, url: str) -> None:
        """Load a page, and wait for its `load` event."""

    @abstractmethod
    def evaluate(self, function: str, *arguments: Any) -> Any:
        """What a JavaScript function gives, or its promise; both ways by JSON. Raises when it does."""

    @abstractmethod
    def click(self, testid: str) -> None:
        """Press a visible button of the element, as a mouse does."""

    @abstractmethod
    def press(self, key: str) -> None:
        """A key with the focus where it is: Tab, Enter or Space."""

    @abstractmethod
    def choose(self, paths: Sequence[Path], testid: str = "file-input") -> None:
        """Give real files to the element's file input."""

    @abstractmethod
    def fill(self, values: dict[str, str]) -> None:
        """Type into the fields of these names, and submit their form."""

    @abstractmethod
    def forget_login(self) -> None:
        """The browser has no cookies any more."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """In CSS pixels."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """What one sees, as PNG."""

    @abstractmethod
    def new_tab(self) -> Self:
        """With the same login and the same memory."""

    @abstractmethod
    def close(self) -> None:
        """Close the tab at once, whatever the page would like to ask."""

    def log_in(self, stack: Stack, path: str = "/", user: str = "demo") -> None:
        self.open(stack.site.url + path)
        if self.evaluate("() => Boolean(document.querySelector('[name=username]'))"):
            self.fill({"username": user, "password": user})
        self.wait_for(f"() => Boolean({ELEMENT}?.shadowRoot && window.ossUploads)", "the element")
        self.evaluate(SENT)

    def wait_for(self, function: str, what: str, *arguments: Any) -> Any:
        """Until a JavaScript function gives something truthy, which is returned."""
        found: list[Any] = []

        def holds() -> bool:
            found[:] = [self.evaluate(function, *arguments)]
            return bool(found[0])

        try:
            wait_until(holds, what, PATIENCE)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the page shows: {self.text()}") from None
        return found[0]

    def count(self, testid: str, state: str = "") -> int:
        return int(self.evaluate(f"(...given) => ({FIND})(...given).length", testid, state))

    def await_items(self, state: str, count: int = 1) -> None:
        """Until so many uploads are in this state."""
        function = f"(state, count) => ({FIND})('upload-item', state).length === count"
        self.wait_for(function, f"{count} uploads to be {state}", state, count)

    def await_text(self, testid: str, text: str) -> None:
        """Until an element with this test id has this in its text."""
        function = f"(testid, text) => ({FIND})(testid).some((found) => found.textContent.includes(text))"
        self.wait_for(function, f"{testid} to say {json.dumps(text)}", testid, text)

    def await_visible(self, testid: str) -> None:
        function = f"(testid) => ({FIND})(testid).some((found) => found.getClientRects().length > 0)"
        self.wait_for(function, f"{testid} to be there", testid)

    def text(self) -> str:
        """All that the element shows."""
        return str(self.evaluate(f"() => {ELEMENT}?.shadowRoot?.textContent ?? document.body.textContent"))

    def focused(self) -> str:
        return str(self.evaluate(f"() => {ELEMENT}.shadowRoot.activeElement?.dataset.testid ?? ''"))

    @property
    def sent(self) -> list[int]:
        """The numbers of the parts that the page sent since it was opened by `log_in`."""
        return list(self.evaluate("() => sent"))
