"""A run leaves the bucket as it was, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import http
from tests.live import bucket
from tests.live.target import REQUIRED, Incomplete, from_environment
from tests.localoss.support import Wire, result
from uploads.localoss.testing import LocalServer

CORS = b"<CORSConfiguration><CORSRule><AllowedOrigin>https://mine</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>"
CORS += b"</CORSRule></CORSConfiguration>"
LIMIT = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(arguments=["--allow-faults"]) as server:
        yield server


@pytest.fixture
def wire(server: LocalServer) -> Iterator[Wire]:
    """A bucket with rules and an object. The server keeps a run waiting when it lists its own CORS rules: by then the
    bucket's are replaced."""
    rule = [{"operation": "GetBucketCors", "after": 1, "count": 1, "delay": 30}]
    assert http.put(f"{server.url}/-/faults", json=rule).status_code < 300
    with Wire(server, server.bucket) as wire:
        assert wire.call("PUT", query=[("cors", "")], content=CORS).status_code == 200
        wire.put("mine/a.txt", b"mine")
        yield wire


def start(server: LocalServer, folder: Path, only: str) -> subprocess.Popen[str]:
    """`make live` on this server."""
    given = {
        "ENDPOINT": server.url,
        "ADDRESSING": "path",
        "REGION": server.region,
        "BUCKET": server.bucket,
        "ACCESS_KEY_ID": server.access_key_id,
        "ACCESS_KEY_SECRET": server.access_key_secret,
        "CHANGE_BUCKET_SETTINGS": "yes",
    }
    environment = {**os.environ, **{f"OSS_LIVE_{name}": value for name, value in given.items()}}
    command = [sys.executable, "-m", "tests.live", "--only", only, "--folder", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def replaced(server: LocalServer, wire: Wire, run: subprocess.Popen[str]) -> None:
    """Wait until the run has replaced the rules and is kept waiting."""
    end = time.monotonic() + LIMIT
    while not http.get(f"{server.url}/-/faults").json()["rules"][0]["applied"]:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    assert left(wire)
    assert b"app.example.com" in rules(wire)


def left(wire: Wire) -> list[str]:
    """The keys and uploads below the prefix of the suite."""
    prefix = ("prefix", bucket.ROOT)
    objects = result(wire.call("GET", query=[("list-type", "2"), prefix]), "ListBucketResult")
    uploads = result(wire.call("GET", query=[("uploads", ""), prefix]), "ListMultipartUploadsResult")
    return [element.text or "" for element in (*objects.iterfind("Contents/Key"), *uploads.iterfind("Upload/Key"))]


def rules(wire: Wire) -> bytes:
    """The CORS rules of the bucket."""
    return wire.call("GET", query=[("cors", "")]).content


def check_as_it_was(wire: Wire) -> None:
    assert left(wire) == []
    assert b"https://mine" in rules(wire)
    assert b"app.example.com" not in rules(wire)
    assert wire.call("GET", "mine/a.txt").content == b"mine"


def test_a_signal_ends_it_and_leaves_the_bucket_as_it_was(server: LocalServer, wire: Wire, tmp_path: Path) -> None:
    run = start(server, tmp_path, "cors/")
    replaced(server, wire, run)
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=LIMIT)
    assert (run.returncode, errors) == (130, "Stopped. What the run had made is removed.\n")
    check_as_it_was(wire)
    assert list(tmp_path.glob("*.run")) == []


def test_the_next_start_undoes_what_a_killed_run_left(server: LocalServer, wire: Wire, tmp_path: Path) -> None:
    run = start(server, tmp_path, "cors/")
    replaced(server, wire, run)
    run.kill()
    run.communicate(timeout=LIMIT)
    old = bucket.new_prefix(datetime.now(UTC) - timedelta(days=2), "another-machine")
    young = bucket.new_prefix(datetime.now(UTC), "another-machine")
    for prefix in (old, young):
        wire.put(f"{prefix}a", b"a")
        wire.initiate(f"{prefix}b")
    again = start(server, tmp_path, "abort/it-answers-204")
    output, errors = again.communicate(timeout=LIMIT)
    assert (again.returncode, errors) == (0, ""), output
    assert "1 statements, 0 not so, 0 differences" in output
    assert left(wire) == [f"{young}a", f"{young}b"]
    (upload,) = result(wire.call("GET", query=[("uploads", "")]), "ListMultipartUploadsResult").iterfind("Upload")
    wire.call("DELETE", f"{young}b", [("uploadId", upload.findtext("UploadId") or "")])
    wire.call("DELETE", f"{young}a")
    check_as_it_was(wire)
    assert list(tmp_path.glob("*.run")) == []


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("OSS_LIVE_BUCKET", "Set OSS_LIVE_BUCKET."), ("OSS_LIVE_REGION", "Set OSS_LIVE_REGION.")],
)
def test_what_the_environment_lacks_is_named(missing: str, sentence: str) -> None:
    given = {f"OSS_LIVE_{name}": "x" for name in REQUIRED}
    del given[missing]
    with pytest.raises(Incomplete, match=sentence):
        from_environment(given)
