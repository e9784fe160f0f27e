"""Hatchling's hooks: the page of the package, and no distribution without the built front end.

The front end is built, not committed. A wheel without it would install pages without an uploader.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

BUILT = Path("uploads/static/uploads/oss-uploads.js")
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")
IMAGE = re.compile(r'<img src="(?!https?:)([^"]+)"[^>]*>\n*')


def page(readme: str, repository: str, files: str, images: str) -> str:
    """The README for the page of the package, where relative links lead nowhere.

    Its links and images are below `files` and `images` of the repository. Without a repository, links become their
    text, and images are left out.
    """
    if not repository:
        return IMAGE.sub("", LINK.sub(r"\1", readme))
    readme = LINK.sub(lambda link: f"[{link[1]}]({repository}{files}{link[2]})", readme)
    return IMAGE.sub(lambda image: image[0].replace(image[1], f"{repository}{images}{image[1]}"), readme)


def urls(repository: str, files: str) -> dict[str, str]:
    """The project's URLs; none without a repository."""
    if not repository:
        return {}
    return {
        "Repository": repository,
        "Documentation": f"{repository}{files}docs/index.md",
        "Changelog": f"{repository}{files}CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


class PageHook(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        version = re.findall(r'__version__ = "(.*)"', (Path(self.root) / "uploads" / "__init__.py").read_text())[0]
        repository = str(self.config["repository"]).rstrip("/")
        files, images = (str(self.config[name]).replace("{version}", version) for name in ("files", "images"))
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": page(readme, repository, files, images)}
        metadata["urls"] = urls(repository, files)


class FrontEndHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable installation serves the files of the checkout, also those that are built later.
        if version != "editable" and not (Path(self.root) / BUILT).exists():
            raise SystemExit(f"{BUILT} is missing. Build the front end first: make setup.")
