"""python -m tests.deploy: lints everything in `deploy/` with its own tools, in the directory that the first argument
names, where `make deploy-check` has installed them. The exit code is 1 if one of them finds something.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.deploy import terraform
from tests.stack import ROOT

KUBERNETES = ("1.27.0", "1.31.0", "1.37.0")
CHART = "deploy/helm/oss-uploads"
VALUES = "deploy/helm/example.yaml"
# HSTS is the site's, and sent by it.
GIXY = ("--skips", "hsts_header")
EXPOSURE = 15
"""The most that `systemd-analyze security` may find, in tenths; 100 is a service without any protection."""


def checks(tools: Path) -> Iterator[tuple[str, list[str]]]:
    """A name, and the command that fails when something is wrong with it."""
    python = tools / "bin"
    yield "Dockerfile", [str(python / "hadolint"), "--failure-threshold", "style", "deploy/Dockerfile"]
    schema = ["--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"]
    yield "Compose", [str(python / "check-jsonschema"), *schema]
    yield "YAML", [str(python / "yamllint"), "--strict", "--config-data", YAMLLINT, "deploy/compose.yaml", VALUES]
    for name in ("deploy/nginx.conf", "deploy/compose/oss.conf"):
        yield f"gixy {name}", [str(python / "gixy"), *GIXY, name]
    yield "Helm", [str(python / "helm"), "lint", "--strict", CHART, "--values", VALUES]
    node = ["node", "tests/deploy/ros.mjs", str(tools / "node_modules"), "deploy/ros/example.json"]
    yield "ROS", node


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


def run(name: str, command: Sequence[str]) -> bool:
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(f"{'FAILED' if ended.returncode else 'ok'}: {name}")
    if ended.returncode:
        print(ended.stdout + ended.stderr)
    return not ended.returncode


def check_chart(tools: Path) -> bool:
    """Rendered with the least values and with all parts, for several versions of Kubernetes."""
    good = True
    for version in KUBERNETES:
        command = [tools / "bin" / "helm", "template", "up", CHART, "--values", VALUES, "--kube-version", version]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if made.returncode:
            print(f"FAILED: helm template for {version}\n{made.stderr}")
            return False
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as rendered:
            rendered.write(made.stdout)
            rendered.flush()
            validate = [str(tools / "bin" / "kubernetes-validate"), "--strict", "--quiet", "-k", version]
            good &= run(f"Kubernetes {version}", [*validate, rendered.name])
    return good


def check_systemd() -> bool:
    """The units with a program that exists, as `systemd-analyze verify` looks for it, and their exposure."""
    if not shutil.which("systemd-analyze"):
        print("FAILED: systemd-analyze is not installed (Debian's package systemd).")
        return False
    with tempfile.TemporaryDirectory() as directory:
        units = []
        for path in sorted((ROOT / "deploy" / "systemd").iterdir()):
            unit = Path(directory) / path.name
            unit.write_text(path.read_text().replace("/opt/oss-uploads/bin/python", sys.executable))
            units.append(str(unit))
        good = run("systemd units", ["systemd-analyze", "verify", "--recursive-errors=yes", "--man=no", *units])
        for unit in (each for each in units if each.endswith(".service")):
            limit = ["--offline=true", f"--threshold={EXPOSURE}", "--no-pager"]
            good &= run(f"exposure of {Path(unit).name}", ["systemd-analyze", "security", *limit, unit])
    return good


def main(tools: Path) -> int:
    good = [run(name, command) for name, command in checks(tools)]
    good += [check_chart(tools), check_systemd()]
    found = list(terraform.problems(tools))
    print("\n".join([f"{'FAILED' if found else 'ok'}: Terraform", *found]))
    return 0 if all(good) and not found else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
