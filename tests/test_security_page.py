"""The page on threats names tests that exist, and every module of attacks."""

import ast
import re
from functools import cache

import pytest

from tests.stack import ROOT

TESTS = ROOT / "tests"
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
ATTACKS = ("*attacks", "hostile", "access", "signed_requests", "logins", "slow_clients", "callbacks")
"""Names of the modules that attack the app. Those of the local OSS server and of projects attack others."""
ELSEWHERE = {"localoss", "interop", "guest", "live", "oss"}


@cache
def functions_of(module: str) -> set[str]:
    tree = ast.parse((TESTS / module).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize(("module", "test"), NAMED)
def test_each_test_on_the_page_exists(module: str, test: str) -> None:
    assert test in functions_of(module)


def test_each_line_names_a_test() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| ---", "| attack"))]
    assert len(lines) > 50
    assert [line for line in lines if not re.search(r"`[\w/]+\.py::\w+` *[|;,]", line)] == []


def test_every_module_of_attacks_is_named() -> None:
    found = {path.relative_to(TESTS) for name in ATTACKS for path in TESTS.rglob(f"test_{name}.py")}
    modules = {path.as_posix() for path in found if path.parts[0] not in ELSEWHERE}
    assert len(modules) >= 7
    assert modules <= {module for module, _ in NAMED}
