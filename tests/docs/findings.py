"""What the doctor can say, read from its source: each warning and each failure with its fix.

A value that is known only when the doctor runs is shown as "…".
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT

DOCTOR = ROOT / "uploads" / "operations" / "doctor"
UNKNOWN = "…"


@dataclass(frozen=True)
class Said:
    """One line of the doctor."""

    level: str
    name: str
    text: str
    cure: str


def said() -> list[Said]:
    """In the order of the modules and of their lines, each once."""
    found = [each for path in sorted(DOCTOR.glob("*.py")) for each in _of_module(path)]
    return list(dict.fromkeys(each for each in found if each.text != UNKNOWN))


def _of_module(path: Path) -> Iterator[Said]:
    name = "uploads.operations.doctor" + ("" if path.stem == "__init__" else f".{path.stem}")
    constants = vars(importlib.import_module(name))
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef):
            yield from _of_function(function, constants)


def _of_function(function: ast.FunctionDef, constants: dict[str, object]) -> Iterator[Said]:
    inner = {each.name: each for each in ast.walk(function) if isinstance(each, ast.FunctionDef) and each != function}
    inside = {id(node) for each in inner.values() for node in ast.walk(each)}
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call) and id(node) not in inside):
        called = call.func.id if isinstance(call.func, ast.Name) else ""
        texts = _Texts(function, call.lineno, constants)
        if called == "Finding":
            yield from _finding(call, texts)
        elif called in inner:
            given = {each.arg: texts.of(value) for each, value in zip(inner[called].args.args, call.args, strict=True)}
            for finding in (node for node in ast.walk(inner[called]) if isinstance(node, ast.Call)):
                if isinstance(finding.func, ast.Name) and finding.func.id == "Finding":
                    yield from _finding(finding, _Texts(inner[called], finding.lineno, constants | given))


def _finding(call: ast.Call, texts: "_Texts") -> Iterator[Said]:
    level, name, text, *cure = (texts.of(argument) for argument in call.args)
    if level != "ok":
        said = (re.sub(f"{UNKNOWN}+", UNKNOWN, each) for each in (name, text, cure[0] if cure else ""))
        yield Said(level, *said)


class _Texts:
    """The values of expressions at one line of a function."""

    def __init__(self, function: ast.FunctionDef, line: int, constants: dict[str, object]) -> None:
        self._constants = constants
        self._assigned: dict[str, ast.expr] = {}
        for node in sorted(ast.walk(function), key=lambda node: getattr(node, "lineno", 0)):
            if isinstance(node, ast.Assign) and node.lineno < line:
                self._assigned |= _pairs(node.targets[0], node.value)

    def of(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=values):
                return "".join(self.of(value) for value in values)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.of(left) + self.of(right)
            case ast.Name(id=name) if name in self._assigned:
                return self.of(self._assigned.pop(name))
            case ast.Name(id=name):
                constant = self._constants.get(name)
                return constant if isinstance(constant, str) else UNKNOWN
            case ast.Call(func=ast.Attribute(attr="get"), args=[_, otherwise]):
                return self.of(otherwise)
            case ast.Call(func=ast.Attribute(value=text, attr="format"), keywords=keywords):
                return self.of(text).format(**{each.arg or "": UNKNOWN for each in keywords})
        return UNKNOWN


def _pairs(target: ast.expr, value: ast.expr) -> dict[str, ast.expr]:
    """Each name of an assignment with its value."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return {each.id: one for each, one in zip(target.elts, value.elts, strict=True) if isinstance(each, ast.Name)}
    return {}
