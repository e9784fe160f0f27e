"""Rolling restarts under load, without one failed request: the site as the image starts it, behind nginx with TLS.

`make rollout` runs it. It takes minutes: `ROLLOUT_ROUNDS` (3) restarts of each kind.
"""

import json
import os
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests import http
from tests.chaos.servers import Redis
from tests.deploy import image
from tests.deploy.load import Load
from tests.deploy.world import STOP_SECONDS, USERS, World, make_directory
from tests.loopback import Loopback, Reply
from tests.nginx import nginx_is_installed
from tests.stack import ROOT, wait_until

ROUNDS = int(os.environ.get("ROLLOUT_ROUNDS", "3"))
BETWEEN = 10
"""Uploads between two restarts."""

pytestmark = [
    pytest.mark.skipif(not os.environ.get("ROLLOUT"), reason="takes minutes: make rollout"),
    # Of the wheel that has PostgreSQL; it then takes another directory.
    pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR"),
]


@pytest.fixture(scope="module")
def environment() -> Iterator[Path]:
    """The wheel and its packages as the image has them."""
    assert nginx_is_installed(), "nginx is needed"
    assert Redis.is_installed(), "redis-server is needed"
    with ExitStack() as held:
        yield image.make_environment(make_directory(held))


@pytest.fixture(scope="module")
def prepared(environment: Path) -> Iterator[World]:
    with World(environment) as made:
        made.prepare()
        yield made


@pytest.fixture
def world(prepared: World) -> Iterator[World]:
    yield prepared
    prepared.stop_serving()


def report(what: str, load: Load) -> None:
    said = f"{what}: {load.uploaded} uploads, {sum(load.answers.values())} requests, {len(load.failures)} failed"
    print(f"{said}, slowest {load.slowest:.1f} s")


def test_workers_are_replaced_while_users_upload(world: World) -> None:
    site = world.site()
    world.serve([site.port])
    load = Load(world.url, world.certificate, USERS)
    with load.running():
        for _ in range(ROUNDS):
            site.reload()
            load.wait_for(BETWEEN)
    report("reload of the workers", load)
    assert load.failures == [], world.log()


def test_two_processes_are_restarted_in_turn_while_users_upload(world: World) -> None:
    """As Kubernetes replaces pods, and as one restarts two machines."""
    sites = [world.site(), world.site()]
    world.serve([site.port for site in sites])
    load = Load(world.url, world.certificate, USERS)
    with load.running():
        for _ in range(ROUNDS):
            for site in sites:
                site.stop()
                load.wait_for(BETWEEN)
                site.start()
                load.wait_for(BETWEEN)
    report("restart of one of two processes", load)
    assert load.failures == [], world.log()


def test_the_only_process_is_restarted_while_users_upload(world: World) -> None:
    """With the socket of systemd: requests wait in its queue for the new process."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        site = world.site(listener.getsockname()[1], listener)
        world.serve([site.port])
        load = Load(world.url, world.certificate, USERS)
        with load.running():
            for _ in range(ROUNDS):
                site.stop()
                site.start()
                load.wait_for(BETWEEN)
    report("restart behind systemd's socket", load)
    assert load.failures == [], world.log()


def test_each_upload_is_told_by_what_compose_runs_for_webhooks(world: World) -> None:
    """The secret is in a file that only the site's user may read, and SIGTERM ends the process as it should."""
    command = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["webhooks"]["command"]
    with Loopback(lambda request: Reply()) as shop, ExitStack() as held:
        endpoint = {"url": shop.url, "secret": f"whsec_{b64encode(b'k' * 32).decode()}", "allow_private": True}
        file = world.directory / "webhooks.json"
        file.write_text(json.dumps({"shop": endpoint}))
        if image.can_contain():
            os.chown(file, 0, image.USER)
        file.chmod(0o640)
        world.variables["UPLOADS_WEBHOOKS_FILE"] = str(file)
        held.callback(world.variables.pop, "UPLOADS_WEBHOOKS_FILE")
        world.serve([world.site().port])
        directory = world.writable("webhooks")
        given = {**world.variables, "TMPDIR": str(directory)}
        delivering = subprocess.Popen(image.contained(command, directory), env=given, cwd=directory)
        held.callback(delivering.kill)
        with Load(world.url, world.certificate, USERS).running() as load:
            load.wait_for(BETWEEN)
        wait_until(lambda: len(shop.received) >= load.uploaded, "all messages")
        delivering.terminate()
        assert delivering.wait(STOP_SECONDS) == 0
    assert load.failures == [], world.log()
    told = [request.headers["webhook-id"] for request in shop.received]
    assert len(told) == len(set(told)) == load.uploaded
    print(f"webhooks: {len(told)} messages for {load.uploaded} uploads")


def test_the_page_comes_by_tls_with_http_2_and_the_headers_of_security(world: World) -> None:
    site = world.site()
    world.serve([site.port])
    context = ssl.create_default_context(cafile=world.certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    port = int(world.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        assert tls.selected_alpn_protocol() == "h2"
        assert tls.version() == "TLSv1.3"
    answer = http.get(f"{world.url}/accounts/login/", verify=context)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "nginx/" not in answer.headers["Server"]
    assert http.get(f"{world.url}/static/uploads/oss-uploads.js", verify=context).status_code == 200


@pytest.mark.skipif(not image.can_contain(), reason="file systems cannot be mounted here")
def test_the_site_writes_nowhere_but_in_its_directory(world: World) -> None:
    found = world.manage("shell", "--verbosity", "0", "--command", TRIES)
    assert found.split() == ["10001", "EROFS"]


TRIES = """
import errno, os
print(os.getuid())
try:
    open("/var/tmp/written", "w")
except OSError as error:
    print(errno.errorcode[error.errno])
"""
