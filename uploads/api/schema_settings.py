"""The settings of drf-spectacular for the schema of this app. Imports nothing of Django: settings use it."""

from importlib.metadata import version
from typing import Any

SCHEMA_SETTINGS: dict[str, Any] = {
    "TITLE": "OSS Uploads",
    "DESCRIPTION": "Uploads of files of any size from a web page straight to Alibaba Cloud OSS.",
    "VERSION": version("oss-uploads"),
    # Names of enums are chosen in the code; the default hook would invent others.
    "POSTPROCESSING_HOOKS": [],
}
