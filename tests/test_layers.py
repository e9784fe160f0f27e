"""The arrows of the house point down; who imports what is read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = ("oss", "localoss", "domain")
FRAMEWORKS = ("django", "rest_framework", "drf_spectacular", "django_filters")

MAY_IMPORT: dict[str, set[str]] = {
    "oss": set(),
    "localoss": {"oss"},
    "domain": {"oss"},
    "signals": set(),
    "telemetry": {"oss"},
    "conf": {"domain", "oss"},
    "checks": {"conf", "domain", "oss"},
    "connection": {"conf", "telemetry", "oss"},
    "objects": {"conf", "domain", "oss"},
    "storage": {"objects", "conf", "connection", "domain", "oss"},
    "models": {"domain", "signals", "connection", "objects", "oss"},
    "forms": {"models", "domain"},
    "apps": {"checks", "connection"},
    "services": {"models", "domain", "conf", "connection", "signals", "telemetry", "oss"},
    "web": {"services", "models", "domain", "conf", "oss"},
    "api": {"web", "services", "models", "domain", "conf", "companion", "oss"},
    "companion": {"web", "api", "services", "models", "domain", "oss"},
    "admin": {"services", "models", "domain", "conf", "connection", "oss"},
    "operations": {"models", "domain", "conf", "connection", "telemetry", "oss"},
    "management": {"operations", "services", "models", "conf", "connection", "domain", "oss", "localoss", "site"},
    "pytest_plugin": {"connection", "localoss", "models", "services"},
    "site": {"api", "web", "operations", "conf", "oss"},
}
"""Room → the rooms below it that it may use. A new room needs a line here, and a reason to be where it is."""


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "uploads").rglob("*.py")):
        relative = path.relative_to(ROOT / "uploads")
        if relative.parts[0] not in ("migrations", "__init__.py"):
            yield relative.parts[0].removesuffix(".py"), path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            yield node.module or ""
            if node.module == "uploads":
                yield from (f"uploads.{alias.name}" for alias in node.names)


ROOMS = [pytest.param(room, path, id=str(path.relative_to(ROOT))) for room, path in modules()]


@pytest.mark.parametrize(("room", "path"), ROOMS)
def test_imports_point_down(room: str, path: Path) -> None:
    used = {name.split(".")[1] for name in imports(path) if name.startswith("uploads.")}
    assert used - {room} <= MAY_IMPORT[room]


@pytest.mark.parametrize(("room", "path"), ROOMS)
def test_frameworks_stay_where_they_belong(room: str, path: Path) -> None:
    used = {name.split(".")[0] for name in imports(path)} & set(FRAMEWORKS)
    if room in PURE:
        assert not used
    elif room not in ("web", "api", "companion"):
        assert used <= {"django"}


def test_only_the_client_opens_sockets() -> None:
    users = {path.name for room, path in modules() if room == "oss" and "httpx" in set(imports(path))}
    assert users == {"client.py"}


def test_state_has_one_writer() -> None:
    """`advance()` alone names `state` in an update."""
    writers = [
        f"{path.name}:{node.lineno}"
        for _, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "update"
        and any(keyword.arg == "state" for keyword in node.keywords)
    ]
    assert len(writers) == 1
    assert writers[0].startswith("models.py")
