"""Browsers older than these: interfaces that they lack are taken away before the page's script is loaded."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.browsers.page import ELEMENT, SENT, Page
from tests.e2e.test_trouble import FOR_EVER, PARTS, Faults, written
from tests.e2e.test_upload import assert_arrived
from tests.front import Front
from tests.stack import Stack, wait_until

LACKING = """
delete AbortSignal.any;
delete Array.fromAsync;
for (const name of ["toSorted", "toReversed", "toSpliced", "with", "findLast", "findLastIndex"]) {
  delete Array.prototype[name];
}
for (const name of ["withResolvers", "try"]) delete Promise[name];
for (const name of Object.getOwnPropertyNames(globalThis.Iterator?.prototype ?? {})) delete Iterator.prototype[name];
for (const name of ["union", "intersection", "difference", "symmetricDifference", "isSubsetOf", "isSupersetOf"]) {
  delete Set.prototype[name];
}
delete Object.groupBy;
delete Map.groupBy;
delete Element.prototype.checkVisibility;
delete ElementInternals.prototype.states;
for (const name of ["toHex", "toBase64"]) delete Uint8Array.prototype[name];
for (const name of ["fromHex", "fromBase64"]) delete Uint8Array[name];
delete globalThis.showOpenFilePicker;
delete globalThis.scheduler;
delete globalThis.requestIdleCallback;
delete globalThis.structuredClone;
for (const name of ["locks", "wakeLock"]) delete Navigator.prototype[name];
const { supports } = CSS;
CSS.supports = (...given) => !given.join().includes("light-dark") && supports.apply(CSS, given);
"""
"""Of each of these some browser of the floor has none: Chrome 109, Firefox 115, Safari 16.4."""
TOO_OLD = "delete Document.prototype.adoptedStyleSheets;"
HTML = """<!doctype html><html lang="en"><title>Old</title>
<script>{script}</script>
<script type="module" src="/static/uploads/oss-uploads.js"></script>
<oss-uploader api="/api/"><p>This browser is too old.</p></oss-uploader>"""


@pytest.fixture(scope="module")
def old_pages(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the pages of browsers that are too old, or nearly, are."""
    folder = tmp_path_factory.mktemp("pages")
    for name, script in {"old": LACKING, "too-old": TOO_OLD}.items():
        (folder / f"{name}.html").write_text(HTML.format(script=script))
    with Front(stack, folder) as front:
        yield front.url


@pytest.fixture
def page(tabs: Callable[[], AbstractContextManager[Page]], stack: Stack, old_pages: str) -> Iterator[Page]:
    """Logged in at the origin of the old pages."""
    with tabs() as page:
        page.log_in(stack)  # A cookie belongs to a host, whatever its port.
        page.open(f"{old_pages}/pages/old.html")
        page.wait_for(f"() => Boolean({ELEMENT}.shadowRoot && window.ossUploads)", "the element")
        page.evaluate(SENT)
        yield page


@pytest.mark.core
def test_a_browser_of_the_floor_uploads_and_pauses(
    page: Page, stack: Stack, faults: Faults, tmp_path: Path, engine: str
) -> None:
    assert page.evaluate("() => typeof AbortSignal.any") == "undefined"
    file = written(tmp_path / f"{engine} old.bin", engine)
    busy = {"operation": "UploadPart", "after": 2, "count": 1, "error": {"status": 503, "code": "SlowDown"}}
    faults.set(busy, {"operation": "UploadPart", "after": 4, "delay": FOR_EVER})
    page.choose([file])
    wait_until(lambda: min(faults.struck) > 0, "both faults to strike")
    page.click("pause")
    page.await_items("paused")
    faults.clear()
    wait_until(lambda: page.focused() == "resume", "the focus to stand on Resume")
    page.click("resume")
    page.await_items("completed")
    assert set(page.sent) == set(range(1, PARTS + 1))
    assert page.count("error") == 0, page.text()
    assert_arrived(stack, {"id": page.evaluate(f"() => {ELEMENT}.uploads[0].id")}, file)


DROP = f"""() => {{
  const zone = {ELEMENT}.shadowRoot.querySelector(".zone");
  zone.dispatchEvent(new DragEvent("dragover", {{ cancelable: true }}));
  const items = [{{ kind: "file", getAsFile: () => new File(["1"], "dropped.txt") }}];
  const drop = new DragEvent("drop", {{ bubbles: true, cancelable: true }});
  Object.defineProperty(drop, "dataTransfer", {{ value: {{ items }} }});
  zone.dispatchEvent(drop);
}}"""


def test_a_browser_of_the_floor_takes_drops(page: Page) -> None:
    page.evaluate(DROP)
    page.await_items("completed")


def test_its_colours_are_those_of_one_scheme(page: Page) -> None:
    """`light-dark()` without support makes a colour invalid, and a button transparent."""
    colour = f"() => getComputedStyle({ELEMENT}.shadowRoot.querySelector('.primary')).backgroundColor"
    assert page.evaluate(colour) in ("rgb(36, 87, 214)", "rgb(143, 176, 255)")
    assert "light-dark" not in page.evaluate(f"() => getComputedStyle({ELEMENT}).getPropertyValue('--oss-accent')")


@pytest.mark.core
def test_a_browser_below_the_floor_shows_what_the_page_says_about_it(page: Page, old_pages: str) -> None:
    page.open(f"{old_pages}/pages/too-old.html")
    page.wait_for("() => Boolean(window.ossUploads)", "the script to run to its end")
    assert page.evaluate(f"() => {ELEMENT}.innerText") == "This browser is too old."


def test_the_sites_own_page_says_it_in_words(tab: Page, stack: Stack) -> None:
    """Hidden by the element where there is one."""
    tab.log_in(stack)
    said = "() => document.querySelector('oss-uploader > .too-old').checkVisibility()"
    assert tab.evaluate(said) is False
    tab.evaluate(
        f"""() => {{
          const copy = document.createElement("old-uploader");
          copy.append({ELEMENT}.firstElementChild.cloneNode(true));
          document.querySelector("main").append(copy);
        }}"""
    )
    shown = "() => getComputedStyle(document.querySelector('old-uploader > .too-old')).visibility === 'visible'"
    tab.wait_for(shown, "the sentence")
