"""README and docs are true: commands, settings, routes, codes, diagrams, words and the map are held to the code."""

import argparse
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.checks import run_checks
from django.core.management import get_commands
from django.test import RequestFactory
from django.urls import get_resolver
from django.urls.resolvers import URLResolver
from rest_framework.request import Request

from tests import architecture, catalogue
from tests.imports import module_graph, modules, room_graph
from tests.surface import variables_read
from uploads.conf import DEFAULT_THROTTLES, Destination
from uploads.conf import settings as app_settings
from uploads.domain import errors, places, states
from uploads.localoss import arguments, faults
from uploads.localoss.account_rules import ACCOUNT_RULES
from uploads.localoss.endpoints import vendor_endpoint
from uploads.site.secret_files import SECRETS
from uploads.web.throttles import ScopeThrottle

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
README = PAGES["README.md"]
LOCAL_OSS = PAGES["docs/local-oss.md"]
GLOSSARY = PAGES["docs/glossary.md"]


def section(page: str, title: str) -> str:
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


# Commands


def test_the_first_screen_shows_the_two_commands_and_make_knows_them() -> None:
    block = README.split("```")[1]
    assert re.findall(r"^make \w+", block, re.MULTILINE) == ["make demo", "make test"]
    assert len(README.partition("```")[0].splitlines()) < 6
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"setup", "demo", "test", "bench", "chaos"} <= set(targets)
    assert set(re.findall(r"`make ([\w-]+)", "".join(PAGES.values()))) <= set(targets)


def test_every_command_is_named() -> None:
    ours = {name for name, app in get_commands().items() if app.startswith("uploads")}
    assert set(re.findall(r"\| `manage\.py (\w+)`", PAGES["docs/operations.md"])) == ours


def test_every_option_of_the_local_server_is_named() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    arguments.add_arguments(parser)
    known = {option for action in parser._actions for option in action.option_strings}
    table = LOCAL_OSS.partition("\n## ")[0]
    assert set(re.findall(r"`(--[a-z-]+)`", table)) == known | {"--root"}


def test_every_account_rule_is_named() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", section(LOCAL_OSS, "Rules for new accounts"), re.MULTILINE)
    assert dict(rows) == ACCOUNT_RULES


def test_the_faults_shown_are_accepted_and_their_words_all_named() -> None:
    text = section(LOCAL_OSS, "Fault injection")
    (rules,) = re.findall(r"-d '(.*?)'", text, re.DOTALL)
    assert len(faults.parse(rules.encode())) == 3
    line = next(line for line in text.splitlines() if line.startswith("A rule matches by"))
    matchers = {*faults.Rule.__slots__} - {"effects", "part_numbers"} | {"part_number"}
    named = set(re.findall(r"`([a-z_]+)`", line))
    assert named == matchers | {*faults.Effects.__slots__}


# Settings


CONFIGURATION = PAGES["docs/configuration.md"]


def test_every_variable_is_named_and_none_that_is_not_read() -> None:
    table = section(CONFIGURATION, "Settings")
    rows = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", rows)) == variables_read()
    files = section(CONFIGURATION, "Secrets in files").partition(" They are ")[2].partition(". (")[0]
    assert sorted(re.findall(r"`([A-Z_]+)_FILE`", files)) == sorted(SECRETS)


def test_every_setting_can_be_made_in_the_environment() -> None:
    other_names = {"BUCKETS", "CREDENTIALS", "DESTINATIONS", "OIDC", "THROTTLES", "WEBHOOKS"}
    of_projects = {"AUTHENTICATION_CLASSES", "URL_NAMESPACE"}
    names = {*app_settings.REQUIRED, *app_settings.OPTIONAL} - other_names - of_projects
    assert names <= variables_read()
    assert {"UPLOADS_BUCKETS", "OSS_CREDENTIALS", "UPLOADS_DESTINATIONS", "UPLOADS_THROTTLES"} <= variables_read()
    assert {"OIDC_ISSUER", "UPLOADS_WEBHOOKS"} <= variables_read()
    own = section(CONFIGURATION, "In your own project")
    assert {*re.findall(r"^`([A-Z_]+)` in `UPLOADS`", own, re.MULTILINE)} == of_projects


def test_every_throttle_is_named_with_its_rate() -> None:
    rows = re.findall(r"^\| (`.*`) \| (.*/min) \|", section(CONFIGURATION, "Throttles"), re.MULTILINE)
    named = {}
    for scopes, rates in rows:
        names, each = re.findall(r"`(\w+)`", scopes), rates.split(", ")
        named |= dict(zip(names, each * len(names) if len(each) == 1 else each, strict=True))
    assert named == DEFAULT_THROTTLES


def test_the_example_of_proxies_is_what_the_throttles_see(settings: Any) -> None:
    example = next(line for line in CONFIGURATION.splitlines() if line.startswith("For example, with 2"))
    (header,) = re.findall(r"the site gets `([^`]+)`", example)
    (client,) = re.findall(r"counts: (.*)\.$", example)
    seen = Request(RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": header}))
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 2}
    assert ScopeThrottle().get_ident(seen) == client
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 0}
    assert ScopeThrottle().get_ident(seen) == "192.0.2.1"


def test_the_first_example_of_a_bucket_works_for_a_new_account() -> None:
    """Browsers use a custom domain and the backend an internal endpoint, which no rule for new accounts concerns."""
    block = next(block for block in README.split("```") if "OSS_BUCKET=" in block)
    given = dict(re.findall(r"\b(OSS_\w+)=(\S+)", block))
    assert {*app_settings.REQUIRED} <= given.keys() <= {*app_settings.REQUIRED, *app_settings.OPTIONAL}
    assert given["OSS_ADDRESSING"] == "cname"
    browsers = vendor_endpoint(urlsplit(given["OSS_ENDPOINT"]).netloc)
    backend = vendor_endpoint(urlsplit(given["OSS_INTERNAL_ENDPOINT"]).netloc)
    assert browsers is None, "a custom domain"
    assert backend is not None
    assert (backend.kind, backend.region) == ("internal", given["OSS_REGION"])


def test_every_key_of_a_destination_is_named_and_the_example_is_sound(settings: Any) -> None:
    text = section(PAGES["docs/configuration.md"], "Destinations")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    given: dict[str, Any] = {}
    exec(example, given)  # the project's own documentation
    settings.UPLOADS = {**settings.UPLOADS, **given["UPLOADS"]}
    assert [message for message in run_checks(tags=["uploads"]) if "Destination" in str(message.msg)] == []
    table = text.partition("| key | meaning |")[2]
    first = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([a-z_]+)`", first)) == Destination.keys()


def test_every_key_of_a_place_and_every_check_is_named_and_the_example_is_sound(
    settings: Any, monkeypatch: Any
) -> None:
    text = section(PAGES["docs/configuration.md"], "More than one bucket")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for name in re.findall(r'os\.environ\["(\w+)"\]', example):
        monkeypatch.setenv(name, "of the example")
    given: dict[str, Any] = {"os": os}
    exec(example, given)  # the project's own documentation
    settings.UPLOADS = given["UPLOADS"]
    assert [message for message in run_checks(tags=["uploads"]) if str(message.id).startswith("uploads.")] == []
    table = text.partition("| key of a place | meaning |")[2].partition("\n\n")[0]
    first = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([a-z_]+)`", first)) == set(places.KEYS)
    source = (ROOT / "uploads" / "checks" / "places.py").read_text()
    assert set(re.findall(r'id="(uploads\.\w+)"', source)) <= set(re.findall(r"`(uploads\.\w+)`", text))


# The API


def routes() -> set[str]:
    def walk(resolver: URLResolver, prefix: str = "") -> set[str]:
        found = set()
        for entry in resolver.url_patterns:
            path = prefix + str(entry.pattern)
            found |= walk(entry, path) if isinstance(entry, URLResolver) else {path}
        return found

    plain = set()
    for path in walk(get_resolver()):
        path = path.replace("<str:name>", "{name}")
        path = re.sub(r"<[^>]*>|\(\?P<pk>[^)]*\)", "{id}", path).replace("^", "").replace("$", "").replace("\\Z", "")
        if path.startswith("api/uppy/{id}"):
            continue  # Companion's own, under the URL that is named.
        if path.startswith("api/") and "format" not in path and "\\." not in path:
            plain.add("/" + path)
    return plain


def test_every_route_of_the_api_is_named() -> None:
    named = set(re.findall(r"`(?:GET|POST|DELETE) (/api/[^`]*)`", PAGES["docs/api.md"]))
    assert named == routes()


def test_every_error_code_is_named() -> None:
    def tree(kind: type[errors.UploadError]) -> set[str]:
        return {kind.code}.union(*(tree(child) for child in kind.__subclasses__()))

    line = next(line for line in PAGES["docs/api.md"].splitlines() if line.startswith("The codes are"))
    assert set(re.findall(r"`([a-z_]+)`", line)) == tree(errors.UploadError) - {"upload_error"}


def test_the_diagram_is_the_table() -> None:
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", PAGES["docs/api.md"], re.DOTALL)
    assert diagram.strip() == states.mermaid()


# The map and the picture


MAP = [line for line in section(README, "Project layout").split("```")[1].splitlines() if line]
TOP = {line.split()[0].rstrip("/") for line in MAP if not line.startswith(" ")}
PARTS = [line.split()[0].rstrip("/") for line in MAP if line.startswith(" ")]


def test_the_map_names_every_file_and_directory_at_the_top_once() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {path.partition("/")[0] for path in listed.splitlines()} == TOP
    names = [line.split()[0] for line in MAP]
    assert len(names) == len(set(names))


def test_the_map_names_every_part_of_the_app_that_is_a_directory() -> None:
    packages = {path.parent.name for path in (ROOT / "uploads").glob("*/__init__.py")}
    assert set(PARTS) == packages - {"migrations"}


def test_the_page_on_architecture_describes_every_part() -> None:
    table = section(PAGES["docs/architecture.md"], "Layers")
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    described = re.findall(r"`(\w+)`", " ".join(rows))
    assert len(described) == len(set(described))
    assert set(room_graph(module_graph(modules()))) <= set(described)


def test_the_picture_is_that_of_the_imports() -> None:
    assert architecture.PAGE.read_text() == architecture.page(), "run: python -m tests.architecture"


# The pages among themselves


def test_every_page_is_in_the_index() -> None:
    named = re.findall(r"\]\(([^)]+\.md)\)", PAGES["docs/index.md"])
    there = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").glob("*.md")} - {Path("index.md")}
    assert {str(path) for path in there} <= set(named)


def test_every_decision_is_listed_under_its_title() -> None:
    listed = dict(re.findall(r"\[(.+?)\]\((.+?)\)", PAGES["docs/decisions/README.md"]))
    files = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert listed == {path.read_text().splitlines()[0].removeprefix("# "): path.name for path in files}


# Words


TERMS = [line.split("|")[1:4] for line in GLOSSARY.splitlines() if line.startswith("| ") and "---" not in line][1:]
BANNED = [word for _, _, column in TERMS for word in re.findall(r"`([^`]+)`", column)]


@cache
def sentences() -> list[tuple[str, str]]:
    """What people read, and where it is."""
    found = [(name, text) for name, text in PAGES.items() if name != "docs/glossary.md"]
    found += [("frontend/README.md", (ROOT / "frontend" / "README.md").read_text())]
    found += [(name, text) for text, name in catalogue.found()]
    for path in sorted((ROOT / "frontend" / "src").rglob("*.ts")):
        for line in path.read_text().splitlines():
            if not line.lstrip().startswith(("//", "*", "/*", "import ", "export ")):
                texts = re.findall(r'"[^"]* [^"]*"|`[^`]* [^`]*`', line)
                found += [(str(path.relative_to(ROOT)), re.sub(r"\$\{[^}]*\}", "", text)) for text in texts]
    return found


@pytest.mark.parametrize("word", BANNED)
def test_one_word_for_each_thing(word: str) -> None:
    used = re.compile(rf"(?<![`\w]){re.escape(word)}(?![`\w])", re.IGNORECASE)
    places = [(name, text, found) for name, text in sentences() for found in used.finditer(text)]
    assert [(name, text[max(found.start() - 40, 0) : found.end() + 40]) for name, text, found in places] == []


def test_the_glossary_is_in_order_and_each_word_is_explained() -> None:
    words = [term[0].strip() for term in TERMS]
    assert words == sorted(words)
    assert all(term[1].strip() for term in TERMS)
