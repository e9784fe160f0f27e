"""The site under gunicorn and a local OSS server, in processes that a test can kill and restart.

Ports are free ones, files are temporary, and leaving the `with` block leaves no process. When a whole run is killed,
`tests.watchdog` ends the processes.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx

from tests import http, prepared
from uploads.domain.destination import Destination
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.operations.bucket import changes
from uploads.oss import signing
from uploads.oss.client import OssClient
from uploads.oss.endpoint import Endpoint
from uploads.site.demo import DESTINATIONS

ROOT = Path(__file__).parent.parent
START_SECONDS = 120


def deliver(part: Any, content: bytes) -> httpx.Response:
    """Send a signed part (of the API, or of the services) as a browser does."""
    given = part if isinstance(part, dict) else asdict(part)
    if given["method"] == "POST":
        return http.post(given["url"], data=dict(given["fields"]), files={"file": ("blob", content)})
    headers = dict(given["headers"])
    return http.request(given["method"], given["url"], content=content, headers=headers)


class Site:
    """gunicorn with the standalone site; `kill` is kill -9, `start` may follow on the same port and database."""

    def __init__(
        self,
        environment: dict[str, str],
        port: int,
        log: Path | None = None,
        config: str = "python:uploads.site.gunicorn",
    ) -> None:
        self.log = log
        self.config = config
        self.environment = environment
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], env=self.environment, cwd=ROOT, check=True)

    def command(self) -> list[str]:
        server = ["-m", "gunicorn", "-c", self.config, "uploads.site.wsgi"]
        return [*server, "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning"]

    def start(self) -> Self:
        with self.log.open("ab") if self.log else nullcontext() as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.command()],
                env=self.environment,
                cwd=ROOT,
                start_new_session=True,
                stderr=log,
            )
        process = self.process
        wait_until(lambda: process.poll() is not None or accepts(self.port), "the site to accept connections")
        if process.poll() is not None:
            raise RuntimeError(f"The site ended with code {process.returncode}.")
        return self

    def kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):  # It may have been asked to end before.
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            # Its workers end a moment later, and until then one of them may still take a call that is for the next.
            wait_until(lambda: not accepts(self.port), "the site to let go of its port")


class AsgiSite(Site):
    """The same site under uvicorn."""

    def command(self) -> list[str]:
        server = ["-m", "uvicorn", "uploads.site.asgi:application", "--host", "127.0.0.1", "--port", str(self.port)]
        return [*server, "--log-level", "warning"]


class Stack:
    """A site, its database with the accounts demo and admin, and a local OSS on another origin."""

    running: ClassVar[list["Stack"]] = []
    """Those that were entered and not left yet."""

    def __init__(
        self,
        *,
        cors: bool = True,
        log: Path | None = None,
        level: str = "WARNING",
        oss_arguments: Sequence[str] = (),
        settings: str = "tests.site_settings",
        site: type[Site] = Site,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`variables`: of the site's environment, over those of `_environment`."""
        self._cors = cors
        self._level = level
        self._settings = settings
        self._tokens: dict[str, str] = {}
        self._cookies: dict[str, list[Cookie]] = {}
        self._var = Path(tempfile.mkdtemp(prefix="uploads-stack-"))
        self.oss_server = LocalServer(self._var / "oss", ["--allow-faults", *oss_arguments])
        self._variables = dict(variables or {})
        self.site = site({}, free_port(), log)

    def __enter__(self) -> Self:
        self.oss_server.start()
        self.site.environment = self._environment()
        prepared.copy_database(self._settings, self.site.environment, self._var / "db.sqlite3")
        if self._cors:
            self.configure_bucket()
        self.site.start()
        Stack.running.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        Stack.running.remove(self)
        self.site.kill()
        self.oss_server.kill()
        shutil.rmtree(self._var, ignore_errors=True)

    def configure_bucket(self, *origins: str) -> None:
        """For pages of the site and of these origins, as `manage.py configure_bucket` does it, without the two seconds
        of computing time that another process takes."""
        given = json.loads(self.site.environment["UPLOADS_DESTINATIONS"])
        wanted = [Destination(name=name, **values) for name, values in given.items()]
        with self.oss() as client:
            for change in changes(client, self.oss_server.bucket, wanted, [self.site.url, *origins]):
                change.apply()

    def _environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "DJANGO_SETTINGS_MODULE": self._settings,
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1,localhost",
            "DJANGO_SECURE_COOKIES": "false",
            "DATABASE_URL": f"sqlite:///{self._var / 'db.sqlite3'}",
            "OSS_ENDPOINT": self.oss_server.url,
            "OSS_ADDRESSING": "path",
            "OSS_REGION": self.oss_server.region,
            "OSS_BUCKET": self.oss_server.bucket,
            "OSS_ACCESS_KEY_ID": self.oss_server.access_key_id,
            "OSS_ACCESS_KEY_SECRET": self.oss_server.access_key_secret,
            "OSS_STS_ENDPOINT": self.oss_server.url,
            "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
            "OSS_CALLBACK_KEY_URLS": f"{self.oss_server.url}/-/",
            "UPLOADS_DESTINATIONS": json.dumps(DESTINATIONS),
            "UPLOADS_ORIGINS": self.site.url,
            "LOG_LEVEL": self._level,
            **self._variables,
        }

    def destinations(self, given: dict[str, Any]) -> None:
        """Restart the site with these."""
        self.site.environment["UPLOADS_DESTINATIONS"] = json.dumps(given)
        self.site.kill()
        self.site.start()

    def faults(self, *rules: dict[str, Any]) -> None:
        """What goes wrong at an OSS that allows it, from now on; without rules nothing does."""
        http.put(f"{self.oss_server.url}/-/faults", json=list(rules)).raise_for_status()

    # Looking behind the page

    def api(self, user: str = "demo") -> httpx.Client:
        if user not in self._tokens:  # Logins are throttled, as they should be.
            login = {"username": user, "password": user}
            answer = http.post(f"{self.site.url}/api/token/", json=login)
            self._tokens[user] = answer.json()["token"]
        token = self._tokens[user]
        headers = {"Authorization": f"Token {token}"}
        return http.Client(base_url=f"{self.site.url}/api/", headers=headers)

    def cookies(self, user: str = "demo") -> list[Cookie]:
        """Of a session that begins at the first call, as by the form of the login."""
        if user not in self._cookies:
            with http.Client(base_url=self.site.url) as client:
                client.get("/accounts/login/").raise_for_status()
                login = {"username": user, "password": user, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
                assert client.post("/accounts/login/", data=login).has_redirect_location
                self._cookies[user] = list(client.cookies.jar)
        return self._cookies[user]

    def oss(self) -> OssClient:
        return client_for(self.oss_server)

    def object_bytes(self, upload: dict[str, Any]) -> Iterator[bytes]:
        """What the bucket holds under the upload's key."""
        bucket, key = upload["bucket"], upload["key"]
        with self.oss() as client:
            request = signing.OssRequest("GET", bucket, key)
            url = signing.presign(client.context(), request, client.endpoint.url_of(bucket, key), 600)
        with http.stream("GET", url) as answer:
            answer.raise_for_status()
            yield from answer.iter_bytes(1 << 20)


def destinations(given: Mapping[str, Any]) -> dict[str, str]:
    """Variables of a stack that has these destinations from the start. `Stack.destinations` changes them later."""
    return {"UPLOADS_DESTINATIONS": json.dumps(given)}


def client_for(server: LocalServer) -> OssClient:
    credentials = signing.Credentials(server.access_key_id, server.access_key_secret)
    return OssClient(Endpoint.parse(server.url, "path"), server.region, credentials)


def free_port() -> int:
    """A port that the system gives to nobody else for a minute.

    A closed connection stays in TIME_WAIT. Until that ends, only a server that binds the port by its number, with
    SO_REUSEADDR as servers do, gets it; so two runs side by side are not given the same port.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()  # The side that closes first is the one that waits.
        return int(server.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Any, what: str, seconds: float = START_SECONDS) -> None:
    """Wait for a condition. Raises TimeoutError after a time in which it would have come on any machine."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        if waited > seconds:
            raise TimeoutError(f"waited {seconds} s for {what}")
        # Each question takes computing time from what is waited for: the longer that takes, the fewer are asked.
        time.sleep(min(0.02 + waited / 20, 0.2))
