"""`make newest`: the tests of the API, the services and the models, with the newest version of every dependency.

They run on the newest Python of this machine. `make test` runs them on the pinned versions.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hosts import environments
from tests.hosts.environments import Requirements
from tests.stack import ROOT

TESTS = ("tests/api", "tests/services", "tests/admin", "tests/test_models.py", "tests/test_storage.py")
TOOLS = ("hypothesis", "pytest-xdist")


def main(arguments: list[str]) -> int:
    wanted = Requirements(list(environments.interpreters())[-1], ("site", "credentials"))
    with tempfile.TemporaryDirectory(prefix="newest-") as directory:
        place = Path(directory)
        environment = environments.make(wanted, environments.build_wheel(place), place)
        environments.install(environment, *TOOLS)
        print(f"Python {wanted.python}, Django {environment.version_of('Django')}", flush=True)
        command = [environment.python, "-m", "pytest", "-n", "auto", "--dist", "worksteal"]
        return subprocess.run([*command, *(arguments or TESTS)], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
