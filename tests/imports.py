"""Which modules of `uploads` use which others, read from their syntax trees.

An import counts wherever it stands, inside functions too. So do modules that are named by a string, because Django
imports them: `include("uploads.api.urls")`, the dotted paths in settings, `python -m` in a list of arguments, and the
management commands that `call_command` runs.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "uploads"
DOTTED = re.compile(r"\buploads(?:\.[A-Za-z_]\w*)+")

Graph = dict[str, set[str]]
"""Name → the names that it uses."""


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Dotted name → file, of every module but the migrations."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = (package.name, *path.relative_to(package).with_suffix("").parts)
        if "migrations" not in parts:
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def room(module: str) -> str:
    """The part of the package that a module belongs to: `uploads.oss.client` → `oss`, `uploads` → ``."""
    return module.partition(".")[2].partition(".")[0]


def module_graph(found: Mapping[str, Path]) -> Graph:
    """Module → the modules it uses, itself left out."""
    return {name: {*uses(name, ast.parse(path.read_text()), found)} - {name} for name, path in found.items()}


def room_graph(graph: Graph) -> Graph:
    """The same between rooms; `uploads/__init__.py` is in none."""
    rooms: Graph = {}
    for module, used in graph.items():
        if room(module):
            rooms.setdefault(room(module), set()).update({room(name) for name in used} - {room(module), ""})
    return rooms


def uses(module: str, tree: ast.AST, found: Mapping[str, Path]) -> Iterator[str]:
    """The modules among `found` that one module uses."""
    for name in imported(tree):
        yield from filter(None, [nearest(name, found)])
    for text in strings(tree):
        for name in DOTTED.findall(text):
            yield from filter(None, [nearest(name, found)])
    for command in commands(tree):
        yield from {f"uploads.management.commands.{command}"} & found.keys()


def nearest(name: str, found: Mapping[str, Path]) -> str | None:
    """The module that a dotted name leads to: `uploads.web.problems.problem_handler` → `uploads.web.problems`.

    None for the package itself, which is also the name of the Django app and of its permissions.
    """
    while name not in found and "." in name:
        name = name.rpartition(".")[0]
    return name if "." in name and name in found else None


def imported(tree: ast.AST) -> Iterator[str]:
    """Every name that an import statement names. `from a import b` gives `a.b`, be `b` a module or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: relative import")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string but those that stand alone: docstrings."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def commands(tree: ast.AST) -> Iterator[str]:
    """The names in `call_command("name")` and `["manage.py", "name"]`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) == "call_command" and node.args:
            yield from constants(node.args[0])
        elif isinstance(node, ast.List | ast.Tuple):
            texts = [next(iter(constants(element)), "") for element in node.elts]
            yield from (name for before, name in pairwise(texts) if before.endswith("manage.py"))


def called(node: ast.Call) -> str:
    """The last name of what is called: `update` for `queryset.filter().update()`."""
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def constants(node: ast.AST) -> Iterator[str]:
    """Every string within an expression."""
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
