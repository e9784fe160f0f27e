"""What lints the artefacts of a checkout: `checks` names each check, which returns what is wrong, or ""."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.deploy import terraform

Check = Callable[[], str]
KUBERNETES = ("1.27.0", "1.31.0", "1.37.0")
CHART = "deploy/helm/oss-uploads"
VALUES = "deploy/helm/example.yaml"
LEAST = "replicas=1,serviceAccount.ramRole=,webhooks.existingSecret=,ingress.enabled=false,networkPolicy.enabled=false"
"""What turns off each optional part of VALUES."""
OPTIONAL = ("kind: Ingress", "kind: NetworkPolicy", "kind: PodDisruptionBudget", "webhooks")
"""What only the optional parts have."""
# HSTS is the site's, and sent by it.
GIXY = ("--skips", "hsts_header")
EXPOSURE = 15
"""The most that `systemd-analyze security` may find, in tenths; 100 is a service without any protection."""
YAMLLINT = json.dumps(
    {
        "extends": "default",
        "rules": {
            "line-length": {"max": 120},
            "document-start": "disable",
            "braces": {"max-spaces-inside": 1},
            "comments": {"min-spaces-from-content": 1},
        },
    }
)


def checks(tools: Path, root: Path) -> Mapping[str, Check]:
    """By name. `tools`: where `make deploy-check` has installed the linters; `root`: the checkout."""
    program = tools / "bin"
    commands: dict[str, list[str | Path]] = {
        "Dockerfile": [program / "hadolint", "--failure-threshold", "style", "deploy/Dockerfile"],
        "Compose": [
            program / "check-jsonschema",
            *("--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"),
        ],
        "YAML": [program / "yamllint", "--strict", "--config-data", YAMLLINT, "deploy/compose.yaml", VALUES],
        "nginx of a machine": [program / "gixy", *GIXY, "deploy/nginx.conf"],
        "nginx of Compose": [program / "gixy", *GIXY, "deploy/compose/oss.conf"],
        "Helm": [program / "helm", "lint", "--strict", CHART, "--values", VALUES],
        "ROS": ["node", "tests/deploy/ros.mjs", tools / "node_modules", "deploy/ros/example.json"],
    }
    found: dict[str, Check] = {name: partial(_run, command, root) for name, command in commands.items()}
    for version in KUBERNETES:
        found[f"Kubernetes {version}"] = partial(_chart, tools, root, version, ())
        found[f"Kubernetes {version}, least"] = partial(_chart, tools, root, version, ("--set", LEAST))
    found["systemd units"] = partial(_units, root)
    for path in sorted((root / "deploy" / "systemd").glob("*.service")):
        found[f"exposure of {path.name}"] = partial(_exposure, root, path.name)
    found["Terraform"] = lambda: "\n".join(terraform.problems(tools, root))
    return found


def _run(command: Sequence[str | Path], root: Path) -> str:
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return (ended.stdout + ended.stderr).strip() or f"exit code {ended.returncode}" if ended.returncode else ""


def _chart(tools: Path, root: Path, version: str, more: Sequence[str]) -> str:
    """The chart as it is rendered for a version of Kubernetes, held to the schema of that version."""
    helm, validator = (str(tools / "bin" / name) for name in ("helm", "kubernetes-validate"))
    command = [helm, "template", "up", CHART, "--values", VALUES, "--kube-version", version, *more]
    made = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if made.returncode:
        return made.stderr
    for part in OPTIONAL:
        if (part in made.stdout) == bool(more):
            return f"{part!r} is {'there, though it is off' if more else 'missing'}"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as rendered:
        rendered.write(made.stdout)
        rendered.flush()
        return _run([validator, "--strict", "--quiet", "-k", version, rendered.name], root)


def _units(root: Path) -> str:
    """`systemd-analyze verify` of all units, with a program that exists."""
    if not shutil.which("systemd-analyze"):
        return "systemd-analyze is not installed (Debian's package systemd)."
    with tempfile.TemporaryDirectory() as directory:
        units = []
        for path in sorted((root / "deploy" / "systemd").iterdir()):
            unit = Path(directory) / path.name
            unit.write_text(path.read_text().replace("/opt/oss-uploads/bin/python", sys.executable))
            units.append(str(unit))
        return _run(["systemd-analyze", "verify", "--recursive-errors=yes", "--man=no", *units], root)


def _exposure(root: Path, name: str) -> str:
    limit = ["--offline=true", f"--threshold={EXPOSURE}", "--no-pager"]
    return _run(["systemd-analyze", "security", *limit, f"deploy/systemd/{name}"], root)
