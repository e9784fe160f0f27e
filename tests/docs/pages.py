"""The pages of the site: those of docs/, five from elsewhere in the repository, and what is made of the code.

Links in the repository lead to files; here they lead to pages. What is no page of the site is named, not linked.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from posixpath import normpath, relpath

from tests.docs.links import CODE, FENCE, LINK, is_external

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
BUILT = ROOT / "var" / "docs"
PAGES = BUILT / "pages"
ELSEWHERE = {
    "README.md": "readme.md",
    "frontend/README.md": "npm.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "CHANGELOG.md": "changelog.md",
    "docs/decisions/README.md": "decisions/index.md",
}
"""Pages that have another name in the site."""
MADE = {"frontend/src/index.ts": "engine/index.md", "uploads/api/schema.py": "http.md"}
"""Pages that are made of the code, and the source that a link in the repository leads to."""
PICTURES = (".png", ".svg", ".css")
WHOLE_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
FILE = re.compile(r"^```(\w+) (?:guides/[^/\s]+/|tests/host/)(\S+)$", re.MULTILINE)
"""A block that names its file, which MkDocs shows as its title: the name in the reader's folder."""
SOURCE = re.compile(r"(<img [^>]*?src=\")([^\"]+)(\")")


def sources() -> dict[str, str]:
    """Each file of the repository that the site shows, with its path there."""
    found = dict(ELSEWHERE)
    for path in sorted(DOCS.rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in (".md", *PICTURES) and name not in found:
            found[name] = path.relative_to(DOCS).as_posix()
    found["frontend/demo/page.png"] = "assets/page.png"
    return found


def copy_all() -> None:
    """Writes the pages into an empty directory."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shown = sources()
    for source, page in shown.items():
        target = PAGES / page
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.endswith(".md"):
            text = FILE.sub(r'```\1 title="\2"', (ROOT / source).read_text())
            target.write_text(_moved(text, source, shown))
        else:
            shutil.copyfile(ROOT / source, target)


def _moved(text: str, source: str, shown: dict[str, str]) -> str:
    """The page with links that are right at its place in the site."""

    def link(found: re.Match[str]) -> str:
        label, target = found[1], found[2]
        if is_external(target) or target.startswith("#"):
            return found[0]
        here = _page_of(target, source, shown)
        return f"[{label}]({here})" if here else label

    def picture(found: re.Match[str]) -> str:
        return f"{found[1]}{_page_of(found[2], source, shown)}{found[3]}"

    return outside_code(text, lambda prose: SOURCE.sub(picture, WHOLE_LINK.sub(link, prose)))


def _page_of(target: str, source: str, shown: dict[str, str]) -> str:
    """Where a link of this file leads in the site; "" for what the site does not have."""
    path, _, anchor = target.partition("#")
    wanted = normpath(f"{source.rpartition('/')[0] or '.'}/{path}")
    page = MADE.get(wanted) or shown.get(wanted) or shown.get(f"{wanted}/README.md")
    if not page:
        return ""
    here = relpath(page, shown[source].rpartition("/")[0] or ".")
    return f"{here}#{anchor}" if anchor else here


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The page with its prose changed, and its code as it is."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\0{len(kept) - 1}\0"

    # The code in a link's text is part of the link.
    prose = change(CODE.sub(keep, FENCE.sub(keep, text)))
    while "\0" in prose:
        prose = re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], prose)
    return prose


__all__ = ["BUILT", "DOCS", "ELSEWHERE", "LINK", "PAGES", "ROOT", "copy_all", "outside_code", "sources"]
