"""`make docs`: builds the site in var/docs/site, and checks it. A warning is an error."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import django

from tests.docs import built, diagrams, http_reference, inline, pages

MKDOCS = pages.BUILT / "venv" / "bin" / "mkdocs"
TYPEDOC = Path("node_modules", "typedoc", "bin", "typedoc")
SITE = pages.BUILT / "site"


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    pages.copy_all()
    _write_http_reference()
    _write_engine_reference()
    diagrams.draw_all()
    shutil.rmtree(SITE, ignore_errors=True)
    command = [MKDOCS, "build", "--quiet", "--config-file", pages.DOCS / "mkdocs.yml"]
    subprocess.run(command, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=True)
    inline.move_scripts(SITE)
    found = [*built.problems(SITE), *built.refusals(SITE)]
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"{sum(1 for _ in SITE.rglob('*.html'))} pages: {SITE.relative_to(pages.ROOT)}/index.html")
    return int(bool(found))


def _write_http_reference() -> None:
    from tests.openapi import schema

    (pages.PAGES / "http.md").write_text(http_reference.page(schema()))


def _write_engine_reference() -> None:
    """Raises CalledProcessError for an exported name that is not documented: tests/docs/typedoc.json."""
    subprocess.run(["node", TYPEDOC, "--options", "typedoc.json"], cwd=Path(__file__).parent, check=True)
    shutil.copytree(pages.BUILT / "engine", pages.PAGES / "engine")


if __name__ == "__main__":
    sys.exit(main())
