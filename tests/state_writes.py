"""Where the code writes the state of an upload, read from the syntax trees.

The search errs on the side of finding too much: it does not know types, so a write to any attribute or field of the
name `state` counts, but for `self.state`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.imports import called, constants

FIELD = "state"
CREATING = {"Upload", "create", "get_or_create", "update_or_create"}
UPDATING = {"update", "bulk_create", "bulk_update", "save", "asave", "aupdate", "abulk_create", "abulk_update"}
SQL = re.compile(r"\bupdate\s+\S+\s+set\b.*\bstate\b|\binsert\s+into\b.*\bstate\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Write:
    function: str
    """Qualified: `UploadQuerySet.advance`; empty at the top of a module."""
    line: int
    source: str


def state_writes(source: str) -> list[Write]:
    """Every place in a module that writes the state, in the order of its lines."""
    found = []
    for function, scope in functions(ast.parse(source)):
        for node in own_nodes(scope):
            if writes(node, scope):
                found.append(Write(function, node.lineno, ast.unparse(node)))
    return sorted(found, key=lambda write: write.line)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The module itself and each function in it, with its qualified name."""

    def within(scope: ast.AST, names: tuple[str, ...]) -> Iterator[tuple[str, ast.AST]]:
        for node in ast.iter_child_nodes(scope):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield ".".join((*names, node.name)), node
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            yield from within(node, (*names, node.name) if named else names)

    yield "", tree
    yield from within(tree, ())


def own_nodes(scope: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    """The nodes of a function, without those of the functions within it."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.stmt | ast.expr):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from own_nodes(node)


def writes(node: ast.AST, scope: ast.AST) -> bool:
    match node:
        case ast.Assign(targets=targets):
            return any(is_state(target) for each in targets for target in ast.walk(each))
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return is_state(target)
        case ast.Call():
            return call_writes(node, scope)
        case ast.Constant(value=str(text)):
            return SQL.search(text) is not None
    return False


def is_state(target: ast.AST) -> bool:
    match target:
        case ast.Attribute(attr="state", value=ast.Name(id="self")):
            return False
        case ast.Attribute(attr="state"):
            return True
        case ast.Subscript(value=ast.Attribute(attr="__dict__"), slice=ast.Constant(value="state")):
            return True
    return False


def call_writes(node: ast.Call, scope: ast.AST) -> bool:
    name = called(node)
    if name in ("setattr", "__setattr__"):
        return any(isinstance(each, ast.Constant) and each.value == FIELD for each in node.args)
    if name in CREATING | UPDATING and any(keyword.arg == FIELD for keyword in node.keywords):
        return True
    if name in CREATING | UPDATING:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        return any(FIELD in mentioned(each, scope) for each in given)
    return False


def mentioned(expression: ast.AST, scope: ast.AST) -> set[str]:
    """The strings in an expression, and in what the function assigns to the names in it."""
    names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    texts = set(constants(expression))
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and names & {t.id for t in node.targets if isinstance(t, ast.Name)}:
            texts |= {*constants(node.value)} | keywords_of(node.value)
    return texts


def keywords_of(expression: ast.AST) -> set[str]:
    """`state` in `dict(state=…)`."""
    calls = [node for node in ast.walk(expression) if isinstance(node, ast.Call)]
    return {keyword.arg for node in calls if called(node) == "dict" for keyword in node.keywords if keyword.arg}
