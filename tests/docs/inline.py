"""The theme's inline scripts, as files: a strict content security policy allows no script that is inside a page."""

import hashlib
import re
from pathlib import Path
from posixpath import relpath

INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def move_scripts(site: Path) -> None:
    """Replaces each inline script of each page by a file of the same content, which the browser runs at the same
    moment."""
    scripts = site / "assets" / "inline"
    scripts.mkdir(parents=True, exist_ok=True)
    for page in sorted(site.rglob("*.html")):

        def replace(found: re.Match[str], page: Path = page) -> str:
            name = f"{hashlib.sha256(found[1].encode()).hexdigest()[:16]}.js"
            (scripts / name).write_text(found[1])
            # A server shows the page "not found" under any address.
            root = "/assets/inline" if page.name == "404.html" else relpath(scripts, page.parent)
            return f'<script src="{root}/{name}"></script>'

        page.write_text(INLINE.sub(replace, page.read_text()))
