"""What is made of deploy/site.env.example: `python -m tests.cloud_examples` writes it.

That is a file of variables for the Terraform module, and a template of ROS. `tests/operations/test_cloud_resources.py`
holds both to the settings.
"""

import json
import os
from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command
from django.test import override_settings

from tests.stack import ROOT

EXAMPLE = ROOT / "deploy" / "site.env.example"
FILES: dict[Path, tuple[str, ...]] = {
    ROOT / "deploy" / "terraform" / "example" / "uploads.auto.tfvars.json": ("--format", "terraform"),
    ROOT / "deploy" / "ros" / "example.json": ("--format", "ros"),
}


def variables() -> dict[str, str]:
    """Those of the file, as systemd reads them."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def app_settings() -> dict[str, object]:
    """UPLOADS of a site with these variables."""
    given: dict[str, object] = {name: value for name, value in variables().items() if name.startswith("OSS_")}
    given["UPLOADS_ORIGINS"] = variables()["UPLOADS_ORIGINS"].split(",")
    given["DESTINATIONS"] = json.loads(variables()["UPLOADS_DESTINATIONS"])
    return given


def printed(*arguments: str) -> str:
    """What `manage.py cloud_resources` prints for the settings of now."""
    out = StringIO()
    call_command("cloud_resources", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    with override_settings(UPLOADS=app_settings()):
        for path, arguments in FILES.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(printed(*arguments))


if __name__ == "__main__":
    main()
