"""Makes the projects of hosts, follows the recipe in them, and runs their tests."""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Self

from tests.hosts import environments
from tests.hosts.catalogue import FILES, Host
from tests.hosts.environments import Environment, Failed, Requirements, run
from tests.hosts.recipe import blocks, follow, replaced
from tests.stack import accepts, free_port, wait_until
from uploads.localoss.testing import LocalServer

PROBE = Path(__file__).parent / "probe"
PYTEST = (
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-W",
    "error::DeprecationWarning:uploads",
)


@dataclass(frozen=True)
class Result:
    host: str
    python: str
    django: str
    seconds: float
    outcome: str
    """`12 passed`, or `FAILED`."""
    output: str = ""
    """Of the command that failed."""

    @property
    def failed(self) -> bool:
        return bool(self.output)


class Matrix:
    """The wheel, the local OSS, and the environments that have been made so far. Leaving it ends the servers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.wheel = environments.build_wheel(directory)
        self._made: dict[Requirements, Environment] = {}
        self._server = LocalServer()
        self._redis = Redis(directory / "redis")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        shutil.rmtree(self._server.root, ignore_errors=True)
        self._redis.stop()

    def environment(self, wanted: Requirements) -> Environment:
        """Made the first time that it is asked for. Raises Failed."""
        if wanted not in self._made:
            self._made[wanted] = environments.make(wanted, self.wheel, self.directory)
        return self._made[wanted]

    def run(self, host: Host) -> Result:
        """Make the host and run its tests."""
        began = time.monotonic()
        python, django, output = host.requirements.python, "", ""
        try:
            environment = self.environment(host.requirements)
            python = ".".join(run([environment.python, "-V"]).split()[1].split("."))
            django = environment.version_of("Django")
            outcome = self._tried(host, environment)
        except Failed as failed:
            outcome, output = "FAILED", str(failed)
        return Result(host.name, python, django, time.monotonic() - began, outcome, output)

    def _tried(self, host: Host, environment: Environment) -> str:
        project = self.directory / f"project-{host.name}"
        project.mkdir()
        variables = {**environment.variables(), **self._oss(), "PROBE_PREFIX": host.prefix}
        if {"redis", "site"} & set(host.requirements.extras):
            variables["REDIS_URL"] = self._redis.start()
        if host.recipes:
            self._follow(host, environment, project, variables)
        else:
            shutil.copytree(host.overlay, project, dirs_exist_ok=True)
        settings = ("--ds", "mysite.settings") if host.recipes else ()
        said = run([environment.python, *PYTEST, *settings], cwd=project, env=variables)
        return str(re.findall(r"\d+ passed.*?(?= in )", said)[-1])

    @staticmethod
    def _follow(host: Host, environment: Environment, project: Path, variables: dict[str, str]) -> None:
        """Make the project, do what the recipe says, and put the tests into it."""
        run([environment.python, "-m", "django", "startproject", "mysite", "."], cwd=project, env=variables)
        lay(host.overlay / "before", project)
        for app in host.apps:
            run([environment.python, "manage.py", "makemigrations", app], cwd=project, env=variables)
        for path, section in host.written.items():
            (project / path).write_text(next(blocks(*section)).code)
        for recipe in host.recipes:
            follow(replaced(blocks(*recipe), host.instead), project, {**FILES, **host.files}, variables)
        lay(host.overlay / "after", project)
        for test in [*PROBE.glob("test_*.py"), *host.overlay.glob("test_*.py")]:
            shutil.copy(test, project)

    def _oss(self) -> dict[str, str]:
        return {
            "OSS_ENDPOINT": self._server.url,
            "OSS_ADDRESSING": "path",
            "OSS_REGION": self._server.region,
            "OSS_BUCKET": self._server.bucket,
            "OSS_ACCESS_KEY_ID": self._server.access_key_id,
            "OSS_ACCESS_KEY_SECRET": self._server.access_key_secret,
        }


def lay(overlay: Path, project: Path) -> None:
    """Copy the files of `overlay`; what the project has already gets them at its end."""
    for file in sorted(path for path in overlay.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        to = project / file.relative_to(overlay)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text((to.read_text() + "\n" if to.exists() else "") + file.read_text())


class Redis:
    """Debian's redis-server on a free port, started when a host first needs it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: Popen[bytes] | None = None
        self._url = ""

    def start(self) -> str:
        """Its URL. Raises Failed where it is not installed."""
        if self._process is None:
            if shutil.which("redis-server") is None:
                raise Failed("redis-server is not installed: apt-get install redis-server")
            self._directory.mkdir()
            port = free_port()
            command = [
                "redis-server",
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--loglevel",
                "warning",
            ]
            self._process = Popen([*command, "--dir", str(self._directory)], stdout=DEVNULL)
            wait_until(lambda: accepts(port), "redis-server")
            self._url = f"redis://127.0.0.1:{port}/0"
        return self._url

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None
