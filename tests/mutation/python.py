"""The changes of Python that tests do not notice, by mutmut.

Each suite runs in a directory of its own below `var/mutation`, with the settings that mutmut reads there. A run that
was interrupted continues where it was. A later run tries what was missed again, and what was changed since.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.changes import Change, shortened
from tests.mutation.shared_servers import shared_servers

ROOT = Path(__file__).parents[2]
WORK = ROOT / "var" / "mutation"
PROCESSES = int(os.environ.get("MUTATION_PROCESSES") or os.cpu_count() or 1)
NOTICED = frozenset({"killed", "timeout", "segfault", "caught by type check"})
# Sentences for people, of three words or more: the catalogue of translations holds them.
SENTENCES = '"[^" ]+ [^" ]+ [^"]+"'
# With packages of npm, or without anything that these suites import.
NOT_COPIED = frozenset({"browsers", "clients", "e2e", "hosts", "interop", "mutation", "__pycache__"})


@dataclass(frozen=True)
class Suite:
    """Modules by area, and the tests that say whether they work. `settings` are more lines for mutmut."""

    name: str
    areas: Mapping[str, Sequence[str]]
    tests: Sequence[str]
    arguments: Sequence[str]
    settings: Mapping[str, object]


PURE = Suite(
    "pure",
    {
        "states": ["domain/states", "domain/retries"],
        "completion": ["domain/completion", "domain/expectations", "domain/parts", "domain/staging"],
        "quota": ["domain/quota"],
        "destination rules": ["domain/attributes", "domain/options", "domain/plan"],
        "signing": ["oss/signing", "oss/policy", "oss/post"],
        "callback": ["oss/callback"],
    },
    ["tests/domain", "tests/oss"],
    ["-c", "tests/pure.ini"],
    {},
)
# One starts a whole site, others try each step of a long way or wait for an address where nothing answers.
SLOW = ("while_it_waits", "at_any_step", "out_of_reach", "did_not_hear")
SERVICES = Suite(
    "services",
    {
        "completion": ["services/complete", "services/completion_case", "services/outcome", "services/object_checks"],
        "quota": ["services/quota"],
        "destination rules": ["services/destination_rules"],
        "callback": ["services/callback"],
        "credentials": [
            "services/credentials",
            "services/assumed_role",
            "services/expired_credentials",
            "services/sealed_cache",
            "services/session_policies",
        ],
    },
    [
        "tests/services/test_server_credentials.py::test_a_browser_whose_url_is_refused_gets_one_of_other_credentials",
        "tests/services/test_restored_database.py::test_a_staged_file_that_had_passed_is_completed",
        "tests/services/test_restored_database.py::test_what_the_site_or_a_lifecycle_rule_changed_since_is_completed_and_told",
        "tests/services/test_restored_database.py::test_nobody_else_accepts_an_object_that_was_changed",
        "tests/services/test_clock.py::test_what_credentials_for_a_prefix_stored_is_found_until_they_have_expired",
        "tests/services/test_restored_database.py::test_a_staged_file_that_was_claimed_or_checked_at_the_backup",
        *(
            f"tests/services/test_{name}.py"
            for name in (
                "assumed_role",
                "attacks",
                "callbacks",
                "completion",
                "credentials",
                "destination_rules",
                "destinations",
                "expired_credentials",
                "file_checksums",
                "kept_streams",
                "prefix_uploads",
                "quota",
                "services",
                "session_policies",
                "staging",
                "storage_classes",
                "tenants",
            )
        ),
    ],
    # Two plugins collect garbage at the end of each run, which takes longer than most tests.
    [
        *("-p", "no:playwright", "-p", "no:unraisableexception", "-p", "no:threadexception"),
        *("-p", "tests.mutation.plugin", "-k", f"not ({' or '.join(SLOW)})"),
    ],
    # The services keep connections, which processes must not share. The plugin ends loops, by the time that they
    # compute; this limit is for what waits for ever, and counts all time: it must hold on a machine that is busy.
    {"process_isolation": "forkserver", "timeout_multiplier": 30.0, "timeout_constant": 3.0},
)


def changes(suite: Suite) -> Iterator[Change]:
    """Run the suite, and give each change of its modules with what became of it."""
    work = _prepared(suite)
    _forget_missed(work)
    with _environment(suite) as environment:
        run = [sys.executable, "-m", "mutmut", "run", "--max-children", str(PROCESSES)]
        subprocess.run(run, cwd=work, env=environment, check=True)
    for area, modules in suite.areas.items():
        for module in modules:
            yield from _changes_of(work, area, f"uploads/{module}.py")


def _prepared(suite: Suite) -> Path:
    """The directory in which mutmut runs: links to the code, and its settings."""
    work = WORK / suite.name
    tests = work / "tests"
    shutil.rmtree(tests, ignore_errors=True)
    (tests / "mutation").mkdir(parents=True)
    for path in (ROOT / "tests").iterdir():
        if path.name not in NOT_COPIED:
            (tests / path.name).symlink_to(path)
    for path in (ROOT / "tests" / "mutation").glob("*.py"):
        (tests / "mutation" / path.name).symlink_to(path)
    for name in ("uploads", "docs"):
        if not (work / name).is_symlink():
            (work / name).symlink_to(ROOT / name)
    settings = {
        "source_paths": ["uploads"],
        "also_copy": ["docs"],  # Tests run commands of the manual.
        "only_mutate": [f"uploads/{module}.py" for modules in suite.areas.values() for module in modules],
        "do_not_mutate_patterns": [SENTENCES],
        "pytest_add_cli_args": suite.arguments,
        "pytest_add_cli_args_test_selection": suite.tests,
        "use_git_change_detection": False,
        **suite.settings,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (work / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + "\n[tool.mutmut]\n" + "\n".join(lines))
    return work


def _forget_missed(work: Path) -> None:
    """There may be other tests by now, and they may reach other code. Which they are is found out again."""
    (work / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for path in (work / "mutants" / "uploads").rglob("*.meta"):
        meta = json.loads(path.read_text())
        codes = meta["exit_code_by_key"]
        meta["exit_code_by_key"] = {name: code if _is_noticed(code) else None for name, code in codes.items()}
        path.write_text(json.dumps(meta))


@contextmanager
def _environment(suite: Suite) -> Iterator[dict[str, str]]:
    if suite is PURE:
        yield dict(os.environ)
    else:
        with shared_servers(WORK / "servers", PROCESSES) as variables:
            yield {**os.environ, **variables}


def _is_noticed(exit_code: int | None) -> bool:
    # `make mutation` alone installs it.
    from mutmut.stats import status_by_exit_code

    return status_by_exit_code[exit_code] in NOTICED


def _changes_of(work: Path, area: str, file: str) -> Iterator[Change]:
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    meta = json.loads((work / "mutants" / f"{file}.meta").read_text())
    with chdir(work):
        for name, code in meta["exit_code_by_key"].items():
            lines = get_diff_for_mutant(name, path=file).splitlines()[2:]
            before, after = (
                " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in ("-", "+")
            )
            yield Change(area, file, shortened(before), shortened(after), _is_noticed(code))
