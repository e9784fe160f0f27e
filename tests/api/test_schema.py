"""The OpenAPI schema. That every answer is as it says is held by `tests.openapi`, in all tests that use the API."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import RequestFactory
from django.urls import include, path
from django.utils.translation import get_language
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from rest_framework.authtoken.models import Token
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.openapi import NotAsDescribed, check_answer, operation_of, operations, schema, validate
from tests.stack import ROOT
from uploads import __version__
from uploads.api.schema import OwnGenerator, rendered
from uploads.domain.errors import UploadError, kinds_of_error
from uploads.domain.options import OPTIONS
from uploads.models import Upload
from uploads.web.tokens import token_of

urlpatterns = [path("files/v2/", include("uploads.urls"))]

FILE = {"destination": "default", "filename": "film.mp4", "size": 20_000_000, "content_type": "video/mp4"}
ENUMS = {"DiagnosisVerdict", "Addressing", "PartMethod", "UploadMethod", "UploadStage", "UploadState"}


def codes_of(operation: dict[str, Any]) -> dict[str, set[str]]:
    """Status → the codes of the problems with this status."""
    found = {}
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/problem+json")
        if content:
            one_of = content["schema"].get("oneOf", [content["schema"]])
            names = [item["$ref"].rpartition("/")[2] for item in one_of]
            found[status] = {code_of(schema()["components"]["schemas"][name]) for name in names}
    return found


def code_of(component: dict[str, Any]) -> str:
    (code,) = component["properties"]["code"]["enum"]
    return str(code)


def test_the_schema_is_made_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_it_is_served_with_the_version_of_the_package(db: None) -> None:
    answer = APIClient().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert json.loads(answer.content)["info"]["version"] == __version__
    assert json.loads(answer.content)["paths"].keys() == schema()["paths"].keys()


def test_it_is_made_once_for_all_readers_and_formats(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = OwnGenerator.get_schema

    def get_schema(*args: Any, **kwargs: Any) -> Any:
        made.append(get_language() or "")
        return real(*args, **kwargs)

    monkeypatch.setattr(OwnGenerator, "get_schema", get_schema)
    monkeypatch.setattr("uploads.api.schema._made", {})
    for media_type in ("application/vnd.oai.openapi", "application/json"):
        found = set()
        for query in ("", "?lang=zh-hans", "?lang=xx", "?version=2", "?lang=en&version=9"):
            for parameters in ("", "; indent=8", "; indent=0"):
                answer = APIClient().get(f"/api/schema/{query}", headers={"Accept": media_type + parameters})
                assert answer.status_code == 200
                found.add((answer.content, answer.headers["Content-Type"], answer.headers["Content-Disposition"]))
        assert len(found) == 1
    assert made == ["en"], "both formats are made from one"


def test_requests_at_once_wait_for_the_one_that_makes_it(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = OwnGenerator.get_schema

    def get_schema(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(OwnGenerator, "get_schema", get_schema)
    monkeypatch.setattr("uploads.api.schema._made", {})
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(rendered, ["json"] * 4))) == 1
    assert made == [1]


def test_it_is_served_as_drf_spectacular_serves_schemas(db: None) -> None:
    for accepted, content_type, suffix in (
        ("*/*", "application/vnd.oai.openapi; charset=utf-8", "yaml"),
        ("application/yaml", "application/yaml; charset=utf-8", "yaml"),
        ("application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json", "json"),
        ("application/json", "application/json", "json"),
    ):
        answer = APIClient().get("/api/schema/", headers={"Accept": accepted})
        assert answer.headers["Content-Type"] == content_type
        assert answer.headers["Content-Disposition"] == f'inline; filename="schema.{suffix}"'
    assert answer.content.startswith(b'{\n    "openapi"')


# Problems


def test_every_code_is_a_problem_of_some_operation(settings: Any) -> None:
    bearer = "uploads.web.bearer.BearerAuthentication"
    settings.UPLOADS = {
        **settings.UPLOADS,
        "AUTHENTICATION_CLASSES": [bearer, *settings.UPLOADS["AUTHENTICATION_CLASSES"]],
    }
    named = {code for _, _, operation in operations() for codes in codes_of(operation).values() for code in codes}
    assert {kind.code for kind in kinds_of_error()} - {UploadError.code} <= named


def test_each_problem_has_the_status_of_its_error() -> None:
    statuses = {kind.code: str(kind.status) for kind in kinds_of_error()}
    for _, _, operation in operations():
        for status, codes in codes_of(operation).items():
            assert {statuses.get(code, status) for code in codes} == {status}


def test_a_batch_names_the_problems_of_its_items() -> None:
    items = schema()["components"]["schemas"]["CreatedUploadOrProblem"]["oneOf"]
    names = {item["$ref"].rpartition("/")[2] for item in items}
    assert {"CreatedUpload", "TooLargeProblem", "OverQuotaProblem", "InvalidProblem"} <= names


def test_an_answer_that_the_schema_does_not_have_is_found() -> None:
    def answer(status: int, body: Any, **headers: str) -> Any:
        found = Response(body, status=status, content_type="application/problem+json", headers=headers)
        found.accepted_renderer = found.renderer_context = None
        found._is_rendered, found.content = True, json.dumps(body).encode()
        found["Content-Type"] = "application/problem+json"
        found.request = RequestFactory().get("/api/uploads/").environ
        return found

    problem = {"type": "urn:x", "title": "Too large", "status": 400, "detail": "…", "code": "invalid"}
    known = {"X-Request-ID": "0123456789"}
    check_answer(answer(400, problem, **known), "")
    for wrong in (
        answer(410, problem, **known),
        answer(400, {**problem, "code": "too_large"}, **known),
        answer(400, {**problem, "title": None}, **known),
        answer(400, problem),
        answer(400, problem, **known, **{"Retry-After": "5"}),
    ):
        with pytest.raises(NotAsDescribed):
            check_answer(wrong, "")


# Names


def test_names_of_operations_and_enums_are_chosen_and_not_invented() -> None:
    identifiers = [operation["operationId"] for _, _, operation in operations()]
    assert len(identifiers) == len(set(identifiers))
    assert all(re.fullmatch(r"uploads(_[a-z]+)+", identifier) for identifier in identifiers)
    components = schema()["components"]["schemas"]
    assert {name for name, component in components.items() if "enum" in component} == ENUMS
    assert [name for name in components if re.search(r"\d$|Enum$", name)] == []


def test_every_option_is_described() -> None:
    assert schema()["components"]["schemas"]["ObjectOptions"]["properties"].keys() == OPTIONS


def test_examples_are_valid() -> None:
    seen = 0
    for _, _, operation in operations():
        described = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (content for one in described for content in one.get("content", {}).values()):
            for example in content.get("examples", {}).values():
                validate(operation["operationId"], content["schema"], example["value"])
                seen += 1
    assert seen > 10


# Security


def test_a_session_needs_the_csrf_token_where_something_is_changed(user: Any, oss: Any) -> None:
    create = operation_of("POST", "/api/uploads/")
    assert create["security"] == [{"tokenAuth": []}, {"cookieAuth": [], "csrfToken": []}]
    assert operation_of("GET", "/api/uploads/")["security"] == [{"tokenAuth": []}, {"cookieAuth": []}]
    schemes = schema()["components"]["securitySchemes"]
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert schemes["cookieAuth"]["name"] in client.cookies
    assert client.get("/api/uploads/").status_code == 200
    assert client.post("/api/uploads/", FILE, format="json").json()["code"] == "csrf_failed"
    client.get("/")  # The page sets the cookie.
    headers = {schemes["csrfToken"]["name"]: client.cookies["csrftoken"].value}
    assert client.post("/api/uploads/", FILE, format="json", headers=headers).status_code == 201


def test_a_token_is_enough(user: Any, oss: Any) -> None:
    scheme = schema()["components"]["securitySchemes"]["tokenAuth"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")
    client = APIClient(enforce_csrf_checks=True, headers={scheme["name"]: f"Token {token_of(user)}"})
    assert Token.objects.filter(user=user).exists()
    assert client.post("/api/uploads/", FILE, format="json").status_code == 201
    assert Upload.objects.for_user(user).count() == 1


def test_only_these_operations_need_no_login() -> None:
    free = {operation["operationId"] for _, _, operation in operations() if {} in operation["security"]}
    assert {name for name in free if not name.startswith("uploads_companion_")} == {
        "uploads_callback",
        "uploads_create_token",
        "uploads_csrf_token",
    }


# In other projects

TOKEN = ("uploads_create_token", "token")
"""A route of the site alone."""


def test_a_host_may_show_the_app_in_its_own_schema(settings: Any) -> None:
    GENERATOR_STATS.reset()
    document = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    assert not GENERATOR_STATS
    assert all(path.startswith("/files/v2/") for path in document["paths"])
    found = [one for methods in document["paths"].values() for one in methods.values()]
    of_the_site = {(one["operationId"], *one["tags"]) for _, _, one in operations()}
    assert {(one["operationId"], *one["tags"]) for one in found} == of_the_site - {TOKEN}


def test_a_host_may_have_another_schema_class() -> None:
    script = """
from django.conf import settings
settings.configure(
    SECRET_KEY="x", ROOT_URLCONF="uploads.urls", DATABASES={}, USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "uploads"],
)
import django
django.setup()
from drf_spectacular.generators import SchemaGenerator
document = SchemaGenerator().get_schema(request=None, public=True)
for methods in document["paths"].values():
    for operation in methods.values():
        print(operation["operationId"])
"""
    output = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    ).stdout
    assert set(output.split()) == {operation["operationId"] for _, _, operation in operations()} - {TOKEN[0]}
