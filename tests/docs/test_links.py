"""The links of the documentation's own pages; `make docs` checks those of the built site."""

from pathlib import Path

import pytest

from tests.docs.links import anchors, is_external, is_well_formed, targets
from tests.docs.pages import ELSEWHERE, ROOT, sources

PAGES = {name: (ROOT / name).read_text() for name in sources() if name.endswith(".md")}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    assert [target for target in targets(PAGES[name]) if not _is_sound(target, ROOT / name)] == []


def _is_sound(target: str, page: Path) -> bool:
    if is_external(target):
        return is_well_formed(target)
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_relative_to(ROOT) or not file.exists():
        return False
    return not anchor or (file.suffix == ".md" and anchor in anchors(file.read_text()))


@pytest.mark.parametrize(
    "target", ["https://help", "ftp://example.com/a", "https://user@example.com/", "http://example.com/", "mailto:ann"]
)
def test_what_browsers_should_not_open_is_not_well_formed(target: str) -> None:
    assert not is_well_formed(target)


def test_an_address_in_the_text_is_a_link() -> None:
    text = (
        "See https://localhost:8443. `https://localhost:1` [a](https://b.example/c) (https://d.example/e); https://f/"
    )
    assert [*targets(text)] == ["https://b.example/c", "https://localhost:8443", "https://f/"]


def test_anchors_are_those_of_github() -> None:
    page = "# OSS's error codes\n## `a_b` and [c](d.md)\n## Twice\n```sh\n# no heading\n```\n## Twice\n"
    assert anchors(page) == {"osss-error-codes", "a_b-and-c", "twice", "twice-1"}


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "docs" / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    shown = [ELSEWHERE.get(name, name.removeprefix("docs/")) for name in PAGES if "/decisions/0" not in name]
    assert [page for page in shown if page not in listed] == []


def test_the_figures_are_those_of_the_record() -> None:
    from tests.docs import figures

    assert figures.PAGE.read_text() == figures.page(), "run: python -m tests.docs.figures"
