"""The rules about who uses whom, and who may write what, held by reading the source."""

import ast
import graphlib
from functools import cache
from pathlib import Path

import pytest

from tests.imports import PACKAGE, Graph, imported, module_graph, modules, room, room_graph, uses
from tests.state_writes import state_writes

MAY_IMPORT: dict[str, set[str]] = {
    "oss": set(),
    "localoss": {"oss"},
    "domain": {"oss"},
    "signals": set(),
    "outbound": set(),
    "telemetry": {"oss"},
    "conf": {"domain", "oss"},
    "checks": {"conf", "models", "storage", "domain", "oss", "telemetry"},
    "connection": {"conf", "telemetry", "domain", "oss"},
    "objects": {"conf", "connection", "domain", "oss"},
    "storage": {"objects", "conf", "connection", "domain", "oss"},
    "models": {"domain", "signals", "conf", "connection", "objects", "oss"},
    "csrf": set(),
    "templatetags": {"csrf", "domain"},
    "forms": {"models", "conf", "csrf", "domain"},
    "apps": {"checks", "connection", "models", "services"},
    "clamav": {"conf", "domain"},
    "services": {"models", "objects", "domain", "conf", "connection", "signals", "telemetry", "outbound", "oss"},
    "web": {"services", "models", "domain", "conf", "oss"},
    "api": {"csrf", "web", "services", "models", "domain", "conf", "oss"},
    "companion": {"web", "services", "models", "domain", "conf", "oss"},
    "urls": {"api", "companion"},
    "admin": {"forms", "services", "models", "domain", "conf", "connection", "oss"},
    "operations": {"services", "storage", "models", "domain", "conf", "connection", "telemetry", "outbound", "oss"},
    "management": {"operations", "services", "models", "conf", "connection", "domain", "oss", "localoss"},
    "pytest_plugin": {"connection", "localoss", "models", "services"},
    "site": {"urls", "api", "web", "admin", "operations", "management", "conf", "localoss", "oss", "telemetry"},
}
"""Room → the rooms that it may use. A new room needs a line here, and a place below those that use it."""

FRAMEWORKS = {"django", "rest_framework", "drf_spectacular", "django_filters"}
NO_FRAMEWORK = {"domain", "oss", "localoss"}
REST_FRAMEWORK = {"web", "api", "companion"}

MODULES = modules()


@cache
def graph() -> Graph:
    """Read when the first test asks for it: every process of a test run imports this module, and few run its tests."""
    return module_graph(MODULES)


def cycle(of: Graph) -> list[str]:
    """One cycle of a graph; empty when there is none."""
    try:
        graphlib.TopologicalSorter(of).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_the_table_of_rooms_has_no_cycle() -> None:
    assert cycle(MAY_IMPORT) == []


def test_no_rooms_use_each_other() -> None:
    assert cycle(room_graph(graph())) == []


def test_no_modules_use_each_other() -> None:
    assert cycle(graph()) == []


@pytest.mark.parametrize("module", [module for module in MODULES if room(module)])
def test_a_module_uses_only_rooms_below_its_own(module: str) -> None:
    used = {room(name) for name in graph()[module]} - {room(module), ""}
    assert used <= MAY_IMPORT[room(module)]


@pytest.mark.parametrize("module", [module for module in MODULES if room(module)])
def test_frameworks_are_imported_where_they_belong(module: str) -> None:
    used = libraries(module) & FRAMEWORKS
    if room(module) in NO_FRAMEWORK:
        assert used == set()
    elif room(module) not in REST_FRAMEWORK:
        assert used <= {"django"}


def test_only_one_module_opens_sockets() -> None:
    assert {name for name in MODULES if room(name) == "oss" and "httpx" in libraries(name)} == {"uploads.oss.http"}


def test_only_one_module_chooses_the_database() -> None:
    """`connection` and `transaction` of Django mean the database `default`, where a project may have no uploads."""
    both = {"django.db.connection", "django.db.transaction"}
    users = {name for name in MODULES if room(name) != "site" and both & set(imported(tree_of(name)))}
    assert users == {"uploads.models.databases"}


@cache
def libraries(module: str) -> set[str]:
    """The packages that a module imports."""
    return {name.partition(".")[0] for name in imported(tree_of(module))}


def test_state_has_one_writer() -> None:
    writes = {
        (str(path.relative_to(PACKAGE)), write.function)
        for path in MODULES.values()
        for write in state_writes(path.read_text())
    }
    assert len(writes) == 1, f"the state is written by {sorted(writes)}"
    ((_, function),) = writes
    assert function.rpartition(".")[2].startswith("advance")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


# The reader of imports itself


def test_every_way_to_name_a_module_is_found() -> None:
    known = dict.fromkeys(
        ["uploads", "uploads.a", "uploads.b", "uploads.b.c", "uploads.d", "uploads.e", "uploads.f", "uploads.g",
         "uploads.h", "uploads.management.commands.go", "uploads.management.commands.run"], Path()
    )  # fmt: skip
    source = '''
"""A docstring may name uploads.docstring without using it."""
import uploads.a
from uploads import d

def later():
    from uploads.b import c
    import_module("uploads.e")

HANDLER = {"EXCEPTION_HANDLER": "uploads.f.handler"}
urlpatterns = [path("", include("uploads.g.urls"))]
command = ["-c", "python:uploads.h"]
call_command("go")
run([sys.executable, "manage.py", "run", "--fast"])
permission = "uploads.view_upload"
'''
    found = {*uses("uploads.x", ast.parse(source), known)}
    assert found == known.keys() - {"uploads", "uploads.b"}


def test_a_cycle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"a"}})


# The guard of the state itself


@pytest.mark.parametrize(
    "statement",
    [
        "upload.state = State.FAILED",
        "upload.updated_at, upload.state = now, State.FAILED",
        "self.upload.state = State.FAILED",
        "upload.state: str = State.FAILED",
        "upload.state += 'x'",
        "for each in uploads: each.state = State.FAILED",
        "upload.__dict__['state'] = State.FAILED",
        "setattr(upload, 'state', State.FAILED)",
        "object.__setattr__(upload, 'state', State.FAILED)",
        "Upload.objects.filter(pk=1).update(state=State.FAILED)",
        "Upload.objects.update(**{'state': State.FAILED})",
        "values = {'state': State.FAILED}; Upload.objects.update(**values)",
        "values = dict(state=State.FAILED); Upload.objects.update(**values)",
        "Upload.objects.bulk_update(uploads, ['state'])",
        "Upload.objects.bulk_update(uploads, fields=('size', 'state'))",
        "Upload.objects.bulk_create(uploads, update_conflicts=True, update_fields=['size', 'state'])",
        "changed = ['state', *fields]; Upload.objects.bulk_create(uploads, update_fields=changed)",
        "upload.save(update_fields=['state'])",
        "upload.save(update_fields={'state'})",
        "Upload(filename='a', state=State.COMPLETED)",
        "Upload(**{'state': State.COMPLETED})",
        "Upload.objects.create(state=State.COMPLETED)",
        "Upload.objects.update_or_create(pk=1, defaults={'state': State.COMPLETED})",
        "cursor.execute('UPDATE uploads_upload SET state = %s')",
        "cursor.execute('insert into uploads_upload (id, state) values (%s, %s)')",
    ],
)
def test_every_way_to_write_the_state_is_found(statement: str) -> None:
    source = f"class Uploads:\n    def mend(self):\n        {statement}\n"
    assert {write.function for write in state_writes(source)} == {"Uploads.mend"}
    assert {write.function for write in state_writes(statement)} == {""}


@pytest.mark.parametrize(
    "statement",
    [
        "Upload.objects.filter(state=State.FAILED)",
        "Upload.objects.filter(pk=1).update(size=1)",
        "Upload.objects.values_list('state')",
        "upload.size = 1",
        "state = upload.state",
        "self.state = state",
        "upload.save(update_fields=['size'])",
        "Upload.objects.bulk_create(uploads)",
        "'Update an upload by the state table and set its size.'",
    ],
)
def test_reading_the_state_is_no_write(statement: str) -> None:
    assert state_writes(statement) == []
