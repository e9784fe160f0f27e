"""Texts for people: an English template with parameters, kept so that it can be translated when it is read.

    detail = Phrase("Part {number} must have {planned} bytes.", number=3, planned=8)
    str(detail)                    # English, for rows, logs, commands and tests
    detail.translated(gettext)     # the reader's language
    Phrase.from_json(detail.as_json()) == detail

Rule: pure. The caller passes the translation function, so that this module needs no Django. Django's lazy strings do
not serve here: they are no `str`, cannot be stored as JSON, and are written to logs in whatever language is active.
`python -m tests.catalogue` collects the templates for translators.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self


class Phrase(str):
    """English text. `template` is the text that is translated; `params` fill its `{fields}` and may be phrases."""

    template: str
    params: Mapping[str, Any]

    def __new__(cls, template: str, /, **params: Any) -> Self:
        phrase = super().__new__(cls, template.format(**params) if params else template)
        phrase.template, phrase.params = template, params
        return phrase

    @classmethod
    def joined(cls, phrases: Iterable[str], separator: str) -> Self:
        """One phrase made of several; each is translated by itself."""
        params = {f"_{index}": phrase for index, phrase in enumerate(phrases)}
        return cls(separator.join(f"{{{name}}}" for name in params), **params)

    def translated(self, gettext: Callable[[str], str]) -> str:
        """The text in another language. `gettext` returns the translation of a template."""
        template = gettext(self.template)
        if not self.params:
            return template
        params = {name: v.translated(gettext) if isinstance(v, Phrase) else v for name, v in self.params.items()}
        return template.format(**params)

    def as_json(self) -> dict[str, Any]:
        """A JSON value from which `from_json` makes an equal phrase."""
        params = {name: v.as_json() if isinstance(v, Phrase) else v for name, v in self.params.items()}
        return {"template": self.template, "params": params}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The phrase that `as_json` described. Raises KeyError for another value."""
        params = {name: cls.from_json(v) if isinstance(v, Mapping) else v for name, v in value["params"].items()}
        return cls(value["template"], **params)
