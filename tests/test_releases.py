"""What a release promises: one version, a changelog, pages whose links work. And what `make release` finds."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

import uploads
from hatch_build import page, urls
from tests.release import building, changelog, checking
from tests.release.commands import Failed, run
from tests.release.version import MANIFESTS, SOURCE, npm_version, set_version, version
from tests.stack import ROOT
from tests.surface import RECORDS, Surface, surface, unnamed
from uploads.api.schema import INFO

TEXT = changelog.PAGE.read_text()


# The version


def test_there_is_one_version() -> None:
    assert uploads.__version__ == version() == INFO["version"]
    for path in MANIFESTS:
        manifest = json.loads(path.read_text())
        inside = [manifest, manifest["packages"][""]] if "packages" in manifest else [manifest]
        assert {each["version"] for each in inside} == {npm_version(version())}


def test_a_new_version_is_written_everywhere_and_nothing_else_changes(tmp_path: Path) -> None:
    copies = [tmp_path / path.name for path in (SOURCE, *MANIFESTS)]
    for path, copy in zip((SOURCE, *MANIFESTS), copies, strict=True):
        copy.write_text(path.read_text())
    set_version("7.8.9rc1", copies[0], tuple(copies[1:]))
    assert '__version__ = "7.8.9rc1"' in copies[0].read_text()
    assert all('"version": "7.8.9-rc.1"' in copy.read_text() for copy in copies[1:])
    set_version(version(), copies[0], tuple(copies[1:]))
    assert [copy.read_text() for copy in copies] == [path.read_text() for path in (SOURCE, *MANIFESTS)]


@pytest.mark.parametrize("wrong", ["1.0", "v1.0.0", "1.0.0-rc.1", ""])
def test_a_version_of_another_form_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not a version such as"):
        set_version(wrong)


# The changelog


def test_the_changelog_has_its_form() -> None:
    assert list(changelog.problems(TEXT)) == []


SOUND = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n### Upgrading\n\n- a\n\n### Fixed\n\n- b\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## [Unreleased]\n", ""),
        ("[0.2.0] - 2026-12-01", "0.2.0"),
        ("2026-12-01", "2026-13-01"),
        ("### Fixed", "### Mended"),
        ("### Fixed", "### Upgrading"),
        ("- b\n", "#### A topic\n"),
        ("### Upgrading\n\n- a\n\n### Fixed\n\n- b\n", "### Fixed\n\n- b\n\n### Upgrading\n\n- a\n"),
        ("- b\n", "- b\n\n## [0.3.0] - 2026-11-01\n\n### Added\n\n- c\n"),
    ],
)
def test_a_changelog_of_another_form_is_found(old: str, new: str) -> None:
    assert list(changelog.problems(SOUND)) == []
    assert old in SOUND
    assert len(list(changelog.problems(SOUND.replace(old, new)))) == 1


def test_every_released_version_is_recorded() -> None:
    assert set(changelog.released()) <= {path.stem for path in RECORDS.glob("*.json")}


def test_what_changed_since_the_last_release_is_in_the_changelog() -> None:
    for last in changelog.released()[:1]:
        before: Surface = json.loads((RECORDS / f"{last}.json").read_text())
        entries = changelog.entries(TEXT)
        since = entries[: [entry.version for entry in entries].index(last)]
        assert unnamed(before, surface(), since) == []


def test_changes_without_a_note_are_found() -> None:
    now = surface()
    assert all(now.values()), "every kind has names"
    before = json.loads(json.dumps(now))
    assert unnamed(before, now, []) == []
    del before["variables"]["METRICS_TOKEN"]  # New since then.
    before["keys of destinations"]["colour"] = ""  # Gone since then.
    before["api"]["GET /api/uploads/"] = "another_id"
    before["migrations"].popitem()
    expected = {"variables: METRICS_TOKEN", "keys of destinations: colour", "api: GET /api/uploads/"}
    found = unnamed(before, now, [])
    assert expected <= set(found)
    assert len(found) == 4
    kinds = {"Added": "- `METRICS_TOKEN`\n- `colour`", "Upgrading": "- Run `migrate`. `GET /api/uploads/` is other"}
    noted = changelog.Entry("[Unreleased]", [*kinds], kinds)
    assert unnamed(before, now, [noted]) == ["keys of destinations: colour"], "it must be under Upgrading"


# The pages of the packages

HOST, FILES, IMAGES = "https://git.example.com/films/oss-uploads", "/blob/v7/", "/raw/v7/"
README = (ROOT / "README.md").read_text()


def test_links_on_the_packages_page_work() -> None:
    assert checking.relative_links(checking.without_code(README)), "the README itself has relative links"
    for repository in ("", HOST):
        checking.check_page("README", page(README, repository, FILES, IMAGES))
    checking.check_page("frontend/README.md", (ROOT / "frontend" / "README.md").read_text())


def test_links_keep_their_texts_with_and_without_a_repository() -> None:
    text = 'See [`docs` of it](docs/index.md#a) and [PyPI](https://pypi.org).\n\n<img src="a.png" width="6" alt="A">\n'
    assert page(text, "", FILES, IMAGES) == "See `docs` of it and [PyPI](https://pypi.org).\n\n"
    shown = page(text, HOST, FILES, IMAGES)
    assert f"[`docs` of it]({HOST}/blob/v7/docs/index.md#a) and [PyPI](https://pypi.org)" in shown
    assert f'<img src="{HOST}/raw/v7/a.png" width="6" alt="A">' in shown


def test_urls_lead_to_files_that_exist() -> None:
    assert urls("", FILES) == {}
    for url in urls(HOST, FILES).values():
        assert url.startswith(HOST)
        if FILES in url:
            assert (ROOT / url.removeprefix(HOST + FILES)).exists()


# What `make release` finds


def test_a_relative_link_on_a_page_is_found() -> None:
    for text in ("[a](docs/a.md)", '<img src="a.png">', "[a](../a.md)"):
        with pytest.raises(Failed, match="do not work on the package's page"):
            checking.check_page("README", text)
    checking.check_page("README", "[a](#a) [b](https://b.example/) \n```html\n<script src='/a.js'></script>\n```\n")


def test_two_builds_that_differ_are_found(tmp_path: Path) -> None:
    builds = []
    for name, content in (("one", b"a"), ("other", b"a"), ("third", b"b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.whl").write_bytes(content)
        builds.append([tmp_path / name / "x.whl"])
    building.compare(builds[0], builds[1])
    for different in (builds[2], []):
        with pytest.raises(Failed, match=r"Two builds of one commit differ: x\.whl\."):
            building.compare(builds[0], different)
    assert building.sha256(builds[0][0]) == hashlib.sha256(b"a").hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("uploads/static/uploads/oss-uploads.js", None, "lacks the built front end"),
        ("tests/test_a.py", b"", "files beside the package"),
        ("uploads/static/uploads/.built", b"", "hidden files"),
        ("uploads/static/uploads/a.js.map", b'{"sources": ["/home/ann/a.ts"]}', "tell of the machine"),
    ],
)
def test_a_wheel_with_wrong_files_is_found(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    files = {checking.BUILT: b"", "uploads/py.typed": b"", "oss_uploads-0.1.0.dist-info/METADATA": b""}
    files = {path: inside for path, inside in {**files, name: content}.items() if inside is not None}
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for path, inside in files.items():
            wheel.writestr(path, inside)
    with pytest.raises(Failed, match=message):
        checking.check_contents(tmp_path / "a.whl", tmp_path / "a.tar.gz", set())


def test_a_command_that_fails_says_all_that_it_said(tmp_path: Path) -> None:
    with pytest.raises(Failed) as raised:
        run(["sh", "-c", "echo out; echo err >&2; exit 3"], tmp_path)
    assert str(raised.value).splitlines()[-2:] == ["out", "err"]
