"""Diagrams as pictures: each block of Mermaid becomes two SVG files, for the light and for the dark theme.

They are drawn by the browser of the tests, when the site is built. The site itself runs no Mermaid: that would need
inline styles, which a strict content security policy forbids.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from posixpath import relpath

from playwright.sync_api import Page, sync_playwright

from tests.browser import FLAGS, without_windows
from tests.docs.pages import BUILT, PAGES

SCRIPT = Path(__file__).parent / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^ *accTitle: *(.+)$", re.MULTILINE)
THEMES = {"light": "default", "dark": "dark"}
CACHE = BUILT / "diagrams"
DRAW = """async ([text, theme]) => {
  mermaid.initialize({ startOnLoad: false, theme, htmlLabels: false, flowchart: { htmlLabels: false },
    fontFamily: "system-ui, sans-serif", deterministicIds: true });
  return (await mermaid.render("diagram", text)).svg;
}"""


def draw_all() -> None:
    """Replaces the diagrams of all pages. A diagram that has been drawn before is taken from `var/docs/diagrams`."""
    pages = [path for path in sorted(PAGES.rglob("*.md")) if "```mermaid" in path.read_text()]
    CACHE.mkdir(parents=True, exist_ok=True)
    with _painter() as painter:
        for path in pages:
            text = path.read_text()
            path.write_text(BLOCK.sub(lambda found, path=path: _pictures(found[1], path, painter), text))


def _pictures(text: str, page: Path, painter: Page) -> str:
    """The Markdown that shows a diagram in either theme."""
    title = TITLE.search(text)
    alt = title[1] if title else "Diagram"
    digest = hashlib.sha256((SCRIPT.parent.parent / "package.json").read_bytes() + text.encode()).hexdigest()[:16]
    lines = []
    for scheme, theme in THEMES.items():
        name = f"{digest}-{scheme}.svg"
        if not (CACHE / name).exists():
            (CACHE / name).write_text(_standalone(painter.evaluate(DRAW, [text, theme])))
        target = PAGES / "diagrams" / name
        target.parent.mkdir(exist_ok=True)
        target.write_text((CACHE / name).read_text())
        lines.append(f"![{alt}]({relpath(target, page.parent)}#only-{scheme})")
    return "\n".join(lines)


def _standalone(svg: str) -> str:
    """The picture with the size that it has, instead of that of the page around it."""
    box = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', svg)
    assert box
    head, _, rest = svg.partition(">")
    head = re.sub(r' (?:width|height|style)="[^"]*"', "", head)
    return f'{head} width="{float(box[1]):.0f}" height="{float(box[2]):.0f}">{rest}'


@contextmanager
def _painter() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=without_windows(), args=FLAGS)
        page = browser.new_page()
        page.add_script_tag(path=SCRIPT)
        yield page
        browser.close()
