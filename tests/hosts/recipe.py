"""The recipe of the README, read from its code blocks and followed.

Rule: nothing is added to what is written. A block of `sh` is run in the project; a block that begins with the name of
a file is added at the end of that file, or makes it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.environments import run
from tests.stack import ROOT

README = ("README.md", "In a Django project")


@dataclass(frozen=True)
class Block:
    language: str
    code: str

    @property
    def file(self) -> str:
        """The file that its first line names, in a comment; "" when it names none."""
        match = re.match(r"(?:# |<!-- )([\w./]+\.\w+)(?: -->)?\n", self.code)
        return match[1] if match else ""


def blocks(page: str, title: str) -> Iterator[Block]:
    """The code blocks of one section of a page."""
    text = (ROOT / page).read_text()
    section = re.split(rf"^## {re.escape(title)}$", text, flags=re.MULTILINE)[1]
    section = re.split(r"^## ", section, flags=re.MULTILINE)[0]
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        yield Block(language, code)


def replaced(steps: Iterable[Block], instead: Mapping[str, str]) -> Iterator[Block]:
    """The blocks, with other texts where the documentation says so. Raises ValueError when the recipe lacks a text."""
    found = list(steps)
    for old, new in instead.items():
        if not any(old in step.code for step in found):
            raise ValueError(f"The recipe has no {old}")
        found = [Block(step.language, step.code.replace(old, new)) for step in found]
    yield from found


def follow(steps: Iterable[Block], project: Path, files: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Do what the blocks say, in their order. `files`: where the project has the files that the recipe names.

    Raises Failed when a command fails.
    """
    for block in steps:
        if block.language == "sh":
            for line in block.code.splitlines():
                run(["sh", "-c", line], cwd=project, env=variables)
        elif block.file:
            path = project / files.get(block.file, block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            # Django takes a comment for text, so that a template begins behind it.
            code = block.code.partition("\n")[2] if block.language == "html" else block.code
            path.write_text((path.read_text() + "\n" if path.exists() else "") + code)
