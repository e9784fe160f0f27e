"""What the processes of a run share: a local OSS server for each that runs at a time, and a database to copy.

A server takes a second to start and the migrations take three, which is more than most changes need. `plugin` uses
them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from uploads.localoss.testing import LocalServer

VARIABLE = "MUTATION_SERVERS"
"""Names the directory with `servers.json` and the database."""
DATABASE = "migrated.sqlite3"
MIGRATE = """
import sys, django
django.setup()
from django.core.management import call_command
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
call_command("migrate", verbosity=0)
"""


@contextmanager
def shared_servers(directory: Path, count: int) -> Iterator[dict[str, str]]:
    """Variables for the environment of the run."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / DATABASE).unlink(missing_ok=True)
    variables = {"DJANGO_SETTINGS_MODULE": "tests.settings", VARIABLE: str(directory)}
    migrate = [sys.executable, "-c", MIGRATE, str(directory / DATABASE)]
    subprocess.run(migrate, env={**os.environ, **variables}, check=True)
    with ExitStack() as stack:
        servers = [stack.enter_context(LocalServer()) for _ in range(count)]
        (directory / "servers.json").write_text(json.dumps([[server.url, str(server.root)] for server in servers]))
        yield variables
