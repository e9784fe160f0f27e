"""The Terraform module without its provider, which no package registry has.

The names of arguments and blocks are held to the provider's schema as `pulumi-alicloud` carries it, which is generated
from the provider; every reference must name something that is declared.
"""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

MODULE = "deploy/terraform"
META = {"count", "for_each", "depends_on", "lifecycle", "provider"}
"""Arguments that Terraform itself has."""
REFERENCE = re.compile(r"(?<![\w.])(var|alicloud_\w+)\.(\w+)(?:\[[^]]*\])?(?:\.(\w+))?")


def problems(tools: Path, root: Path) -> Iterator[str]:
    """What is wrong, a line each. `tools`: the environment that has python-hcl2 and pulumi-alicloud."""
    module = root / MODULE
    yield from _formatting(module)
    (schema,) = (tools / "lib").glob("python3.*/site-packages/pulumi_alicloud")
    for folder in (module, module / "example"):
        documents = [_parse(tools, path) for path in sorted(folder.glob("*.tf"))]
        for kind, name, body in _resources(documents):
            yield from (f"{kind}.{name}: {line}" for line in _wrong_names(schema, kind, body))
        yield from _undeclared(folder, documents)
    yield from _example(module)


def _formatting(module: Path) -> Iterator[str]:
    """Where Terraform is on this machine, what it says of the syntax and the layout."""
    if shutil.which("terraform"):
        command = ["terraform", "fmt", "-check", "-diff", "-recursive", str(module)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            yield f"terraform fmt: {ended.stdout or ended.stderr}"


def _parse(tools: Path, path: Path) -> dict[str, Any]:
    code = "import hcl2, json, sys; print(json.dumps(hcl2.load(open(sys.argv[1]))))"
    ended = subprocess.run([tools / "bin" / "python", "-c", code, path], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{path}: {ended.stderr}"
    return _json(ended.stdout)


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def _resources(documents: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for document in documents:
        for block in document.get("resource", []):
            for kind, named in block.items():
                for name, body in named.items():
                    yield kind.strip('"'), name.strip('"'), body


def _wrong_names(schema: Path, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    _, service, rest = kind.split("_", 2)
    path = schema / service / f"{rest}.py"
    if not path.exists():
        yield "there is no such resource"
        return
    yield from _unlike(_arguments(path, f"{_camel(rest)}Args"), schema / service / "_inputs.py", body)


def _unlike(arguments: Mapping[str, tuple[bool, str]], inputs: Path, body: Mapping[str, Any]) -> Iterator[str]:
    """Names in a body that the arguments have not, and required ones that the body has not."""
    given = {name: value for name, value in _flat(body) if name not in META and not name.startswith("__")}
    for name, value in given.items():
        # Blocks that may be repeated have the plural there.
        found = arguments.get(name) or arguments.get(f"{name}s")
        if found is None:
            yield f"{name} is unknown"
        elif found[1] and isinstance(value, Mapping):
            yield from (f"{name}: {line}" for line in _unlike(_arguments(inputs, found[1]), inputs, value))
    for name, (is_required, _) in arguments.items():
        if is_required and name not in given and name.removesuffix("s") not in given:
            yield f"{name} is missing"


def _flat(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of each argument; the content of a dynamic block is that of the block."""
    for name, value in body.items():
        if name != "dynamic":
            yield name, value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else value
            continue
        for block in value:
            for label, inner in block.items():
                if not label.startswith("__"):
                    yield label.strip('"'), inner["content"][0]


@cache
def _arguments(path: Path, name: str) -> dict[str, tuple[bool, str]]:
    """By argument of this class: whether it is required, and the class of its own arguments."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            (made,) = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
            found = {}
            for argument, default in zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True):
                inner = re.search(r"'(\w+Args)'", ast.unparse(argument.annotation) if argument.annotation else "")
                found[argument.arg] = (default is None, inner[1] if inner else "")
            return found
    raise LookupError(f"{path} has no class {name}")


def _camel(name: str) -> str:
    return "".join(part.title() for part in name.split("_"))


def _undeclared(folder: Path, documents: list[dict[str, Any]]) -> Iterator[str]:
    variables = {name.strip('"') for each in documents for block in each.get("variable", []) for name in block}
    resources = {(kind, name) for kind, name, _ in _resources(documents)}
    for path in sorted(folder.glob("*.tf")):
        for kind, name, _ in REFERENCE.findall(re.sub(r"(?m)#.*$", "", path.read_text())):
            if (kind == "var" and name not in variables) or (kind != "var" and (kind, name) not in resources):
                yield f"{path.name}: {kind}.{name} is not declared"


def _example(module: Path) -> Iterator[str]:
    """The example passes what the module has."""
    declared = set(re.findall(r'^variable "(\w+)"', (module / "variables.tf").read_text(), re.MULTILINE))
    text = (module / "example" / "main.tf").read_text()
    passed = set(re.findall(r"^  (\w+) += var\.", text.partition("module ")[2], re.MULTILINE))
    yield from (f"the example passes {name}, which the module does not have" for name in passed - declared)
    values = _json((module / "example" / "uploads.auto.tfvars.json").read_text())
    yield from (f"the example does not pass {name}" for name in values.keys() - passed)
