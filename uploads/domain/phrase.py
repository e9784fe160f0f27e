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

from uploads.domain.setting_names import renamed


class Phrase(str):
    """English text. `template` is the text that is translated; `params` fill its `{fields}` and may be phrases."""

    template: str
    params: Mapping[str, Any]
    names: Mapping[str, str]
    """Names of settings to put in place of those in the text (`setting_names`), in every language."""

    def __new__(cls, template: str, /, **params: Any) -> Self:
        return cls._made(template, params, {})

    @classmethod
    def _made(cls, template: str, params: Mapping[str, Any], names: Mapping[str, str]) -> Self:
        text = template.format(**params) if params else template
        phrase = super().__new__(cls, renamed(text, names))
        phrase.template, phrase.params, phrase.names = template, params, names
        return phrase

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same phrase with other names of settings."""
        return self._made(self.template, self.params, names)

    @classmethod
    def joined(cls, phrases: Iterable[str], separator: str) -> Self:
        """One phrase made of several; each is translated by itself."""
        params = {f"_{index}": phrase for index, phrase in enumerate(phrases)}
        return cls(separator.join(f"{{{name}}}" for name in params), **params)

    def translated(self, gettext: Callable[[str], str]) -> str:
        """The text in another language. `gettext` returns the translation of a template."""
        text = gettext(self.template)
        if self.params:
            params = {name: v.translated(gettext) if isinstance(v, Phrase) else v for name, v in self.params.items()}
            text = text.format(**params)
        return renamed(text, self.names)

    def as_json(self) -> dict[str, Any]:
        """A JSON value from which `from_json` makes an equal phrase."""
        params = {name: v.as_json() if isinstance(v, Phrase) else v for name, v in self.params.items()}
        names = {"names": dict(self.names)} if self.names else {}
        return {"template": self.template, "params": params, **names}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The phrase that `as_json` described. Raises KeyError for another value."""
        params = {name: cls.from_json(v) if isinstance(v, Mapping) else v for name, v in value["params"].items()}
        return cls._made(value["template"], params, value.get("names", {}))
