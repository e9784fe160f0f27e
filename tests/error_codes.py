"""What is made of the table of OSS's error codes: `python -m tests.error_codes` writes it.

`docs/errors.md` is the table for people, `docs/troubleshooting.md` has what the page, the doctor and OSS say, and two
modules of `frontend/src/engine` have what the engine needs of it.
`tests/test_error_codes.py` holds them to the table.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import django

from tests.docs import symptoms
from uploads.oss.error_codes import OSS_CODES, STS_CODES, ErrorCode, Fault

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "errors.md"
ENGINE = ROOT / "frontend" / "src" / "engine"
COMMAND = "python -m tests.error_codes"
HEADER = f"// Made by `{COMMAND}` from the table of OSS's error codes, uploads/oss/error_codes.\n"
BEGIN, END = f"<!-- begin of the tables: {COMMAND} -->\n", "<!-- end of the tables -->\n"
WHOSE = {Fault.PAGE: "page", Fault.SITE: "site", Fault.ACCOUNT: "account", Fault.OSS: "OSS"}


def page() -> str:
    """docs/errors.md with the tables of now."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    tables = f"## OSS\n\n{_table(OSS_CODES)}\n## STS\n\n{_table(STS_CODES)}"
    return f"{head}{BEGIN}\n{tables}\n{END}{tail}"


def _table(rows: tuple[ErrorCode, ...]) -> str:
    lines = ["| code, EC | cure | who must act | repeat | status |", f"|{' --- |' * 5}"]
    for row in rows:
        repeat = "yes" if row.repeat else "no"
        code = f"[`{row.code}`]({row.link}) {row.ec}".strip()
        cells = [code, row.cure, WHOSE[row.fault], repeat, str(row.status)]
        lines.append(f"| {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def repeat_module() -> str:
    """The TypeScript module of the codes whose repetition the status does not tell; it is loaded with each upload."""
    unlike = {row.code: row.repeat for row in _FIRST.values() if row.repeat != (row.status >= 500)}
    return (
        f"{HEADER}\n"
        "/** Where the status misleads: may be repeated although it is below 500, or may not although it is 5xx. */\n"
        f"export const REPEAT: Readonly<Record<string, boolean>> = {_object(unlike)};\n"
    )


def fault_module() -> str:
    """The TypeScript module that says who must act; it is loaded after a failure."""
    faults = {row.code: row.fault.value for row in _FIRST.values()}
    kinds = " | ".join(json.dumps(fault.value) for fault in Fault)
    return (
        f"{HEADER}\n"
        "/** Who must act so that the request succeeds. */\n"
        f"export type Fault = {kinds};\n\n"
        f"export const FAULTS: Readonly<Record<string, Fault>> = {_object(faults)};\n"
    )


_FIRST = {row.code: row for row in reversed(OSS_CODES)}
FILES: dict[Path, Callable[[], str]] = {
    PAGE: page,
    symptoms.PAGE: symptoms.page,
    ENGINE / "oss-repeat.ts": repeat_module,
    ENGINE / "oss-faults.ts": fault_module,
}


def _object(values: Mapping[str, bool | str]) -> str:
    lines = "".join(f"  {name}: {json.dumps(value)},\n" for name, value in sorted(values.items()))
    return f"{{\n{lines}}}"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()  # For the texts of the doctor.
    for path, text in FILES.items():
        path.write_text(text())
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
