"""The schema as a file, and what the TypeScript of the generators is compiled with."""

import json
import shutil
from pathlib import Path

from tests.openapi import schema
from tests.packed import MODULES, node
from tests.stack import ROOT

TYPESCRIPT = ROOT / "tests" / "clients" / "typescript"


def write_schema(folder: Path) -> Path:
    """The OpenAPI document as JSON."""
    path = folder / "schema.json"
    path.write_text(json.dumps(schema()))
    return path


def consumer(folder: Path, name: str) -> Path:
    """A copy of `typescript/<name>.ts`, beside which `generated/` is made; the packages are found from there."""
    shutil.copy(TYPESCRIPT / f"{name}.ts", folder)
    shutil.copy(TYPESCRIPT / "package.json", folder)
    (folder / "node_modules").symlink_to(TYPESCRIPT / "node_modules")
    config = json.loads((TYPESCRIPT / "tsconfig.json").read_text())
    (folder / "tsconfig.json").write_text(json.dumps({**config, "include": ["*.ts", "generated/**/*.ts"]}))
    return folder


def compile_strictly(folder: Path) -> None:
    """Compile everything with the compiler of the front end. JavaScript is written beside it."""
    node(folder, str(MODULES / "typescript" / "bin" / "tsc"), "--project", "tsconfig.json")
