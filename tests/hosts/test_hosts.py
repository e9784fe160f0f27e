"""The hosts that `make test` has; `make hosts` has all. And the recipe that they follow."""

import os
from pathlib import Path

from tests.hosts.__main__ import table
from tests.hosts.catalogue import hosts
from tests.hosts.recipe import README, Block, blocks, follow
from tests.hosts.running import Matrix


def test_the_recipe_is_complete() -> None:
    recipe = list(blocks(*README))
    assert recipe[0].code == "pip install oss-uploads\n"
    assert [block.file for block in recipe if block.language != "sh"] == [
        "settings.py",
        "urls.py",
        "templates/upload.html",
    ]


def test_a_block_is_added_to_its_file_or_makes_it(tmp_path: Path) -> None:
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite" / "urls.py").write_text("first = 1")
    steps = [
        Block("python", "# urls.py\nsecond = 2\n"),
        Block("html", "<!-- a/b.html -->\n<p>\n"),
        Block("sh", "touch made\n"),
    ]
    follow(steps, tmp_path, {"urls.py": "mysite/urls.py"}, dict(os.environ))
    assert (tmp_path / "mysite" / "urls.py").read_text() == "first = 1\n# urls.py\nsecond = 2\n"
    assert (tmp_path / "a" / "b.html").read_text() == "<p>\n"
    assert (tmp_path / "made").exists()


def test_hosts_that_follow_the_readme_work(tmp_path: Path) -> None:
    with Matrix(tmp_path) as matrix:
        results = [matrix.run(host) for host in hosts() if host.is_core]
    print(table(results))
    assert results
    assert [f"{result.host}: {result.output}" for result in results if result.failed] == []
