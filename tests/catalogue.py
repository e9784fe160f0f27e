"""The backend's translations: `python -m tests.catalogue` collects new texts and compiles the catalogue.

It adds new texts to the .po without a translation, removes texts that are no longer used, and writes the .mo.
Translate, run it again, and commit both; `tests/test_locale.py` checks that this was done. Babel reads Python and both
file formats, so that GNU gettext is not needed; Django's `templatize` prepares templates for it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PACKAGE = Path(__file__).parent.parent / "uploads"
LOCALE = PACKAGE / "locale"
LANGUAGES = ("zh_Hans",)
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "Phrase")),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def found() -> Iterator[tuple[str, str]]:
    """Each text to translate, and the file that contains it."""
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html")]):
        name, source = path.relative_to(PACKAGE.parent).as_posix(), path.read_text()
        if path.suffix == ".html":
            # What is no text to translate becomes X's in the places where it was; Python minds how lines begin.
            source = "\n".join(line.strip() for line in templatize(source).splitlines())
        for _line, text, _comments, _context in extract("python", BytesIO(source.encode()), KEYWORDS):
            assert isinstance(text, str), f"{name}: plurals and contexts are not provided for"
            yield text, name


def read(language: str) -> Catalog:
    with paths(language)[0].open("rb") as file:
        return read_po(file, locale=language, domain="django")


def compiled(catalogue: Catalog) -> bytes:
    out = BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def paths(language: str) -> tuple[Path, Path]:
    """The .po and its .mo."""
    folder = LOCALE / language / "LC_MESSAGES"
    return folder / "django.po", folder / "django.mo"


def main() -> None:
    for language in LANGUAGES:
        po, mo = paths(language)
        known = {message.id: message.string for message in read(language)} if po.exists() else {}
        now = datetime(2026, 1, 1, tzinfo=UTC)  # A date that moves with every run would be a change each time.
        catalogue = Catalog(
            language, "django", project="OSS Uploads", version="1", fuzzy=False, charset="utf-8",
            copyright_holder="OSS Uploads", msgid_bugs_address="the project's issues", last_translator="OSS Uploads",
            language_team="Simplified Chinese",
            creation_date=now, revision_date=now, header_comment="# What the backend of OSS Uploads says.",
        )  # fmt: skip
        for text, name in found():
            catalogue.add(text, known.get(text, ""), locations=[(name, None)])
        po.parent.mkdir(parents=True, exist_ok=True)
        with po.open("wb") as file:
            write_po(file, catalogue, width=0, sort_output=False)
        mo.write_bytes(compiled(read(language)))
        missing = sum(not message.string for message in catalogue if message.id)
        print(f"{language}: {len(catalogue)} texts, {missing} to translate")


if __name__ == "__main__":
    main()
