"""Pictures of a terminal in docs/pictures: `python -m tests.docs.pictures` makes them anew.

The commands are run against the local OSS server, so the pictures show what they really print. Two texts are replaced:
the local address by that of a custom domain, and the local bucket's name by the one in docs/real-bucket.md.
"""

import html
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.docs.pages import DOCS, ROOT
from tests.test_demo import clean_environment
from uploads.localoss.testing import LocalServer

FOLDER = DOCS / "pictures"
COLORS = {"31": "#f47067", "32": "#8ddb8c", "33": "#e0a85c", "1": "#ffffff", "36": "#96d0ff"}
CHARACTER, LINE, MARGIN, MOST = 7.2, 17, 14, 100
"""Pixels of a character and of a line, of the margin; characters of a line."""
ESCAPE = re.compile(r"\x1b\[([\d;]*)m")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, LocalServer(Path(directory) / "oss") as oss:
        variables = _variables(oss, Path(directory))
        _run(["migrate", "--verbosity", "0"], variables)
        for name, arguments in {
            "doctor-before": ["doctor", "-v", "0"],
            "configure": ["configure_bucket"],
            "doctor-after": ["doctor"],
        }.items():
            said = _run(arguments, variables)
            said = said.replace(oss.url, "https://media.your.site").replace(oss.bucket, "your-bucket")
            (FOLDER / f"{name}.svg").write_text(picture(" ".join(["python manage.py", *arguments]), said))


def _variables(oss: LocalServer, directory: Path) -> Mapping[str, str]:
    return clean_environment() | {
        "DATABASE_URL": f"sqlite:///{directory / 'db.sqlite3'}",
        "DJANGO_SECRET_KEY": "only for pictures",
        "DJANGO_DEBUG": "true",
        "FORCE_COLOR": "1",
        "DJANGO_COLORS": "dark",
        "UPLOADS_ORIGINS": "https://your.site",
        "OSS_ENDPOINT": oss.url,
        "OSS_ADDRESSING": "path",
        "OSS_REGION": oss.region,
        "OSS_BUCKET": oss.bucket,
        "OSS_ACCESS_KEY_ID": oss.access_key_id,
        "OSS_ACCESS_KEY_SECRET": oss.access_key_secret,
    }


def _run(arguments: list[str], variables: Mapping[str, str]) -> str:
    """What the command prints, with colors. A doctor that finds a problem exits with 1, which is no failure here."""
    command = [sys.executable, "manage.py", *arguments, "--force-color"]
    ended = subprocess.run(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ended.returncode in (0, 1), ended.stdout
    return ended.stdout


def picture(command: str, said: str) -> str:
    """An SVG of a terminal with the command and what it printed. Long lines are broken."""
    lines = [f"\x1b[36m$\x1b[0m \x1b[1m{command}\x1b[0m"]
    lines += [part for line in said.rstrip().splitlines() for part in _broken(line)]
    width = max(len(ESCAPE.sub("", line)) for line in lines) * CHARACTER + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    texts = [
        f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 12}">{_colored(line)}</text>'
        for number, line in enumerate(lines)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'height="{height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12" fill="#d0d7de" '
        f'xml:space="preserve">\n<rect width="100%" height="100%" rx="6" fill="#1c2128"/>\n'
        + "\n".join(texts)
        + "\n</svg>\n"
    )


def _broken(line: str) -> list[str]:
    """The line in pieces that fit, broken at spaces. Colors do not reach over a break."""
    if len(ESCAPE.sub("", line)) <= MOST:
        return [line]
    indent = " " * 6
    at = line.rfind(" ", 0, MOST + len(line) - len(ESCAPE.sub("", line)))
    return [line[:at], *_broken(indent + line[at + 1 :])]


def _colored(line: str) -> str:
    parts = ESCAPE.split(line)
    shown = html.escape(parts[0], quote=False)
    for codes, text in zip(parts[1::2], parts[2::2], strict=True):
        color = next((COLORS[code] for code in codes.split(";") if code in COLORS), "")
        escaped = html.escape(text, quote=False)
        shown += f'<tspan fill="{color}">{escaped}</tspan>' if color and escaped else escaped
    return shown


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
