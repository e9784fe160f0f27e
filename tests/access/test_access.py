"""Who may do what: `table.txt` has a line for each route and method, and a cell for each kind of user.

A cell is the status of the answer, with `+` where the request changed something in the database, or began or continued
a bulk abort. A route, a method of the API or an action of the admin that the table does not have fails a test.
"""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import transaction
from django.test import RequestFactory
from django.urls import ResolverMatch, URLResolver, get_resolver, resolve
from rest_framework.test import APIClient

from tests.access.actors import ACTORS, Things, clients, job_of, traces
from tests.openapi import schema
from uploads.api.schema import OwnGenerator
from uploads.conf import DEFAULT_THROTTLES
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.oss.client import OssClient
from uploads.web.views import UploadsAPIView

TABLE = Path(__file__).with_name("table.txt")
HEADER, *PARTS = re.split(r"^# (.+)\n", TABLE.read_text(), flags=re.MULTILINE)
SECTIONS = {
    title: [(one.split()[:3], one.split()[3:]) for one in text.splitlines() if one]
    for title, text in zip(PARTS[::2], PARTS[1::2], strict=True)
}
ROWS = [row for section in SECTIONS.values() for row in section]
METHODS = ("get", "post", "put", "patch", "delete")
OF_DJANGO = ("admin/auth/",)
"""Pages of Django's own models: of these the table has the lists."""

FILE = {"destination": "default", "filename": "film.mp4", "size": 5, "content_type": "video/mp4"}
JSON: dict[str, Any] = {
    "file": FILE,
    "batch": {"uploads": [FILE]},
    "complete-batch": {"uploads": [{"id": "{sent}"}]},
    "register": {"destination": "default", "key": "{stored}"},
    "empty": {},
    "parts": {"parts": [{"number": 1, "size": 8388608}]},
    "sign": {"parts": [{"number": 1}]},
    "destination": {"destination": "default"},
    "uppy-file": {"filename": "film.mp4", "type": "video/mp4"},
    "uppy-parts": {"parts": [{"PartNumber": 1, "ETag": "x"}]},
    "login": {"username": "owner", "password": "wrong"},
    "callback": {"upload": "{upload}", "secret": "guessed"},
}
FORMS: dict[str, Any] = {
    "nothing": {},
    "login-form": {"username": "owner", "password": "wrong"},
    "language": {"language": "en"},
    "changed": {"state": "completed", "filename": "other.mp4"},
    "orphan": {"bucket": "demo-bucket", "selected": "{orphan}"},
    "row": {"bucket": "demo-bucket", "selected": "{upload_id}:{key}"},
    "yes": {"post": "yes"},
    "delete_selected": {"action": "delete_selected", "_selected_action": "{upload}", "post": "yes"},
    "abort_uploads": {"action": "abort_uploads", "_selected_action": "{upload}"},
    "check_against_oss": {"action": "check_against_oss", "_selected_action": "{upload}"},
    "complete_existing_objects": {"action": "complete_existing_objects", "_selected_action": "{sent}"},
    "abort_orphans": {"action": "abort_orphans", "_selected_action": "{found}"},
    "deliver_again": {"action": "deliver_again", "_selected_action": "{webhook}"},
    "delete_selected_removals": {"action": "delete_selected", "_selected_action": "{removal}", "post": "yes"},
}
"""The bodies that the third column of the table names."""


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Every route of the site, as Django writes it."""
    for entry in resolver.url_patterns:
        route = before + (str(entry.pattern).removeprefix("^") if before else str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        else:
            yield route


def filled(text: str, things: Things, client: APIClient) -> str:
    """The text with what its names in braces stand for."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name in ("job", "confirmed"):
            return things.job(client, confirmed=name == "confirmed")
        return things.orphan() if name == "orphan" else str(getattr(things, name))

    return re.sub(r"\{(\w+)\}", value, text)


def match_of(row: list[str]) -> ResolverMatch:
    """The route that serves this row, and its view."""
    path = re.sub(r"\{\w+\}", str(UUID(int=0)), row[1].partition("?")[0])
    return resolve("/" + path.removeprefix("/"))


def cells_of(row: list[str], things: Things, actors: dict[str, APIClient]) -> list[str]:
    """What each client gets for the request of this row. What the requests change in the database is undone."""
    requests = {name: request_of(row, things, client) for name, client in actors.items()}
    before = traces()
    return [cell_of(row[0], requests[name], client, before) for name, client in actors.items()]


def request_of(row: list[str], things: Things, client: APIClient) -> tuple[str, dict[str, Any]]:
    """The URL of this row for this client, and its body."""
    _method, path, body = row
    sent: dict[str, Any] = {}
    if body in JSON:
        sent = {"data": json.loads(filled(json.dumps(JSON[body]), things, client)), "format": "json"}
    elif body != "-":
        form = {name: filled(value, things, client) for name, value in FORMS[body].items()}
        sent = {"data": form, "format": "multipart"}
    return "/" + filled(path, things, client).removeprefix("/"), sent


def cell_of(method: str, request: tuple[str, dict[str, Any]], client: APIClient, before: Any) -> str:
    """The cell: the status, and whether something was changed. `before`: the traces before the request."""
    url, sent = request
    cookies = copy.deepcopy(client.cookies)
    undone = transaction.atomic()
    undone._from_testcase = True  # As the transactions of Django's TestCase: services refuse to work in any other.
    with undone:
        job = job_of(client)
        answer = getattr(client, method.lower())(url, **sent)
        cell = f"{answer.status_code}{'+' if (traces(), job_of(client)) != (before, job) else ''}"
        transaction.set_rollback(True)
    client.cookies = cookies
    return cell


def line(row: list[str], cells: list[str]) -> str:
    """A line of the table."""
    return f"{row[0]:6} {row[1]:83} {row[2]:26}" + "".join(f"{cell:>10}" for cell in cells).rstrip()


@pytest.fixture
def actors(
    oss: OssClient, oss_server: LocalServer, settings: Any, db: None, monkeypatch: pytest.MonkeyPatch
) -> dict[str, APIClient]:
    cache.clear()
    settings.UPLOADS = {
        **settings.UPLOADS,
        "THROTTLES": dict.fromkeys(DEFAULT_THROTTLES, ""),
        "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
        "OSS_STS_ENDPOINT": oss_server.url,
        "DESTINATIONS": {"default": {"credentials": "prefix", "download_expires": 3600, "allow_delete": True}},
    }
    document = schema()  # It takes a second to be made.
    monkeypatch.setattr(OwnGenerator, "get_schema", lambda *_, **__: document)
    return clients()


@pytest.mark.parametrize("section", SECTIONS)
def test_each_cell(actors: dict[str, APIClient], oss: OssClient, section: str) -> None:
    things = Things(oss)
    found = [line(row, cells_of(row, things, actors)) for row, _ in SECTIONS[section]]
    expected = [line(*one) for one in SECTIONS[section]]
    wrong = [pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1]]
    assert not wrong, "\n".join(["expected, and found:", *(text for pair in wrong for text in pair)])


def test_the_columns_are_the_actors() -> None:
    assert HEADER.split()[3:] == list(ACTORS)


def test_every_route_of_the_site_is_in_the_table() -> None:
    listed = {match_of(row).route for row, _ in ROWS}
    assert listed <= set(routes(get_resolver()))
    missing = set(routes(get_resolver())) - listed
    assert {route for route in missing if not route.startswith(OF_DJANGO)} == set()


def served_by_the_api() -> dict[str, tuple[list[str], set[str]]]:
    """Route → one of its rows, and the methods that its view serves."""
    found = {}
    for row, _ in ROWS:
        match = match_of(row)
        view = getattr(match.func, "cls", object)
        if issubclass(view, UploadsAPIView):
            methods = getattr(match.func, "actions", None) or {name for name in METHODS if hasattr(view, name)}
            found.setdefault(match.route, (row, set(methods) & set(METHODS)))
    return found


def test_every_method_of_the_api_is_in_the_table() -> None:
    listed = {(match_of(row).route, row[0].lower()) for row, _ in ROWS}
    served = {(route, method) for route, (_, methods) in served_by_the_api().items() for method in methods}
    assert served - listed == set()


def test_the_api_serves_no_other_method(actors: dict[str, APIClient], oss: OssClient) -> None:
    things, client = Things(oss), actors["super"]
    for route, (row, methods) in served_by_the_api().items():
        url, _ = request_of(row, things, client)
        for method in set(METHODS) - methods:
            status = getattr(client, method)(url).status_code
            expected = 405 if methods else 404  # Routes that serve nothing: what Uppy might ask beside the known.
            assert (route, method, status) == (route, method, expected)


def test_every_page_is_also_asked_to_change_something() -> None:
    listed = {(match_of(row).route, row[0]) for row, _ in ROWS}
    pages = {route for route, _ in listed if not route.startswith(("api/", *OF_DJANGO))}
    assert {route for route in pages for method in ("GET", "POST") if (route, method) not in listed} == set()


def test_every_action_of_the_admin_is_in_the_table(admin_user: Any) -> None:
    request = RequestFactory().get("/")
    request.user = admin_user
    offered = {
        (f"admin/uploads/{model._meta.model_name}/", name)
        for model, its in admin.site._registry.items()
        if model._meta.app_label == "uploads"
        for name in its.get_actions(request)
    }
    assert offered <= {(row[1], row[2]) for row, _ in ROWS}
