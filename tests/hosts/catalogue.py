"""The hosts: what each has of its own, what is installed, and which section it follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.hosts.environments import Requirements, interpreters
from tests.hosts.recipe import README

CINEMA = "../../host"
PROJECTS = Path(__file__).parent / "projects"


@dataclass(frozen=True)
class Host:
    """One row of the matrix.

    `project` is a directory below `projects`: `before` is laid over what `startproject` made, `after` over what the
    recipe made of it, and `test_*.py` are run in it beside those of `probe`. `files` says where the project has the
    files that the recipe names.
    """

    name: str
    requirements: Requirements
    project: str = ""
    recipes: tuple[tuple[str, str], ...] = (README,)
    """Pages and their sections that the project follows; without one it gets nothing but its own files."""
    files: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Files of the host that are the first code block of a section, by their path."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """What a section says to write in place of what the recipe has."""
    prefix: str = ""
    apps: tuple[str, ...] = ()
    """Apps of its own whose migrations are made first, as a project has them."""
    is_core: bool = False
    """Whether `make test` has it; `make hosts` has all."""

    @property
    def overlay(self) -> Path:
        """The host's own files."""
        return PROJECTS / (self.project or self.name)


FILES = {"settings.py": "mysite/settings.py", "urls.py": "mysite/urls.py"}


def hosts() -> list[Host]:
    """Every host that this machine can have: one for each Python, and those that differ in the project."""
    versions = list(interpreters())
    lowest, highest = versions[0], versions[-1]
    plain = Requirements(lowest, by_pip=True)
    found = [
        Host("plain", plain, is_core=True),
        Host("rest", plain, files={"urls.py": "mysite/v1.py"}, prefix="/v1"),
        Host(
            "label",
            plain,
            apps=("uploads",),
            written={"mysite/oss.py": ("docs/django.md", "Another label")},
            instead={'"uploads",': '"mysite.oss.OssUploadsConfig",'},
        ),
        Host("user", plain, apps=("people",)),
        Host("redis", Requirements(lowest, ("redis",))),
        Host("site", Requirements(lowest, ("site",)), recipes=()),
        Host("site-lowest", Requirements(lowest, ("site",), lowest=True), project="site", recipes=()),
        Host("cinema", Requirements(lowest, ("localoss",)), project=CINEMA, recipes=()),
        Host("lowest", Requirements(lowest, lowest=True), project="none"),
        Host("newest", Requirements(highest), project="none", is_core=highest != lowest),
    ]
    return found + [Host(f"python-{version}", Requirements(version), project="none") for version in versions[1:-1]]
