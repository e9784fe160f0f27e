"""Recordings: the answers of a run without anything of the account, on disk, and how they are compared."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live.answers import Recorded
from tests.live.target import Target

FORMAT = 1
FOLDER = Path(__file__).with_name("recordings")
ACCEPTED = FOLDER / "accepted.json"

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
"""Not compared where they are missing: servers and proxies choose them for each connection."""


class Telling(ValueError):
    """A recording that would tell something of the account. The message does not repeat it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which OSS and the local OSS differ. None stands for no such header or element."""

    statement: str
    field: str
    oss: str | None
    local: str | None

    def __str__(self) -> str:
        return f"{self.statement}: {self.field}: OSS {_shown(self.oss)}, local OSS {_shown(self.local)}"

    @property
    def id(self) -> str:
        """Names the point without the values."""
        return f"{self.statement} {self.field}"


def _shown(value: str | None) -> str:
    return "has none" if value is None else f"has {value!r}"


def compare(statement: str, oss: Recorded, local: Recorded) -> list[Difference]:
    """The differences of two answers to one statement: status, headers, elements, body."""
    if oss.request != local.request:
        return [Difference(statement, "request (record it again)", oss.request, local.request)]
    pairs: list[tuple[str, str | None, str | None]] = [("status", str(oss.status), str(local.status))]
    for name in sorted({*oss.headers, *local.headers}):
        theirs, ours = oss.headers.get(name), local.headers.get(name)
        if name not in HOP_BY_HOP or (theirs is not None and ours is not None and name == "content-length"):
            pairs.append((f"header {name}", theirs, ours))
    for path in dict.fromkeys((*oss.elements, *local.elements)):
        pairs.append((f"element {path}", oss.elements.get(path), local.elements.get(path)))
    pairs.append(("body", oss.body, local.body))
    return [Difference(statement, field, theirs, ours) for field, theirs, ours in pairs if theirs != ours]


def document(target: Target, day: str, answers: Mapping[str, Recorded]) -> str:
    """A recording as JSON. Raises Telling if anything of the account is in it."""
    content = {
        "format": FORMAT,
        "day": day,
        "region": target.region,
        "addressing": target.endpoint.addressing,
        "answers": {name: answer.as_json() for name, answer in answers.items()},
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    if any(secret in text for secret in target.secrets):
        raise Telling("The recording is not written: it would hold a key, a token, an account id or the bucket's name.")
    return text


def load(path: Path) -> dict[str, Recorded]:
    """The answers of a recording, by the names of their statements."""
    content: dict[str, Any] = json.loads(path.read_text())
    if content["format"] != FORMAT:
        raise ValueError(f"{path.name} has the format {content['format']}, not {FORMAT}.")
    return {name: Recorded(**answer) for name, answer in content["answers"].items()}


def recordings(folder: Path = FOLDER) -> list[Path]:
    """The recordings that owners of accounts gave."""
    return sorted(path for path in folder.glob("*.json") if path.name != ACCEPTED.name)


def accepted(path: Path = ACCEPTED) -> dict[str, str]:
    """Differences that stay, by `Difference.id`, and why."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def unexplained(differences: Iterable[Difference], reasons: Mapping[str, str]) -> list[Difference]:
    """The differences without a reason. A reason may end with `*`: it holds for every field that begins so."""
    stars = tuple(name.removesuffix("*") for name in reasons if name.endswith("*"))
    return [found for found in differences if found.id not in reasons and not (stars and found.id.startswith(stars))]
