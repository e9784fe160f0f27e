"""The real site in all its parts, each of which can be killed and started again.

gunicorn with several workers behind nginx with TLS and HTTP/2, PostgreSQL, Redis, and the local OSS server, of which
the site is a RAM user whose key changes. Where nginx or Redis cannot be had, `missing` says so.
"""

import json
import os
import random
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from tests import http
from tests.chaos.servers import Postgres, Redis, children, kill_processes
from tests.nginx import nginx_is_installed, started_nginx
from tests.stack import ROOT, Site, client_for, free_port
from uploads.domain.destination import Destination
from uploads.localoss.config import DEMO_ROLE
from uploads.localoss.testing import LocalServer
from uploads.operations.bucket import changes

WORKERS = 2
ANSWER = re.compile(r'"([A-Z]+) [^"]*" (\d{3}) ')
EVERYTHING = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ["oss:*", "sts:*"], "Resource": ["*"]}]}
PREPARE = """
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
for name in {names!r}:
    get_user_model().objects.create_user(name, password=name)
"""
# With a port that is not 443, the browser's Origin and the site's own must both have it.
NGINX = (("proxy_set_header Host $host;", "proxy_set_header Host $http_host;"),)


def destinations_of(site_port: int) -> dict[str, dict[str, Any]]:
    """`unchecked` is for clients that check nothing, `called` has OSS call the site, `small` has many parts; files for
    `staged` are written below another prefix and copied."""
    common = {"client_options": ["metadata"], "credentials": "upload"}
    callback = {"url": f"http://127.0.0.1:{site_port}/api/oss/callback/"}
    return {
        "default": {**common, "key": "checked/{user_id}/{uuid}/{filename}"},
        "small": {**common, "key": "checked/small/{user_id}/{uuid}/{filename}", "part_size": 262_144},
        "unchecked": {**common, "key": "unchecked/{user_id}/{uuid}/{filename}", "part_size": 1 << 20},
        "staged": {**common, "key": "staged/{user_id}/{uuid}/{filename}", "stage": True},
        "called": {**common, "key": "called/{user_id}/{uuid}/{filename}", "part_size": 1 << 20, "callback": callback},
    }


class World:
    """Within the `with` everything runs. `url` is the site's, through nginx."""

    def __init__(self, users: list[str], log: Path | None = None) -> None:
        """`users` log in with their names as passwords. `log`: where the site writes its warnings."""
        self._users, self._held = users, ExitStack()
        self._directory = Path(tempfile.mkdtemp(prefix="uploads-chaos-"))
        self._ram = self._directory / "ram.json"
        self.log = log or self._directory / "site.log"
        self.missing: list[str] = []
        self.url, self.certificate = "", str(self._directory / "nginx" / "site.pem")
        self.redis: Redis | None = None
        self._sweep: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _start(self) -> None:
        held, root = self._held, self._directory
        held.callback(shutil.rmtree, root, ignore_errors=True)
        (root / "nginx").mkdir()
        self.site = Site({}, free_port(), self.log)
        self._new_key("site-key-0")
        self.oss_server = LocalServer(root / "oss", ["--allow-faults", "--ram", str(self._ram)])
        self.oss_server.start()
        held.callback(self.oss_server.kill)
        self.postgres = Postgres(root / "postgres")
        held.callback(self.postgres.kill)
        self._start_redis(held, root)
        self._start_nginx(held, root)
        self.site.environment = self._environment()
        self.site.manage("shell", "--verbosity", "0", "--command", PREPARE.format(names=self._users))
        self._configure_bucket()
        self.site.start()
        held.callback(self.site.kill)

    def _start_redis(self, held: ExitStack, root: Path) -> None:
        if Redis.is_installed():
            self.redis = Redis(root / "redis")
            held.callback(self.redis.kill)
        else:
            self.missing.append("Redis (the cache is a directory)")

    def _start_nginx(self, held: ExitStack, root: Path) -> None:
        if nginx_is_installed():
            port = held.enter_context(started_nginx(root / "nginx", self.site.port, NGINX))
            self.url = f"https://127.0.0.1:{port}"
        else:
            self.missing.append("nginx (plain HTTP/1.1, straight to gunicorn)")
            self.url, self.certificate = self.site.url, ""

    def _environment(self) -> dict[str, str]:
        oss = self.oss_server
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.unthrottled",
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SECURE_COOKIES": "false",
            "DJANGO_PROXIES": "1",
            "WEB_CONCURRENCY": str(WORKERS),
            "DATABASE_URL": self.postgres.url,
            "CACHE_URL": self.redis.url if self.redis else f"filecache://{self._directory / 'cache'}",
            "OSS_ENDPOINT": oss.url,
            "OSS_ADDRESSING": "path",
            "OSS_REGION": oss.region,
            "OSS_BUCKET": oss.bucket,
            "OSS_ACCESS_KEY_ID": self._key,
            "OSS_ACCESS_KEY_SECRET": f"secret of {self._key}",
            "OSS_STS_ENDPOINT": oss.url,
            "OSS_STS_ROLE_ARN": DEMO_ROLE.arn,
            "OSS_CALLBACK_KEY_URLS": f"{oss.url}/-/",
            "UPLOADS_DESTINATIONS": json.dumps(destinations_of(self.site.port)),
            "UPLOADS_ORIGINS": self.url,
            "LOG_FORMAT": "line",
            "LOG_LEVEL": "WARNING",
        }

    def _configure_bucket(self) -> None:
        wanted = [Destination(name=name, **values) for name, values in destinations_of(self.site.port).items()]
        with client_for(self.oss_server) as client:
            for change in changes(client, self.oss_server.bucket, wanted, [self.url]):
                change.apply()

    def _new_key(self, name: str) -> None:
        """The site's only access key is this one, from the next start of the local OSS server on."""
        self._key = name
        user = {"name": "site", "access_key_id": name, "access_key_secret": f"secret of {name}"}
        self._ram.write_text(json.dumps({"users": [{**user, "policies": [EVERYTHING]}], "roles": []}))

    # What clients need

    def client(self) -> httpx.Client:
        """For the site, through nginx. It trusts nginx's certificate."""
        verify: Any = ssl.create_default_context(cafile=self.certificate) if self.certificate else http.TLS
        return http.Client(base_url=self.url, verify=verify)

    def answers(self) -> Counter[str]:
        """How often nginx gave each answer: "POST 201". Without nginx nothing is known."""
        log = self._directory / "nginx" / "access.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return Counter(f"{found[1]} {found[2]}" for line in lines if (found := ANSWER.search(line)))

    # What can be done to it. Each of these returns when the part runs again.

    def restart_site(self) -> None:
        self.site.kill()
        self.site.start()

    def restart(self, part: LocalServer | Postgres | Redis, seconds: float) -> None:
        """SIGKILL, and a start after so many seconds."""
        part.kill()
        threading.Event().wait(seconds)
        part.start()

    def kill_worker(self, luck: random.Random) -> None:
        """One worker gets SIGKILL. gunicorn starts another one."""
        workers = children(self.site.process.pid) if self.site.process else []
        if workers:
            kill_processes([luck.choice(workers)])

    def rotate_key(self, name: str) -> None:
        """The site's access key is revoked at once, with all that it has signed, and the site started with another."""
        self._new_key(name)
        http.put(f"{self.oss_server.url}/-/ram", content=self._ram.read_bytes()).raise_for_status()
        self.site.environment |= {"OSS_ACCESS_KEY_ID": name, "OSS_ACCESS_KEY_SECRET": f"secret of {name}"}
        self.restart_site()

    def end_sessions(self) -> None:
        """Everybody who is logged in at a page has to log in again."""
        self.postgres.query("DELETE FROM django_session;")

    def set_faults(self, rules: list[dict[str, Any]]) -> None:
        """What goes wrong at OSS from now on; without rules nothing does."""
        http.put(f"{self.oss_server.url}/-/faults", json=rules).raise_for_status()

    def applied_faults(self) -> list[int]:
        """How often each of the current rules was applied."""
        report = http.get(f"{self.oss_server.url}/-/faults").json()["rules"]
        return [int(rule["applied"]) for rule in report]

    def sweep_in_background(self) -> None:
        """As a timer does, whatever state the parts are in. It does not wait for the end, nor mind a failure."""
        if self._sweep is None or self._sweep.poll() is not None:
            command = [sys.executable, "manage.py", "sweep_uploads", "--verbosity", "0"]
            silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            self._sweep = subprocess.Popen(command, env=self.site.environment, cwd=ROOT, **silent)

    def await_sweep(self) -> None:
        if self._sweep is not None:
            self._sweep.wait()
