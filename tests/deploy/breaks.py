"""Breaks of the artefacts, each of which its linter must find: what is wrong, where, and the text that changes.

`file` is below deploy/. `make deploy-check` tries them in a copy, so that a linter which finds nothing is noticed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    name: str
    file: str
    before: str
    """Its first occurrence is replaced."""
    after: str
    found_by: str
    """The name of a check."""


BREAKS = (
    Break("the container runs as root", "Dockerfile", "USER 10001:10001", "USER root", "Dockerfile"),
    Break("Compose has no such key", "compose.yaml", "read_only: true", "readonly: true", "Compose"),
    Break(
        "a key of Compose stands twice, so that one is ignored",
        "compose.yaml",
        "  init: true\n",
        "  init: true\n  init: false\n",
        "YAML",
    ),
    Break(
        "a client chooses the host by its header",
        "nginx.conf",
        "proxy_set_header Host $host;",
        "proxy_set_header Host $http_host;",
        "nginx of a machine",
    ),
    Break(
        "the local OSS is told a host that a client has chosen",
        "compose/oss.conf",
        "proxy_set_header Host $host;",
        "proxy_set_header Host $http_host;",
        "nginx of Compose",
    ),
    Break("the host of the values is a URL", "helm/example.yaml", "host: uploads", "host: https://uploads", "Helm"),
    Break(
        "a field of a Deployment that Kubernetes does not know",
        "helm/oss-uploads/templates/deployment.yaml",
        "terminationGracePeriodSeconds",
        "terminationSeconds",
        "Kubernetes 1.27.0",
    ),
    Break(
        "webhooks are delivered where there are none",
        "helm/oss-uploads/templates/webhooks.yaml",
        "{{- if .Values.webhooks.existingSecret }}",
        "{{- if true }}",
        "Kubernetes 1.31.0, least",
    ),
    Break(
        "the Ingress cannot be turned on",
        "helm/oss-uploads/templates/ingress.yaml",
        "{{- if .Values.ingress.enabled }}",
        "{{- if false }}",
        "Kubernetes 1.37.0",
    ),
    Break(
        "systemd ignores a type of service that it does not know",
        "systemd/oss-uploads-webhooks.service",
        "Type=exec",
        "Type=execute",
        "systemd units",
    ),
    Break(
        "a program of a unit is missing",
        "systemd/oss-uploads-sweep.service",
        "/opt/oss-uploads/bin/python",
        "/opt/oss-uploads/bin/pythn",
        "systemd units",
    ),
    Break(
        "the site may write to the whole file system",
        "systemd/oss-uploads.service",
        "ProtectSystem=strict\nProtectHome=yes\n",
        "",
        "exposure of oss-uploads.service",
    ),
    Break("a property that ROS does not have", "ros/example.json", '"MaxAgeSeconds"', '"MaxAge"', "ROS"),
    Break(
        "an argument that the provider does not have", "terraform/main.tf", "max_age_seconds ", "max_age ", "Terraform"
    ),
    Break("a variable that is not declared", "terraform/main.tf", "var.bucket\n", "var.buckets\n", "Terraform"),
)
