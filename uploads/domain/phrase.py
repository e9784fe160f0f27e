"""What people are told: English with holes, that can be said in another language later.

    detail = Phrase("Part {number} has {planned} bytes by the plan.", number=3, planned=8)
    str(detail)              # English, as rows, logs, commands and tests know it
    detail.said(gettext)     # the reader's language, at the glass door

Rule: pure; whoever speaks to somebody brings the translation along. `python -m tests.catalogue` finds what stands here.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self


class Phrase(str):
    """`template` is what translators see; `params` fill its `{holes}`, and may be phrases themselves."""

    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, /, **params: Any) -> Self:
        phrase = super().__new__(cls, template.format(**params) if params else template)
        phrase.template, phrase.params = template, params
        return phrase

    @classmethod
    def of(cls, phrases: Iterable[str], separator: str) -> Self:
        """Several in a row."""
        params = {f"_{index}": phrase for index, phrase in enumerate(phrases)}
        return cls(separator.join(f"{{{name}}}" for name in params), **params)

    def said(self, translate: Callable[[str], str]) -> str:
        template = translate(self.template)
        if not self.params:
            return template
        said = {n: v.said(translate) if isinstance(v, Phrase) else v for n, v in self.params.items()}
        return template.format(**said)

    # As a row keeps it, so that it can be said in the language of whoever reads it another day

    def as_json(self) -> dict[str, Any]:
        params = {n: v.as_json() if isinstance(v, Phrase) else v for n, v in self.params.items()}
        return {"template": self.template, "params": params}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        params = {n: cls.from_json(v) if isinstance(v, Mapping) else v for n, v in kept["params"].items()}
        return cls(kept["template"], **params)
