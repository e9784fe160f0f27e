"""What the artefacts in `deploy/` say agrees with the code, and with each other."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import cloud_examples
from tests.deploy import image
from tests.stack import ROOT
from uploads.services import webhooks
from uploads.site import gunicorn, worker

DEPLOY = ROOT / "deploy"
VALUES: dict[str, Any] = yaml.safe_load((DEPLOY / "helm/oss-uploads/values.yaml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NGINX = (DEPLOY / "nginx.conf").read_text()
SERVICE = (DEPLOY / "systemd/oss-uploads.service").read_text()
WEBHOOKS_UNIT = (DEPLOY / "systemd/oss-uploads-webhooks.service").read_text()
OF_OTHERS = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "WEB_CONCURRENCY"}
"""Variables of Django, of the Prometheus client and of gunicorn."""


def variables() -> dict[str, set[str]]:
    """The variables of the site that each artefact sets."""
    return {
        "site.env.example": set(cloud_examples.variables()),
        "compose.yaml": set(COMPOSE["x-site"]["environment"]),
        "values.yaml": set(VALUES["env"]),
        "example.yaml": set(yaml.safe_load((DEPLOY / "helm/example.yaml").read_text())["env"]),
        "systemd": set(re.findall(r"^Environment=(\w+)", SERVICE, re.MULTILINE)),
    }


@pytest.mark.parametrize("name", variables())
def test_every_variable_that_is_set_is_one_of_the_site(name: str) -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert {each for each in variables()[name] - OF_OTHERS if f"`{each}`" not in page} == set()
    assert variables()[name]


def test_the_image_is_built_from_all_that_the_wheel_needs(tmp_path: Path) -> None:
    image.copy_context(tmp_path)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    named = ["README.md", *project["project"]["license-files"], "hatch_build.py"]
    assert all((tmp_path / each).is_file() for each in named)
    wanted = {path.relative_to(ROOT) for path in (ROOT / "uploads").rglob("*") if "__pycache__" not in path.parts}
    assert {path for path in wanted if not (tmp_path / path).exists()} == set()
    needed = ("package.json", "package-lock.json", "vite.config.ts", "tsconfig.json", "src/page.ts")
    assert all((tmp_path / "frontend" / each).is_file() for each in needed)
    assert not (tmp_path / "frontend" / "node_modules").exists()


def test_each_way_starts_the_same_server(tmp_path: Path) -> None:
    given = image.command(8000, tmp_path)
    start = " ".join(given[given.index("python") :])
    server = "-m gunicorn -c python:uploads.site.gunicorn"
    assert start.startswith(f"python {server}")
    assert given[-1] == "uploads.site.wsgi"
    assert f"/opt/oss-uploads/bin/python {server} uploads.site.wsgi" in SERVICE
    assert {"sweep_uploads", "--orphans"} <= set(COMPOSE["services"]["sweep"]["command"][2].split())
    assert VALUES["sweep"]["arguments"] == ["--orphans"]


def test_each_way_delivers_webhooks_where_there_are_any() -> None:
    command = "python -m django deliver_webhooks --loop"
    service = COMPOSE["services"]["webhooks"]
    assert " ".join(service["command"]) == command
    assert service["profiles"] == ["webhooks"], "not started unless it is named"
    assert COMPOSE["x-site"]["environment"]["UPLOADS_WEBHOOKS_FILE"] == "/run/secrets/webhooks"
    assert COMPOSE["x-site"]["secrets"] == ["webhooks"]
    (none,) = re.findall(r":-\./(.*)}", COMPOSE["secrets"]["webhooks"]["file"])
    assert json.loads((DEPLOY / none).read_text()) == {}
    assert f"ExecStart=/opt/oss-uploads/bin/{command}\n" in WEBHOOKS_UNIT
    chart = (DEPLOY / "helm/oss-uploads/templates/webhooks.yaml").read_text()
    assert f"command: [{command.replace(' ', ', ')}]" in chart
    assert chart.startswith("{{- if .Values.webhooks.existingSecret }}")
    assert VALUES["webhooks"]["existingSecret"] == ""


def test_compose_takes_every_other_variable_from_a_file_that_git_ignores() -> None:
    assert COMPOSE["x-site"]["env_file"] == [{"path": "site.env", "required": False}]
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"deploy/.env", "deploy/site.env", "deploy/webhooks.json"} <= set(ignored)


def test_what_delivers_webhooks_has_the_time_to_record_them() -> None:
    longest = webhooks.SECONDS * webhooks.BATCH / webhooks.AT_ONCE
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", WEBHOOKS_UNIT, re.MULTILINE)
    chart = (DEPLOY / "helm/oss-uploads/templates/webhooks.yaml").read_text()
    (grace,) = re.findall(r"terminationGracePeriodSeconds: (\d+)$", chart, re.MULTILINE)
    given = (stop, grace, COMPOSE["services"]["webhooks"]["stop_grace_period"].removesuffix("s"))
    assert min(map(int, given)) > longest


def test_processes_have_the_time_to_finish_their_requests() -> None:
    assert VALUES["terminationSeconds"] > VALUES["drainSeconds"] + gunicorn.graceful_timeout
    assert int(COMPOSE["services"]["site"]["stop_grace_period"].removesuffix("s")) > gunicorn.graceful_timeout
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", SERVICE, re.MULTILINE)
    assert int(stop) > gunicorn.graceful_timeout


def test_the_proxies_take_what_the_site_takes() -> None:
    annotations = VALUES["ingress"]["annotations"]
    (body,) = re.findall(r"client_max_body_size (\d+)m;", NGINX)
    assert int(body) * 2**20 == worker.MAX_BODY_BYTES
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == f"{body}m"
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", NGINX)
    assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == seconds


def test_compose_replaces_what_nginx_has() -> None:
    """Its `sed` changes the configuration for a machine; each pattern must occur there."""
    command = COMPOSE["services"]["nginx"]["command"][2]
    patterns = [expression.split(expression[1])[1] for expression in re.findall(r"-e (\S+)", command)]
    assert len(patterns) == 5
    assert [each for each in patterns if each.replace("\\", "") not in NGINX] == []


def test_no_variable_of_the_chart_is_a_secret() -> None:
    schema = json.loads((DEPLOY / "helm/oss-uploads/values.schema.json").read_text())
    refused = {name for name, rule in schema["properties"]["env"]["properties"].items() if rule is False}
    assert refused == {"DJANGO_SECRET_KEY", "DATABASE_URL", "OSS_ACCESS_KEY_SECRET", "UPLOADS_WEBHOOKS"}
