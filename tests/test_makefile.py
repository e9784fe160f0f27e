"""What the Makefile runs in browsers is everything that needs one."""

import re

from tests.stack import ROOT

MARK = re.compile(r"pytest\.mark\.e2e\b")


def test_every_test_that_needs_a_browser_is_run() -> None:
    (listed,) = re.findall(r"^IN_BROWSERS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    run = tuple(str(ROOT / path) for path in listed.split())
    sources = (*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "tests").rglob("conftest.py"))
    marked = {str(path) for path in sources if "node_modules" not in path.parts and MARK.search(path.read_text())}
    assert {path for path in marked if not path.startswith(run)} == set()
    assert marked
