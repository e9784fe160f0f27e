"""docs/troubleshooting.md: what the page, the doctor and OSS say. `python -m tests.error_codes` writes the tables."""

from tests.docs import findings, page_texts
from tests.docs.pages import DOCS
from uploads.oss.error_codes import OSS_CODES, STS_CODES, Fault

PAGE = DOCS / "troubleshooting.md"
BEGIN, END = "<!-- begin of the tables: python -m tests.error_codes -->\n", "<!-- end of the tables -->\n"


def page() -> str:
    """docs/troubleshooting.md with the tables of now."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{_page()}\n{_doctor()}\n{_oss()}\n{END}{tail}"


def _page() -> str:
    waits = [[text, f"`{name}`"] for name, text in page_texts.notices()]
    fails = [[f"{title}", detail, hint] for title, detail, hint in page_texts.failures()]
    refused = [[title, f"`{code}`", advice] for title, code, advice in page_texts.refusals()]
    return (
        "## The page says\n\n### While it waits\n\nNothing is lost, and nobody has to do anything at first. "
        "A row that stays needs a look at the network, or at what the doctor says.\n\n"
        f"{_table('text', 'name', rows=waits)}\n"
        "### When an upload has failed\n\nThe parts that OSS has are kept. Press Retry once the cause is mended.\n\n"
        f"{_table('title', 'why', 'what the page advises', rows=fails)}\n"
        "### When the backend has refused\n\nThe page shows the title and the backend's detail.\n\n"
        f"{_table('title', 'code', 'what to do', rows=refused)}"
    )


def _doctor() -> str:
    rows = [[each.level, each.name, each.text, each.cure.strip(findings.UNKNOWN)] for each in findings.said()]
    return (
        "## The doctor says\n\n`…` stands for what the doctor names. A line with `OSS: ` and a code is OSS's answer: "
        "look the code up [below](#oss-answers).\n\n"
        f"{_table('level', 'checked', 'result', 'fix', rows=rows)}"
    )


def _oss() -> str:
    """The codes about which those who run the site, or the owner of the account, must do something; one row a cure."""
    codes: dict[tuple[str, str], list[str]] = {}
    for row in (*OSS_CODES, *STS_CODES):
        if row.fault in (Fault.SITE, Fault.ACCOUNT):
            codes.setdefault((row.fault.value, row.cure), []).append(f"`{row.code}`")
    rows = [[", ".join(dict.fromkeys(names)), whose, cure] for (whose, cure), names in codes.items()]
    return (
        "## OSS answers\n\nThe codes about which somebody must do something. [OSS's error codes](errors.md) has all, "
        "with their status, whether they are repeated, and the vendor's page.\n\n"
        f"{_table('code', 'who must act', 'what to do', rows=rows)}"
    )


def _table(*heads: str, rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "".join(f"{line}\n" for line in lines)
