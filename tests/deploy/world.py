"""PostgreSQL, Redis, a local OSS and nginx, with the site in front of them as the image starts it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import httpx

from tests import http
from tests.chaos.servers import Postgres, Redis
from tests.deploy import image
from tests.nginx import started_nginx
from tests.stack import free_port, wait_until
from uploads.localoss.testing import LocalServer

USERS = tuple(f"user{number}" for number in range(6))
ACCOUNTS = """
from django.contrib.auth import get_user_model
for name in {names}:
    get_user_model().objects.create_user(name, password=name)
"""
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""systemd hands over its sockets as the files from 3 on, and names the process that they are for (sd_listen_fds).

Debian's sh redirects only files up to 9.
"""
STOP_SECONDS = 60


class Site:
    """gunicorn with the command line of the image. `kill` ends what is left of it at the end."""

    def __init__(self, world: "World", port: int, listener: socket.socket | None = None) -> None:
        self.port, self._world, self._listener = port, world, listener
        self.directory = world.writable(f"site-{port}")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Returns when it is ready."""
        command = image.command(self.port, self.directory)
        files: tuple[int, ...] = ()
        if self._listener is not None:
            at = command.index("--bind")
            del command[at : at + 2]
            files = (self._listener.fileno(),)
            command = ["python", "-c", ACTIVATE, str(files[0]), *command]
        with (self._world.directory / f"site-{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen(
                image.contained(command, self.directory),
                env={**self._world.variables, "TMPDIR": str(self.directory)},
                cwd=self.directory,
                stderr=log,
                pass_fds=files,
            )
        wait_until(self.is_ready, "the site to be ready")
        return self

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the site ended with code {self.process.returncode}"
        with suppress(httpx.HTTPError):
            answer = http.get(f"http://127.0.0.1:{self.port}/healthz/ready")
            return answer.status_code == 200
        return False

    def workers(self) -> set[int]:
        assert self.process is not None
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(map(int, path.read_text().split()))

    def reload(self) -> None:
        """As `systemctl reload`. Returns when only new worker processes are left."""
        assert self.process is not None
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.workers() and not before & self.workers(), "new workers")

    def stop(self) -> None:
        """As `docker stop`, `systemctl stop` and Kubernetes do."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(STOP_SECONDS) == 0

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            for process in [*self.workers(), self.process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self.process.wait()


class World:
    """Within the `with` everything runs; a process of the site is started by `site`. `url` is nginx's."""

    def __init__(self, environment: Path) -> None:
        self._environment, self._held, self._serving = environment, ExitStack(), ExitStack()
        self.directory = environment.parent
        self.url, self.certificate = "", ""
        self.variables: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_serving()
        self._held.close()

    def stop_serving(self) -> None:
        """Ends the processes of the site and nginx; the database and the others stay."""
        self._serving.close()

    def _start(self) -> None:
        run = Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="uploads-rollout-")))
        self.postgres = Postgres(run / "postgres", free_port())
        self._held.callback(self.postgres.kill)
        redis = Redis(run / "redis")
        self._held.callback(redis.kill)
        self.oss = LocalServer(run / "oss").start()
        self._held.callback(self.oss.kill)
        self._nginx = run / "nginx"
        self.variables = {
            **dict(image.clean(os.environ)),
            **image.variables(self._environment),
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_PROXIES": "1",
            "DATABASE_URL": self.postgres.url,
            "CACHE_URL": redis.url,
            "WEB_CONCURRENCY": "2",
            "OSS_ENDPOINT": self.oss.url,
            "OSS_ADDRESSING": "path",
            "OSS_REGION": self.oss.region,
            "OSS_BUCKET": self.oss.bucket,
            "OSS_ACCESS_KEY_ID": self.oss.access_key_id,
            "OSS_ACCESS_KEY_SECRET": self.oss.access_key_secret,
            "UPLOADS_ORIGINS": "https://127.0.0.1",
            "LOG_LEVEL": "WARNING",
        }

    def writable(self, name: str) -> Path:
        path = self.directory / name
        path.mkdir(exist_ok=True)
        return path

    def manage(self, *arguments: str) -> str:
        """What `python -m django` prints, run as the image runs it."""
        directory = self.writable("command")
        command = image.contained(["python", "-m", "django", *arguments], directory)
        environment = {**self.variables, "TMPDIR": str(directory)}
        ended = subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def prepare(self) -> None:
        """A migrated database with the users."""
        self.manage("migrate", "--no-input", "--verbosity", "0")
        self.manage("shell", "--verbosity", "0", "--command", ACCOUNTS.format(names=USERS))

    def site(self, port: int = 0, listener: socket.socket | None = None) -> Site:
        """One that is ready."""
        site = Site(self, port or free_port(), listener)
        self._serving.callback(site.kill)
        return site.start()

    def serve(self, ports: Sequence[int]) -> None:
        """Start nginx in front of the processes at these ports."""
        self._nginx.mkdir(exist_ok=True)
        more = "".join(f"\n        server 127.0.0.1:{port};" for port in ports[1:])
        changes = [(f"server 127.0.0.1:{ports[0]};", f"server 127.0.0.1:{ports[0]};{more}")]
        port = self._serving.enter_context(started_nginx(self._nginx, ports[0], changes))
        self.url, self.certificate = f"https://127.0.0.1:{port}", str(self._nginx / "site.pem")

    def log(self) -> str:
        """What the processes of the site have logged."""
        return "".join(path.read_text() for path in sorted(self.directory.glob("site-*.log")))


def make_directory(held: ExitStack) -> Path:
    """A directory that every user may read, removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="uploads-image-"))
    held.callback(shutil.rmtree, directory, ignore_errors=True)
    directory.chmod(0o755)
    return directory
