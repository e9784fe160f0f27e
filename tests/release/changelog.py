"""The form of CHANGELOG.md: https://keepachangelog.com/en/1.1.0/, with `Upgrading` first in each version."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.release.commands import ROOT

PAGE = ROOT / "CHANGELOG.md"
KINDS = ("Upgrading", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
VERSION = re.compile(r"\[(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)\] - \d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")


@dataclass
class Entry:
    """One version: its title, and its text by kind."""

    title: str
    kinds: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """ "" for what is not released."""
        match = VERSION.fullmatch(self.title)
        return match[1] if match else ""


def entries(text: str) -> list[Entry]:
    """The versions, newest first."""
    found: list[Entry] = []
    for line in text.splitlines():
        if line.startswith("## "):
            found.append(Entry(line[3:]))
        elif line.startswith("### ") and found:
            found[-1].kinds.append(line[4:])
        elif found and found[-1].kinds:
            kind = found[-1].kinds[-1]
            found[-1].texts[kind] = found[-1].texts.get(kind, "") + line + "\n"
    return found


def released() -> list[str]:
    """The versions of CHANGELOG.md, newest first."""
    return [entry.version for entry in entries(PAGE.read_text()) if entry.version]


def problems(text: str) -> Iterator[str]:
    """What is not in the form."""
    found = entries(text)
    if not found or found[0].title != "[Unreleased]":
        yield "The first section is not [Unreleased]."
    for entry in found[1:]:
        if not entry.version:
            yield f"{entry.title!r} is not a version and a date, such as [0.2.0] - 2026-12-01."
    versions = [tuple(map(int, re.findall(r"\d+", entry.version)[:3])) for entry in found if entry.version]
    if versions != sorted(versions, reverse=True) or len(set(versions)) < len(versions):
        yield "The versions are not in order, the newest first."
    for entry in found:
        if unknown := [kind for kind in entry.kinds if kind not in KINDS]:
            yield f"{entry.title}: {', '.join(unknown)} is not one of {', '.join(KINDS)}."
        elif entry.kinds != sorted(set(entry.kinds), key=KINDS.index):
            yield f"{entry.title}: the sections are not each once, and in the order {', '.join(KINDS)}."
        for kind in entry.kinds:
            if not re.search(r"^\S", re.sub(r"^#### .*$", "", entry.texts.get(kind, ""), flags=re.MULTILINE), re.M):
                yield f"{entry.title}: {kind} is empty."
