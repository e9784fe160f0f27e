"""Hatchling's build hook: a distribution without the built front end is refused.

The front end is built, not committed. A wheel without it would install pages without an uploader.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("uploads/static/uploads/oss-uploads.js")


class FrontEndHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable installation serves the files of the checkout, also those that are built later.
        if version != "editable" and not (Path(self.root) / BUILT).exists():
            raise SystemExit(f"{BUILT} is missing. Build the front end first: make setup.")
