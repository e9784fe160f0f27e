"""README is true: commands, settings, routes, codes, the state diagram and the map are held by the code."""

import argparse
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import get_commands
from django.urls import get_resolver
from django.urls.resolvers import URLResolver

from uploads.conf import Destination
from uploads.conf import settings as app_settings
from uploads.domain import errors, states
from uploads.localoss import arguments, faults

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_set_up_is_two_commands_that_make_knows() -> None:
    (block,) = re.findall(r"## Try it.*?```sh\n(.*?)```", README, re.DOTALL)
    assert block.splitlines() == ["make setup", "make demo"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"setup", "demo", "test", "bench"} <= set(targets)


def test_every_setting_is_named_and_none_that_does_not_exist() -> None:
    source = (ROOT / "uploads" / "site" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source)) - {"STATIC_ROOT", "DJANGO_SECURE_COOKIES"}
    table = README.partition("| variable |")[2].partition("What a page may upload")[0]
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", table)) == read
    assert {*app_settings.REQUIRED, *app_settings.OPTIONAL} - {"DESTINATIONS", "THROTTLES"} <= read


def test_every_key_of_a_destination_is_named_and_the_example_is_sound(settings: Any) -> None:
    text = section("On your own bucket")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    given: dict[str, Any] = {}
    exec(example, given)  # our own README
    settings.UPLOADS = {**settings.UPLOADS, **given["UPLOADS"]}
    assert [message for message in run_checks(tags=["uploads"]) if "Destination" in str(message.msg)] == []
    table = text.partition("| key | meaning |")[2].partition("`THROTTLES`")[0]
    first = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([a-z_]+)`", first)) == Destination.keys()


def test_every_command_is_named() -> None:
    ours = {name for name, app in get_commands().items() if app == "uploads"}
    assert set(re.findall(r"\| `manage\.py (\w+)`", README)) == ours


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_option_of_the_local_server_is_named() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    arguments.add_arguments(parser)
    known = {option for action in parser._actions for option in action.option_strings}
    table = section("The local OSS server").partition("How does a page")[0]
    assert set(re.findall(r"`(--[a-z-]+)`", table)) == known | {"--root"}


def test_the_faults_shown_are_taken_and_their_words_all_named() -> None:
    text = section("The local OSS server")
    (rules,) = re.findall(r"-d '(.*?)'", text, re.DOTALL)
    assert len(faults.parse(rules.encode())) == 3
    line = next(line for line in text.splitlines() if line.startswith("A rule matches by"))
    matchers = {*faults.Rule.__slots__} - {"effects", "part_numbers"} | {"part_number"}
    assert set(re.findall(r"`([a-z_]+)`", line)) == matchers | {*faults.Effects.__slots__}


def routes() -> set[str]:
    def walk(resolver: URLResolver, prefix: str = "") -> set[str]:
        found = set()
        for entry in resolver.url_patterns:
            path = prefix + str(entry.pattern)
            found |= walk(entry, path) if isinstance(entry, URLResolver) else {path}
        return found

    plain = set()
    for path in walk(get_resolver()):
        path = re.sub(r"<[^>]*>|\(\?P<pk>[^)]*\)", "{id}", path).replace("^", "").replace("$", "").replace("\\Z", "")
        if path.startswith("api/uppy/{id}"):
            continue  # Companion's own, behind the address that is named.
        if path.startswith("api/") and "format" not in path and "\\." not in path:
            plain.add("/" + path)
    return plain


def test_every_route_of_the_api_is_named() -> None:
    named = set(re.findall(r"`(?:GET|POST|DELETE) (/api/[^`]*)`", README))
    assert named == routes()


def test_every_error_code_is_named() -> None:
    def tree(kind: type[errors.UploadError]) -> set[str]:
        return {kind.code}.union(*(tree(child) for child in kind.__subclasses__()))

    line = next(line for line in README.splitlines() if line.startswith("Errors are"))
    assert set(re.findall(r"`([a-z_]+)`", line)) - {"code"} == tree(errors.UploadError) - {"upload_error"}


def test_the_diagram_is_the_table() -> None:
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", README, re.DOTALL)
    assert diagram.strip() == states.mermaid()


@pytest.mark.parametrize("line", README.partition("## The house")[2].split("```")[1].splitlines())
def test_the_map_names_what_is_there(line: str) -> None:
    name = line.split(" ")[4] if line.startswith("    ") else line.split(" ")[0]
    if name:
        assert (ROOT / ("uploads" if line.startswith("    ") else "") / name).exists()


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()
