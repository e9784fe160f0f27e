"""python -m tests.mariadb COMMAND…: runs a command with DATABASE_URL naming a real MariaDB of its own.

The server is that of the machine's packages, which `installed()` installs where it may. It listens on a Unix
socket in a temporary directory only, compares text without regard to case as most installations do, and ends with the
command; also when this process is told to end or is killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.command import run_with
from tests.watchdog import watched

PACKAGES = ("mariadb-server-core", "mariadb-client-core")
"""Without the system service, which the package `mariadb-server` would start. `mariadb-install-db` needs the second."""
SERVER_OPTIONS = (
    "--skip-networking",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=256M",
)
PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults")


def main() -> int:
    if not installed():
        print(f"skipped: MariaDB is not installed (apt-get install {' '.join(PACKAGES)})", file=sys.stderr)
        return 0
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    with (
        watched(),
        tempfile.TemporaryDirectory(prefix="uploads-mariadb-") as directory,
        started(Path(directory)) as socket,
    ):
        return run_with(sys.argv[1:], {"DATABASE_URL": f"mysql://root@{quote(str(socket), safe='')}/uploads"})


def installed() -> bool:
    """Installs it where that may be done, as `make browser` installs Chromium."""
    if not all(map(shutil.which, PROGRAMS)) and os.geteuid() == 0 and shutil.which("apt-get"):
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", *arguments], check=False, stdout=subprocess.DEVNULL, timeout=600)
    return all(map(shutil.which, PROGRAMS))


@contextmanager
def started(directory: Path) -> Iterator[Path]:
    """A new server with an empty database `uploads`. Yields its socket."""
    data, socket = directory / "data", directory / "mariadb.sock"
    user = ["--user=root"] if os.geteuid() == 0 else []
    create = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run([*create, "--skip-test-db", *user], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    start = ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}", *SERVER_OPTIONS, *user]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(start, stdout=log, stderr=log)
    try:
        create_database(server, socket, directory / "log")
        yield socket
    finally:
        server.terminate()
        server.wait()


def create_database(server: "subprocess.Popen[bytes]", socket: Path, log: Path) -> None:
    """Waits until the server answers."""
    import pymysql

    from tests.stack import wait_until

    wait_until(lambda: server.poll() is not None or socket.exists(), "MariaDB to start")
    if server.poll() is not None:
        raise RuntimeError(f"MariaDB ended with code {server.returncode}: {log.read_text()[-2000:]}")
    with pymysql.connect(unix_socket=str(socket), user="root") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE uploads")


if __name__ == "__main__":
    sys.exit(main())
