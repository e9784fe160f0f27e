"""Changes that were made by hand: of what mutmut and Stryker do not change, and what tests once did not notice.

mutmut leaves out functions with a decorator, and both have only some of the modules. Each change is made in a copy, in
which the tests that it names must fail.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.changes import Change
from tests.mutation.python import ROOT

COPIED = ("uploads", "tests", "pyproject.toml", "manage.py")
COPIED_FRONTEND = ("src", "tests", "package.json", "tsconfig.json", "vitest.config.ts")
NOT_COPIED = shutil.ignore_patterns("node_modules", "__pycache__")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:playwright", "-p", "no:cacheprovider")
VITEST = ("node_modules/.bin/vitest", "run")


@dataclass(frozen=True)
class ByHand:
    """In `file`, below the root of the repository, `before` stands once and becomes `after`. `tests` must notice."""

    name: str
    file: str
    before: str
    after: str
    tests: str


MODELS = "tests/test_models.py"
ACCESS = "tests/access/test_access.py"
ACKNOWLEDGED = "tests/engine/acknowledged.test.ts"
CHANGES = (
    ByHand(
        "a batch is advanced whatever state its rows have",
        "uploads/models/upload.py",
        "            rows = rows.filter(state__in=states.sources(event))\n",
        "",
        MODELS,
    ),
    ByHand(
        "a batch is advanced though its rows were written since they were read",
        "uploads/models/upload.py",
        "rows = self._unchanged(uploads) if unchanged else self.filter(",
        "rows = self.filter(",
        MODELS,
    ),
    ByHand(
        "a batch is written although one of it was moved by somebody else",
        "uploads/models/upload.py",
        "if count < len(uploads):",
        "if False:",
        MODELS,
    ),
    ByHand(
        "a batch that is tried one by one forgets that nobody may have written the rows",
        "uploads/models/upload.py",
        "actor=actor, unchanged=unchanged)\n                return",
        "actor=actor)\n                return",
        MODELS,
    ),
    ByHand(
        "the history of a batch does not say who it was",
        "uploads/models/upload.py",
        "record_events(uploads, event, actor)",
        "record_events(uploads, event, None)",
        MODELS,
    ),
    ByHand(
        "a completed upload keeps its parts in the database",
        "uploads/services/complete.py",
        "        Part.objects.filter(upload__in=[case.upload for case in moved]).delete()\n",
        "",
        "tests/services/test_services.py",
    ),
    ByHand(
        "the key of a callback is fetched from any URL that contains an allowed one",
        "uploads/oss/callback.py",
        "url.startswith(prefix)",
        "prefix in url",
        "tests/oss/test_callback.py",
    ),
    ByHand(
        "any administrator aborts multipart uploads at OSS",
        "uploads/admin/pages.py",
        "    def _abort_multipart_uploads(self, request: HttpRequest) -> HttpResponse:\n"
        "        self._require_abort(request)\n",
        "    def _abort_multipart_uploads(self, request: HttpRequest) -> HttpResponse:\n",
        ACCESS,
    ),
    ByHand(
        "any administrator who may see orphans aborts one at OSS",
        "uploads/admin/orphans.py",
        "if not (self.has_view_permission(request) and self.has_abort_permission(request)):",
        "if not self.has_view_permission(request):",
        ACCESS,
    ),
    ByHand(
        "any administrator who may see orphans aborts those that are selected",
        "uploads/admin/orphans.py",
        ', permissions=["abort"])',
        ")",
        ACCESS,
    ),
    ByHand(
        "a checkpoint counts as acknowledged before its answer",
        "frontend/src/engine/transfer.ts",
        "    await this.ports.api.checkpoint(this.remote.id, parts, signal);\n    this.#markReported(parts);\n",
        "    this.#markReported(parts);\n    await this.ports.api.checkpoint(this.remote.id, parts, signal);\n",
        ACKNOWLEDGED,
    ),
    ByHand(
        "parts count as acknowledged before the request that signs others is answered",
        "frontend/src/engine/signer.ts",
        "    const done = unreported();\n    const parts",
        "    const done = unreported();\n    onreported(done);\n    const parts",
        ACKNOWLEDGED,
    ),
    ByHand(
        "parts count as acknowledged before the complete call is answered",
        "frontend/src/engine/transfer.ts",
        "      const done = this.ledger.unreported();\n      try {",
        "      const done = this.ledger.unreported();\n      this.ledger.markReported(done);\n      try {",
        ACKNOWLEDGED,
    ),
)


def changes() -> Iterator[Change]:
    """Try each in a copy. Raises RuntimeError if tests fail in the copy before anything is changed."""
    with tempfile.TemporaryDirectory(prefix="uploads-by-hand-") as name:
        copy = _copied(Path(name))
        for tests in dict.fromkeys(change.tests for change in CHANGES):
            if problem := _failure(copy, tests):
                raise RuntimeError(f"{tests} fails in a copy without a change:\n{problem}")
        for change in CHANGES:
            yield Change("by hand", change.file, change.before, change.after, _is_noticed(copy, change))


def _copied(directory: Path) -> Path:
    (directory / "frontend").mkdir()
    for name in (*COPIED, *(f"frontend/{name}" for name in COPIED_FRONTEND)):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, directory / name, ignore=NOT_COPIED)
        else:
            shutil.copy(ROOT / name, directory / name)
    (directory / "frontend" / "node_modules").symlink_to(ROOT / "frontend" / "node_modules")
    return directory


def _is_noticed(copy: Path, change: ByHand) -> bool:
    file = copy / change.file
    text = file.read_text()
    file.write_text(text.replace(change.before, change.after))
    try:
        is_noticed = bool(_failure(copy, change.tests))
    finally:
        file.write_text(text)
    print(f"{'noticed' if is_noticed else 'MISSED':8} {change.name}", flush=True)
    return is_noticed


def _failure(copy: Path, tests: str) -> str:
    """What the tests print if they fail; otherwise nothing."""
    is_engine = tests.endswith(".ts")
    done = subprocess.run(
        [*(VITEST if is_engine else PYTEST), tests],
        cwd=copy / "frontend" if is_engine else copy,
        env={**os.environ, "PYTHONPATH": str(copy), "TEST_SQLITE": str(copy / "test.sqlite3")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""
