"""What operators and programs rely on by name, and whether the changelog names what changed of it since a release.

python -m tests.surface records it for the version of this checkout, in `tests/releases`: docs/releasing.md.
"""

import ast
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.release.changelog import Entry
from tests.release.commands import ROOT
from tests.release.version import version
from uploads.domain import places
from uploads.domain.destination import Destination
from uploads.oss.credential_sources import KINDS

RECORDS = ROOT / "tests" / "releases"
Surface = dict[str, dict[str, str]]
"""By kind, such as `settings`: names, and what is promised of each."""
READERS = {"env", "secret", "environ", "_environ"}
"""What variables are read with: environs, the reader of secrets, `os.environ`."""
OWN_VARIABLES = {"OSS_UPLOADS_DEMO", "DJANGO_SETTINGS_MODULE"}
"""One that the demo sets for its own child processes, and Django's own."""


def variables_read() -> set[str]:
    """Of the environment, anywhere in the app."""
    found = {name for kind in KINDS.values() for name in kind.variables.values()}
    for path in (ROOT / "uploads").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=reader), args=[ast.Constant(value=str(name)), *_]):
                    pass
                case ast.Subscript(value=reader, slice=ast.Constant(value=str(name))):
                    pass
                case _:
                    continue
            if ast.unparse(reader).rpartition(".")[2] in READERS and not path.is_relative_to(ROOT / "uploads/localoss"):
                found.add(name.upper())
    return found - OWN_VARIABLES


def surface() -> Surface:
    """That of this checkout. Django must be set up."""
    from tests.openapi import schema  # It needs Django.
    from uploads.conf import Settings

    manifest = json.loads((ROOT / "frontend" / "package.json").read_text())
    names = {
        "variables": variables_read(),
        "settings": {*Settings.REQUIRED, *Settings.OPTIONAL},
        "keys of destinations": Destination.keys(),
        "keys of places": set(places.KEYS),
        "migrations": {path.stem for path in (ROOT / "uploads" / "migrations").glob("0*.py")},
        "entries of the npm package": set(manifest["exports"]),
    }
    found = {kind: dict.fromkeys(sorted(each), "") for kind, each in names.items()}
    return {**found, "api": dict(sorted(_api(schema())))}


def _api(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Operations, and the fields of each schema with their types."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation["operationId"]
    for name, schema in document["components"]["schemas"].items():
        required = schema.get("required", ())
        for field, given in schema.get("properties", {}).items():
            kept = {key: value for key, value in given.items() if key not in ("description", "title", "example")}
            is_required = " required" if field in required else ""
            yield f"{name}.{field}", json.dumps(kept, sort_keys=True) + is_required


def unnamed(before: Surface, now: Surface, since: list[Entry]) -> list[str]:
    """What changed and is not named in the entries of the changelog since then.

    Something new may be named anywhere; something that is gone or different must be named under `Upgrading`. Of a
    field of the API, its own name counts, without its schema's.
    """
    everywhere = "\n".join(text for entry in since for text in entry.texts.values())
    upgrading = "\n".join(entry.texts.get("Upgrading", "") for entry in since)
    found = []
    for kind in before.keys() | now.keys():
        old, new = before.get(kind, {}), now.get(kind, {})
        for name in old.keys() | new.keys():
            if old.get(name) != new.get(name):
                text = upgrading if name in old else everywhere
                word = "migrat" if kind == "migrations" else name.rpartition(".")[2] if kind == "api" else name
                if not re.search(rf"(?<![A-Za-z_]){re.escape(word)}", text):
                    found.append(f"{kind}: {name}")
    return sorted(found)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    RECORDS.mkdir(exist_ok=True)
    (RECORDS / f"{version()}.json").write_text(json.dumps(surface(), indent=1) + "\n")
