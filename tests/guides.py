"""The guides of frontend/README.md, read from its code blocks and followed in an empty folder, in their order.

Rule: nothing is added to what is written. A block of `sh` is run; a block that names a file of frontend/guides makes
it. Two texts are replaced: `oss-uploads` is the packed tarball, because the version here is not in the registry, and
the last command, which does not end, is what `Guide.server` starts.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.packed import FRONTEND

README = FRONTEND / "README.md"
SERVERS = {
    "npx vite": ("node_modules/vite/bin/vite.js", "--strictPort", "--logLevel", "error"),
    "npx ng serve": ("node_modules/@angular/cli/bin/ng.js", "serve"),
}
"""The last command of a guide, and what it starts."""
INSTALL_SECONDS = 600


@dataclass(frozen=True)
class Block:
    language: str
    path: str
    """Below `frontend/`; "" for a block that makes no file."""
    text: str


def section(title: str) -> str:
    found = re.split(rf"^## {re.escape(title)}$", README.read_text(), flags=re.MULTILINE)[1]
    return re.split(r"^## ", found, flags=re.MULTILINE)[0]


def blocks(text: str) -> list[Block]:
    found = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(*each) for each in found]


@dataclass(frozen=True)
class Guide:
    title: str
    folder: Path
    """Empty at first."""
    tarball: Path

    @cached_property
    def steps(self) -> list[Block]:
        """The blocks of the section, and of the plain page those files that it refers to."""
        steps = blocks(section(self.title))
        referred = re.search(r"With `([\w.]+)` of \[a plain page\]", section(self.title))
        if referred:
            steps = [step for step in blocks(section("A plain page")) if step.path.endswith(referred[1])] + steps
        return [step for step in steps if step.language == "sh" or step.path.startswith("guides/")]

    def follow(self) -> None:
        """Do what the guide says before its last step. Raises CalledProcessError for a command that fails."""
        assert self._last in SERVERS, "the last step is the server"
        for step in self.steps[:-1]:
            if step.path:
                (self.folder / Path(step.path).relative_to(*Path(step.path).parts[:2])).write_text(step.text)
                continue
            for line in step.text.splitlines():
                self._run(re.sub(r"(?<= )oss-uploads(?= |$)", str(self.tarball), line))

    @property
    def _last(self) -> str:
        return self.steps[-1].text.strip()

    def _run(self, line: str) -> None:
        offline = {"npm_config_prefer_offline": "true", "npm_config_audit": "false", "npm_config_fund": "false"}
        subprocess.run(
            ["sh", "-ec", line],
            cwd=self.folder,
            env={**os.environ, **offline},
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS,
        )

    def server(self, port: int, site: str) -> "subprocess.Popen[bytes]":
        """The last step, on a port that is free. `site`: what the guide's proxy passes calls on to."""
        command = ["node", *SERVERS[self._last], "--port", str(port)]
        return subprocess.Popen(command, cwd=self.folder, env={**os.environ, "SITE": site}, start_new_session=True)
