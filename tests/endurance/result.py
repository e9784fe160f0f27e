"""What a part found, and how it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.chaos.report import machine


@dataclass(frozen=True, slots=True)
class Result:
    """`figures`: values by their labels; `wrong`: one sentence for each thing that is wrong."""

    title: str
    figures: Mapping[str, str]
    wrong: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """As a section of a page."""
        return "\n".join(
            [
                f"#### {self.title}",
                "",
                f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.",
                "",
                *(f"- {label}: {value}." for label, value in self.figures.items()),
                f"- Wrong: {len(self.wrong)}.",
                *(f"  - {each}" for each in self.wrong),
                "",
            ]
        )
