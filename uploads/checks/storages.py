"""Wrong options of `uploads.storage` in Django's STORAGES."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from uploads.checks.destinations import sound_destinations
from uploads.checks.overlaps import bucket_of, keys_may_lie_below
from uploads.checks.places import wrong_domain
from uploads.conf import settings
from uploads.storage import OssManifestStaticStorage, OssStorage, options_problem

STATIC = "staticfiles"
"""The alias of the storage that collectstatic writes to, and empties with --clear."""
ARGUMENTS = frozenset({"bucket", "prefix", "expires", "allow_overwrite", "manifest_storage", "manifest_strict"})
"""Options of the storage itself; the others are of its objects."""


def check_storages() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias, given in django_settings.STORAGES.items():
        if not _is_ours(given.get("BACKEND")):
            continue
        options = given.get("OPTIONS") or {}
        problem = options_problem({name: value for name, value in options.items() if name not in ARGUMENTS})
        if problem:
            hint = "Set a value that OSS accepts in the header of that name, or leave it out."
            found.append(Error(f"STORAGES[{alias!r}], {problem}.", hint=hint, id="uploads.E064"))
        try:
            settings.place(options.get("bucket", ""))
        except ValueError as error:
            found.append(wrong_domain(f"STORAGES[{alias!r}], bucket: {error}."))
        if alias == STATIC and options.get("expires", 0) is not None:
            text = f"STORAGES[{alias!r}] signs its URLs: they expire, and files cannot refer to each other."
            hint = "Set 'expires': None, 'acl': 'public-read' and a 'prefix' of its own."
            found.append(Warning(text, hint=hint, id="uploads.W062"))
    return found


# Whose files a storage has among its own


@dataclass(frozen=True, slots=True)
class _Area:
    """Where a storage has its files."""

    alias: str
    bucket: tuple[str, str]
    prefix: str


@register("uploads", Tags.staticfiles)
def check_prefixes(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Storages whose prefix is also that of uploads. Of all checks, collectstatic asks those for static files only."""
    areas = list(_areas())
    return [message for area in areas for message in _shared(area, areas)]


def _shared(area: _Area, areas: Sequence[_Area]) -> Iterator[CheckMessage]:
    names = [
        f"destination {each.name!r}"
        for each in sound_destinations()
        if bucket_of(each.bucket) == area.bucket and keys_may_lie_below(each, area.prefix)
    ]
    if area.alias != STATIC:
        if names:
            text = f"STORAGES[{area.alias!r}]: the prefix {area.prefix!r} overlaps that of {', '.join(names)}."
            hint = (
                "Set a 'prefix' of its own, such as 'media/'. Otherwise rules of the bucket and the sweep, which are "
                "for uploads, may delete or protect files of this storage too."
            )
            yield Warning(text, hint=hint, id="uploads.W065")
        return
    others = [each for each in areas if each is not area and each.bucket == area.bucket]
    names += [f"STORAGES[{each.alias!r}]" for each in others if each.prefix.startswith(area.prefix)]
    if not names and not area.prefix and area.bucket == bucket_of(""):
        names = ["OSS_BUCKET"]
    if names:
        text = f"STORAGES[{area.alias!r}]: collectstatic --clear would delete files of {', '.join(names)}."
        hint = "Set a 'prefix' that nothing else has, such as 'static/', or a 'bucket' of its own."
        yield Error(text, hint=hint, id="uploads.E065")


def _areas() -> Iterator[_Area]:
    for alias, given in django_settings.STORAGES.items():
        if not _is_ours(given.get("BACKEND")):
            continue
        options, made = given.get("OPTIONS") or {}, import_string(given["BACKEND"]).__init__
        # A class of the project may give itself a prefix.
        is_known = "prefix" in options or made in (OssStorage.__init__, OssManifestStaticStorage.__init__)
        if is_known and isinstance(prefix := options.get("prefix", ""), str):
            yield _Area(alias, bucket_of(options.get("bucket", "")), prefix)


def _is_ours(backend: Any) -> bool:
    """Whether it is OssStorage or a class of the project that is based on it."""
    try:
        return issubclass(import_string(backend), OssStorage)
    except (ImportError, TypeError, AttributeError):
        return False  # Django reports it.
