"""One tab: starts uploads in its page, asks how they ended, and starts them again after it was closed."""

import random
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import BrowserContext, Error, Page

from tests.chaos.files import Spec, specs_of_turn

if TYPE_CHECKING:
    from tests.chaos.browsers import Browser

SCRIPT = (Path(__file__).parent / "page.js").read_text()
SKEWS = (0, -86_400_000, 86_400_000)
"""Milliseconds that the device's clock is wrong by."""
SKEW = "const real = Date.now; Date.now = () => real() + %d;"
PROTOCOL = "() => performance.getEntriesByType('navigation')[0]?.nextHopProtocol ?? ''"
READY = "() => window.ossUploads && document.querySelector('oss-uploader')"
READY_MS = 20_000
"""Where the site goes down while its scripts are loaded, the page never becomes ready, and is opened again."""
LOG_IN = "(user) => { chaos.user = user; return chaos.logIn(); }"


class Tab:
    """`step` never waits for an upload."""

    def __init__(self, browser: "Browser", name: str) -> None:
        self._browser, self._name = browser, name
        self._luck = random.Random(browser.luck.randrange(1 << 30))
        self._page: Page | None = None
        self._running: dict[str, Spec] = {}
        self._to_abort = ""
        self._count = 0

    @property
    def is_idle(self) -> bool:
        return not self._running

    def note_waiting(self) -> None:
        """Note what the page waits for."""
        with suppress(Error):
            for line in self._page.evaluate("() => chaos.waiting()") if self._page else list(self._running):
                self._browser.notes[f"never ended: {line}"] += 1

    def lost(self) -> None:
        """The browser has gone."""
        self._page = None

    def close(self) -> None:
        """As a user does who has had enough."""
        page, self._page = self._page, None
        if page is not None:
            with suppress(Error):
                page.close(run_before_unload=False)

    def step(self, context: BrowserContext) -> None:
        """Do what is next. Raises playwright's Error if the browser has gone."""
        if self._page is None or self._page.is_closed():
            self._open(context)
            return
        try:
            self._hear(self._page.evaluate("() => chaos.poll()"))
            if not self._running and not self._browser.finishing.is_set():
                self._begin(self._page)
        except Error as error:
            self._browser.notes[f"page gone: {str(error).splitlines()[0][:80]}"] += 1
            self.close()
            if context.browser is not None and not context.browser.is_connected():
                raise

    def _open(self, context: BrowserContext) -> None:
        """The page with a login, and what was interrupted. Where the site does not answer, nothing."""
        page = context.new_page()
        page.add_init_script(SKEW % self._luck.choice(SKEWS))
        try:
            self._log_in(page)
        except Error as error:
            self._browser.notes[f"page not opened: {str(error).splitlines()[0][:80]}"] += 1
            page.close(run_before_unload=False)
            return
        self._page = page
        self._resume(page)

    def _log_in(self, page: Page) -> None:
        self._go(page)
        if "login" in page.url:
            page.evaluate(LOG_IN, self._browser.user)
            self._go(page)
        page.evaluate("(user) => { chaos.user = user; }", self._browser.user)
        self._browser.protocols.add(page.evaluate(PROTOCOL))
        page.wait_for_function(READY, timeout=READY_MS)

    def _go(self, page: Page) -> None:
        """To the site's page. Raises playwright's Error for nginx's own page too, which says that the site is down."""
        answer = page.goto(self._browser.world.url)
        if answer is None or not answer.ok:
            raise Error(f"the site answered {answer.status if answer else 'nothing'}")
        page.evaluate(SCRIPT)

    def _resume(self, page: Page) -> None:
        """Most users choose the same file again; the others do not come back."""
        again = []
        for spec in list(self._running.values()):
            if not self._browser.finishing.is_set() and self._luck.random() < 0.1:
                self._browser.ledger.tell(spec.name, "left")
                del self._running[spec.name]
            elif spec.how == "stream":
                page.evaluate("(spec) => chaos.keep(spec)", _as_json(spec))
            else:
                again.append(_as_json(spec))
        page.evaluate("(specs) => chaos.start(specs)", again)
        self._browser.has_worked |= bool(self._running)

    def _begin(self, page: Page) -> None:
        self._count += 1
        name = f"{self._name}-{self._count}"
        specs = specs_of_turn(self._luck, name, self._count, self._browser.mix)
        self._browser.ledger.begin(self._browser.engine, specs)
        self._running = {spec.name: spec for spec in specs}
        page.evaluate("(specs) => chaos.start(specs)", [_as_json(spec) for spec in specs])
        self._browser.has_worked = True
        self._to_abort = name if len(specs) == 1 and self._luck.random() < 0.04 else ""

    def _hear(self, answer: dict[str, Any]) -> None:
        for told in answer["told"]:
            self._running.pop(told["name"], None)
            self._browser.ledger.tell(told["name"], told["outcome"], told["code"], told["id"])
            if told["why"]:
                turn = "-".join(told["name"].split("-")[:4])  # The files of a folder often fail alike.
                self._browser.notes[f"{turn}: {told['why']}"] += 1
        if self._to_abort and self._to_abort in answer["live"] and self._page is not None:
            self._page.evaluate("(name) => chaos.abort(name)", self._to_abort)
            self._to_abort = ""


def _as_json(spec: Spec) -> dict[str, Any]:
    return {**asdict(spec), "modified": spec.modified}
